#include <algorithm>

#include "lang/jsonata/limits.h"
#include "lang/jsonata/regex.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

using Op = Regex::Op;

constexpr int64_t kStepsBeforeMemo = 20'000;
constexpr size_t kMemoBitsMax = size_t{1} << 28;

}  // namespace

bool IsLineEnd(uint32_t c) { return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029; }

bool IsWordCharacter(uint32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
}

uint32_t Canonical(uint32_t c) {
  const uint32_t upper = ToUpperSimple(c);
  return c >= 128 && upper < 128 ? c : upper;
}

bool IsInClass(const Regex& regex, const Regex::Class& set, uint32_t c) {
  if (c < 128) return set.ascii[c / 64] >> (c % 64) & 1;
  const auto has = [&](uint32_t character) {
    const Regex::Range* end = set.ranges + set.count;
    const Regex::Range* at = std::lower_bound(
        set.ranges, end, character,
        [](const Regex::Range& range, uint32_t value) { return range.to < value; });
    return at != end && character >= at->from;
  };
  bool is_in = has(c);
  if (regex.ignores_case) is_in = is_in || has(ToLowerSimple(c)) || has(ToUpperSimple(c));
  return is_in != set.is_negated;
}

RegexMatcher::RegexMatcher(const Regex& regex, std::string_view text)
    : regex_(regex),
      text_(text),
      slots_((regex.group_count + 1) * 2 + regex.register_count, kNone) {}

RegexMatcher::Outcome RegexMatcher::Search(size_t from) {
  steps_ = 0;
  visited_.clear();
  has_memo_ = is_too_long_ = false;
  for (size_t place = from; place <= text_.size(); ++place) {
    if (place < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[place]);
      if ((byte & 0xC0) == 0x80 && place > 0) continue;  // inside a character
      if (!(regex_.first_bytes[byte / 64] >> (byte % 64) & 1)) continue;
    }
    Outcome outcome = Run(0, place);
    if (is_too_long_ && regex_.is_memoizable && !has_memo_) {
      StartMemo();
      outcome = Run(0, place);
    }
    if (is_too_long_) return Outcome::kTooLong;
    if (outcome == Outcome::kFound) return outcome;
  }
  return Outcome::kNothing;
}

void RegexMatcher::StartMemo() {
  const size_t bits = size_t{regex_.size} * (text_.size() + 1) << regex_.register_count;
  if (bits > kMemoBitsMax) {
    has_memo_ = true;  // none fits: the bound on steps is left
    is_too_long_ = false;
    return;
  }
  visited_.assign(bits / 64 + 1, 0);
  has_memo_ = true;
  is_too_long_ = false;
}

bool RegexMatcher::IsVisited(uint32_t code, size_t place) {
  // What follows depends on the instruction, the place, and which loops have
  // moved since they began.
  size_t key = size_t{code} * (text_.size() + 1) + place;
  for (uint32_t i = 0; i < regex_.register_count; ++i)
    key = key << 1 | (slots_[(regex_.group_count + 1) * 2 + i] == place);
  uint64_t& word = visited_[key / 64];
  const uint64_t bit = uint64_t{1} << (key % 64);
  const bool was = word & bit;
  word |= bit;
  return was;
}

void RegexMatcher::SetSlot(uint32_t slot, size_t value) {
  choices_.push_back({slot, true, slots_[slot]});
  slots_[slot] = value;
}

bool RegexMatcher::IsWordAt(size_t place) const {
  return place < text_.size() && IsWordCharacter(static_cast<unsigned char>(text_[place]));
}

/// A character below 128: true when the instruction takes it for sure.
bool RegexMatcher::IsTaken(const Regex::Instruction& at, char character) const {
  const auto c = static_cast<unsigned char>(character);
  if (at.op == Op::kChar) return at.argument == c;
  if (at.op == Op::kAny) return c != '\n' && c != '\r';
  return regex_.classes[at.argument].ascii[c / 64] >> (c % 64) & 1;
}

bool RegexMatcher::TakeCharacter(const Regex::Instruction& at, size_t& place) {
  uint32_t c;
  size_t next = place;
  if (at.is_backward) {
    if (place == 0) return false;
    c = PreviousCharacter(text_, next);
  } else {
    if (place >= text_.size()) return false;
    c = NextCharacter(text_, next);
  }
  bool is_match;
  if (at.op == Op::kChar) {
    is_match = c == at.argument || (regex_.ignores_case && Canonical(c) == Canonical(at.argument));
  } else if (at.op == Op::kAny) {
    is_match = !IsLineEnd(c);
  } else {
    is_match = IsInClass(regex_, regex_.classes[at.argument], c);
  }
  if (is_match) place = next;
  return is_match;
}

