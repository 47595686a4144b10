#pragma once

#include <cstddef>
#include <cstdint>

namespace stepmill::asl {

// What AWS documents (Step Functions "Quotas"); bytes are UTF-8.
inline constexpr size_t kPayloadBytesMax = 262'144;
inline constexpr int64_t kHistoryEventsMax = 25'000;  ///< Standard only
inline constexpr int64_t kExpressSecondsMax = 300;
inline constexpr size_t kDefinitionCharactersMax = 1'048'576;
inline constexpr size_t kStateNameCharactersMax = 80;
inline constexpr int kInlineConcurrencyMax = 40;
inline constexpr int64_t kTimeoutSecondsMax = 99'999'999;
inline constexpr int64_t kWaitSecondsMax = 2'147'483'647;  ///< "Wait state delay is too long."
inline constexpr int kIntrinsicDepthMax = 10;
inline constexpr int kArrayRangeMax = 1000;
inline constexpr size_t kEncodeCharactersMax = 10'000;  ///< Base64 and Hash arguments
inline constexpr size_t kErrorCharactersMax = 256;
inline constexpr size_t kCauseCharactersMax = 32'768;

inline constexpr int kQueryDepthMax = 100;                    ///< JSONata: nested evaluations
inline constexpr size_t kVariableBytesMax = 262'144;          ///< one, and those of one Assign
inline constexpr size_t kVariablesBytesMax = 10 * 1'048'576;  ///< all of an execution

// Ours.
inline constexpr int kTurnTransitionsMax = 1000;       ///< then others have their turn
inline constexpr int64_t kQueryStepsMax = 10'000'000;  ///< JSONata: about AWS's five seconds
inline constexpr size_t kQueryBytesMax = 64 << 20;     ///< JSONata: values alive
inline constexpr int kNestingMax = 32;                 ///< machines inside machines
inline constexpr int kTemplateDepthMax = 200;          ///< of a payload template
inline constexpr int kChoiceDepthMax = 100;            ///< And/Or/Not inside each other
inline constexpr size_t kFindingsMax = 1000;           ///< collected for one definition
inline constexpr int kStatesMax = 10'000;              ///< in one definition, nested ones included

}  // namespace stepmill::asl
