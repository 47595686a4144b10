#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stepmill::jsonata {

// UTF-8 in which a lone surrogate is its three-byte form. Malformed bytes count
// as one character each.

/// The character at `at`, which moves behind it.
uint32_t NextCharacter(std::string_view text, size_t& at);
/// The character that ends before `at`, which moves to its first byte.
uint32_t PreviousCharacter(std::string_view text, size_t& at);
void AppendCharacter(std::string& out, uint32_t character);
/// What is no UTF-8 becomes U+FFFD.
std::string WellFormed(std::string_view text);
size_t CountCharacters(std::string_view text);
/// UTF-16 code units of a text: the reference's positions.
size_t CountUnits(std::string_view text);
/// Byte offset of a UTF-16 position (inside a pair: behind it).
size_t OffsetOfUnit(std::string_view text, size_t unit);
/// Byte offset of the `count`th character; the size when there are fewer.
size_t OffsetOfCharacter(std::string_view text, size_t count);
bool IsAscii(std::string_view text);
/// Two texts become one: true when a surrogate ends the first and its other
/// half begins the second.
bool JoinsSurrogates(std::string_view first, std::string_view second);
/// Joins pairs of lone surrogates that now stand side by side.
std::string JoinSurrogates(std::string_view text);

/// Full case mapping of Unicode 15, without language-specific rules
/// (JavaScript's toUpperCase).
std::string ToUpperText(std::string_view text);
std::string ToLowerText(std::string_view text);
/// One character, simple mapping.
uint32_t ToUpperSimple(uint32_t character);
uint32_t ToLowerSimple(uint32_t character);

// Numbers as JavaScript prints them.
std::string NumberToText(double number);
/// The same after rounding to 15 significant digits, where it is no integer
/// ($string, `&`).
void AppendNumber(std::string& out, double number);
double RoundToDigits(double number, int digits);
/// JavaScript's Number.prototype.toFixed, any size.
std::string ToFixed(double number, int decimals);

}  // namespace stepmill::jsonata
