#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lang/jsonata/heap.h"

namespace stepmill::jsonata {

/// A regular expression of JavaScript (without the flag u), compiled for a
/// matcher that goes back: with captures, look-around and back references.
/// Trivial; lives on a heap.
struct Regex {
  enum class Op : uint8_t {
    kChar,      ///< argument: the character
    kAny,       ///< but line ends
    kClass,     ///< argument: of `classes`
    kSplit,     ///< first `next`, then `other`
    kJump,      ///< to `next`
    kSave,      ///< argument: slot
    kReset,     ///< slots argument .. other - 1 become undefined
    kMark,      ///< register argument = place
    kProgress,  ///< fails where the place is still that of the register
    kBegin,     ///< ^
    kEnd,       ///< $
    kWordEdge,  ///< \b; other = 1: \B
    kBackReference,
    kLook,  ///< what stands behind it up to kLookEnd; argument 1: must not
            ///< match; then `next`
    kLookEnd,
    kMatch,
  };
  struct Instruction {
    Op op = Op::kMatch;
    bool is_backward = false;  ///< inside a look-behind
    uint32_t argument = 0;
    uint32_t next = 0;
    uint32_t other = 0;
  };
  struct Range {
    uint32_t from, to;
  };
  struct Class {
    const Range* ranges = nullptr;  ///< sorted
    uint32_t count = 0;
    bool is_negated = false;
    uint64_t ascii[2] = {};  ///< members below 128, after negation and case
  };

  const Instruction* code = nullptr;
  uint32_t size = 0;
  const Class* classes = nullptr;
  uint32_t group_count = 0;  ///< without the whole match
  uint32_t register_count = 0;
  bool ignores_case = false;
  bool is_multiline = false;
  bool is_memoizable = false;    ///< no look-around, no back reference, few registers
  uint64_t first_bytes[4] = {};  ///< bytes that a match may begin with; all where it may be empty
  std::string_view source;
};

/// Null: `problem` says what is wrong, in JavaScript's words.
const Regex* CompileRegex(std::string_view source, std::string_view flags, Heap& heap,
                          std::string& problem);

bool IsLineEnd(uint32_t character);
bool IsWordCharacter(uint32_t character);
/// The character that all of one letter's cases become.
uint32_t Canonical(uint32_t character);
bool IsInClass(const Regex& regex, const Regex::Class& set, uint32_t character);

/// Matches of one expression in one text.
class RegexMatcher {
 public:
  static constexpr size_t kNone = SIZE_MAX;
  enum class Outcome { kFound, kNothing, kTooLong };

  RegexMatcher(const Regex& regex, std::string_view text);

  /// The first match that begins at byte `from` or later.
  Outcome Search(size_t from);
  /// Byte offsets of group `group`, 0 for the whole; kNone: took no part.
  size_t begin(uint32_t group) const { return slots_[group * 2]; }
  size_t end(uint32_t group) const { return slots_[group * 2 + 1]; }
  std::string_view group(uint32_t number) const {
    return text_.substr(begin(number), end(number) - begin(number));
  }
  bool has_group(uint32_t number) const { return end(number) != kNone; }
  int64_t steps() const { return steps_; }

 private:
  struct Choice {
    uint32_t code;  ///< where to go on; kRestore: a slot or register
    bool is_restore;
    size_t place;  ///< or what it held
  };
  enum class Step { kOn, kBack, kMatched };

  Outcome Run(uint32_t code, size_t place);
  bool Execute(const Regex::Instruction& at, uint32_t& code, size_t& place);
  bool Look(const Regex::Instruction& at, uint32_t& code, size_t place);
  bool IsTaken(const Regex::Instruction& at, char character) const;
  bool TakeCharacter(const Regex::Instruction& at, size_t& place);
  bool TakeReference(const Regex::Instruction& at, size_t& place);
  bool IsVisited(uint32_t code, size_t place);
  void SetSlot(uint32_t slot, size_t value);
  bool IsWordAt(size_t place) const;
  void StartMemo();

  const Regex& regex_;
  std::string_view text_;
  std::vector<size_t> slots_;  ///< groups, then registers
  std::vector<Choice> choices_;
  std::vector<uint64_t> visited_;
  bool has_memo_ = false;
  bool is_too_long_ = false;
  int64_t steps_ = 0;
};

}  // namespace stepmill::jsonata