bool RegexMatcher::TakeReference(const Regex::Instruction& at, size_t& place) {
  const size_t from = slots_[at.argument * 2], to = slots_[at.argument * 2 + 1];
  if (from == kNone || to == kNone || to < from) return true;  // took no part: matches nothing
  const size_t size = to - from;
  steps_ += static_cast<int64_t>(size) / 16;
  const size_t room = at.is_backward ? place : text_.size() - place;
  if (!regex_.ignores_case) {
    if (room < size) return false;
    const size_t begin = at.is_backward ? place - size : place;
    if (text_.substr(begin, size) != text_.substr(from, size)) return false;
    place = at.is_backward ? begin : begin + size;
    return true;
  }
  size_t a = at.is_backward ? to : from, b = place;
  while (a != (at.is_backward ? from : to)) {
    if (at.is_backward ? b == 0 : b >= text_.size()) return false;
    const uint32_t x = at.is_backward ? PreviousCharacter(text_, a) : NextCharacter(text_, a);
    const uint32_t y = at.is_backward ? PreviousCharacter(text_, b) : NextCharacter(text_, b);
    if (Canonical(x) != Canonical(y)) return false;
  }
  place = b;
  return true;
}

bool RegexMatcher::Look(const Regex::Instruction& at, uint32_t& code, size_t place) {
  const std::vector<size_t> before = slots_;
  const bool is_found = Run(code + 1, place) == Outcome::kFound;
  std::vector<size_t> after = slots_;
  slots_ = before;
  if (is_too_long_ || is_found == (at.argument == 1)) return false;
  if (is_found) {
    for (uint32_t slot = 0; slot < after.size(); ++slot)
      if (after[slot] != slots_[slot]) SetSlot(slot, after[slot]);
  }
  code = at.next;
  return true;
}

bool RegexMatcher::Execute(const Regex::Instruction& at, uint32_t& code, size_t& place) {
  const uint32_t registers = (regex_.group_count + 1) * 2;
  switch (at.op) {
    case Op::kChar:
    case Op::kAny:
    case Op::kClass:
      if (!TakeCharacter(at, place)) return false;
      break;
    case Op::kSplit:
      if (!visited_.empty() && IsVisited(code, place)) return false;
      choices_.push_back({at.other, false, place});
      break;
    case Op::kJump: break;
    case Op::kSave: SetSlot(at.argument, place); break;
    case Op::kReset:
      for (uint32_t slot = at.argument; slot < at.other; ++slot)
        if (slots_[slot] != kNone) SetSlot(slot, kNone);
      break;
    case Op::kMark: SetSlot(registers + at.argument, place); break;
    case Op::kProgress:
      if (slots_[registers + at.argument] == place) return false;
      break;
    case Op::kBegin: {
      if (place == 0) break;
      size_t before = place;
      if (!regex_.is_multiline || !IsLineEnd(PreviousCharacter(text_, before))) return false;
      break;
    }
    case Op::kEnd: {
      if (place == text_.size()) break;
      size_t after = place;
      if (!regex_.is_multiline || !IsLineEnd(NextCharacter(text_, after))) return false;
      break;
    }
    case Op::kWordEdge: {
      const bool is_edge = (place > 0 && IsWordAt(place - 1)) != IsWordAt(place);
      if (is_edge == (at.other == 1)) return false;
      break;
    }
    case Op::kBackReference:
      if (!TakeReference(at, place)) return false;
      break;
    case Op::kLook: return Look(at, code, place);
    case Op::kLookEnd:
    case Op::kMatch: break;  // seen by the caller
  }
  code = at.next;
  return true;
}

RegexMatcher::Outcome RegexMatcher::Run(uint32_t code, size_t place) {
  const size_t base = choices_.size();
  const size_t begin = place;
  const int64_t steps_max = regex_.is_memoizable && !has_memo_
                                ? kStepsBeforeMemo + 8 * static_cast<int64_t>(text_.size())
                                : kRegexStepsMax;
  if (code == 0) std::fill(slots_.begin(), slots_.end(), kNone);
  for (;;) {
    const Regex::Instruction& at = regex_.code[code];
    if (at.op == Op::kMatch || at.op == Op::kLookEnd) {
      choices_.resize(base);
      if (at.op == Op::kMatch) {
        slots_[0] = begin;
        slots_[1] = place;
      }
      return Outcome::kFound;
    }
    if (++steps_ > steps_max || choices_.size() > kRegexBacktracksMax) {
      is_too_long_ = true;
      choices_.resize(base);
      return Outcome::kTooLong;
    }
    // The usual: a character of ASCII, forwards.
    if (at.op == Op::kSplit && visited_.empty()) {
      choices_.push_back({at.other, false, place});
      code = at.next;
      continue;
    }
    if (at.op <= Op::kClass && !at.is_backward && place < text_.size() &&
        static_cast<unsigned char>(text_[place]) < 128 && IsTaken(at, text_[place])) {
      ++place;
      code = at.next;
      continue;
    }
    if (Execute(at, code, place)) continue;
    bool is_found = false;
    while (!is_found && choices_.size() > base) {
      const Choice choice = choices_.back();
      choices_.pop_back();
      if (choice.is_restore) {
        slots_[choice.code] = choice.place;
      } else {
        code = choice.code;
        place = choice.place;
        is_found = true;
      }
    }
    if (is_too_long_) return Outcome::kTooLong;
    if (!is_found) return Outcome::kNothing;
  }
}

}  // namespace stepmill::jsonata
