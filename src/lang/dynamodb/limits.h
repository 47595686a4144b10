#pragma once

#include <cstddef>

/// Bounds of the expression language and of values. AWS: "Quotas in Amazon DynamoDB", "Expression
/// parameters".
namespace stepmill::dynamodb {

inline constexpr size_t kExpressionBytesMax = 4096;
inline constexpr int kParenthesesDepthMax = 100;
inline constexpr size_t kOperatorsMax = 300;
inline constexpr size_t kInOperandsMax = 100;
inline constexpr int kValueDepthMax = 32;
inline constexpr size_t kNumberTextMax = 500;
inline constexpr size_t kDigitsMax = 38;
inline constexpr int kExponentMax = 125;
inline constexpr int kExponentMin = -130;
inline constexpr size_t kItemBytesMax = 400 * 1024;
/// A list grows at its end whatever the index says; the index itself is a 32-bit number.
inline constexpr size_t kIndexDigitsMax = 9;

}  // namespace stepmill::dynamodb
