#pragma once

#include <cstddef>
#include <cstdint>

namespace stepmill::jsonata {

inline constexpr size_t kTextBytesMax = 1 << 20;   ///< text of one expression
inline constexpr int kNestingMax = 300;            ///< brackets inside brackets, at parsing
inline constexpr int kHeightMax = 1000;            ///< levels of a syntax tree
inline constexpr size_t kStackBytesMax = 3 << 20;  ///< of the thread's stack, one evaluation
inline constexpr int kWorkBetweenLooks = 4096;     ///< steps between two looks at the limits
inline constexpr double kRangeSizeMax = 1e7;       ///< items of one `..` (D2014)
// Step Functions' own, as measured there: what one value may hold.
inline constexpr double kStatesRangeSizeMax = 873'782;      ///< items of one `..`
inline constexpr double kStatesRangeFunctionMax = 360'145;  ///< items of one $range
inline constexpr size_t kStatesTextBytesMax = 6'990'256;    ///< of one text that `&` makes
inline constexpr size_t kSignatureParametersMax = 64;       ///< of one `<...>`
inline constexpr size_t kRegexInstructionsMax = 20'000;     ///< of one compiled regular expression
inline constexpr int kRegexNestingMax = 200;                ///< groups inside groups
inline constexpr int kRegexRepeatMax = 1'000'000'000;       ///< of `{n,m}`, larger is that
inline constexpr int64_t kRegexStepsMax = 20'000'000;       ///< of one match (U1001)
inline constexpr size_t kRegexBacktracksMax = 4 << 20;      ///< places to come back to, one match
inline constexpr size_t kPictureBytesMax = 4096;  ///< of date, integer and number pictures
inline constexpr size_t kEvalNestingMax = 20;     ///< $eval inside $eval
inline constexpr size_t kArgumentsMax = 255;      ///< of one call

}  // namespace stepmill::jsonata
