#include <cmath>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"
#include "lang/jsonata/regex.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

/// One match, whoever found it.
struct Found {
  std::string_view match;
  size_t begin = 0, end = 0;  ///< bytes
  Value groups;               ///< array
};

/// Walks over the matches of a regular expression, or of a function that
/// behaves like one.
class Matches {
 public:
  enum class State { kFound, kNone, kFailed };

  Matches(Arguments& call, const Value& matcher, std::string_view text)
      : call_(call), evaluator_(call.evaluator), function_(matcher.function), text_(text) {
    if (function_->sort == Function::Sort::kRegex) {
      regex_.emplace(*function_->regex, text);
      is_ascii_ = IsAscii(text);
    }
  }

  State Next(Found& out) {
    const State state = regex_ ? NextOfRegex(out) : NextOfFunction(out);
    is_first_ = false;
    return state;
  }

  /// What a replacing function gets.
  Value Object(const Found& found) {
    if (!regex_) return object_;
    return evaluator_.MatchObject(*function_->regex, text_, found.begin);
  }
  const RegexMatcher* regex() const { return regex_ ? &*regex_ : nullptr; }
  Value Groups() {
    Heap& heap = evaluator_.heap();
    List* groups = NewList(heap, function_->regex->group_count);
    for (uint32_t i = 1; i <= function_->regex->group_count; ++i)
      Push(heap, *groups, regex_->has_group(i) ? Value(regex_->group(i)) : Value());
    return groups;
  }

 private:
  State NextOfRegex(Found& out) {
    if (!is_first_ && at_ >= text_.size()) return State::kNone;
    const RegexMatcher::Outcome outcome = regex_->Search(at_);
    if (!evaluator_.Charge(regex_->steps() / 16 + 1)) return State::kFailed;
    if (outcome == RegexMatcher::Outcome::kTooLong) {
      evaluator_.Fail("U1001");
      evaluator_.fault().message =
          "Expression evaluation timeout: Check for a regular expression that "
          "backtracks too much";
      return State::kFailed;
    }
    if (outcome == RegexMatcher::Outcome::kNothing) return State::kNone;
    out.begin = regex_->begin(0);
    out.end = regex_->end(0);
    out.match = regex_->group(0);
    if (!is_first_ && out.match.empty()) {
      evaluator_.Fail("D1004");
      return State::kFailed;
    }
    at_ = out.end;
    return State::kFound;
  }

  State NextOfFunction(Found& out) {
    Value text(text_);
    const Function* next = is_first_ ? function_ : next_;
    if (!next) return State::kNone;
    object_ = evaluator_.Apply(*next, &text, is_first_ ? 1 : 0, Value::Null(), call_.frame);
    if (object_.is_error()) return State::kFailed;
    if (object_.is_undefined()) return State::kNone;
    const Value start = MemberOf(object_, "start"), end = MemberOf(object_, "end");
    const Value follow = MemberOf(object_, "next");
    out.groups = MemberOf(object_, "groups");
    if (!start.is_number() && !end.is_number() && !out.groups.is_array() && !follow.is_function() &&
        IsTrue(object_)) {
      evaluator_.Fail("T1010");
      return State::kFailed;
    }
    next_ = follow.is_function() ? follow.function : nullptr;
    const Value match = MemberOf(object_, "match");
    out.match = match.is_string() ? match.str() : std::string_view();
    out.begin = PlaceOf(start);
    out.end = end.is_number() ? PlaceOf(end) : out.begin + out.match.size();
    return State::kFound;
  }

  bool IsTrue(const Value& value) {
    return value.is_object() || value.is_array() || value.is_function() ||
           evaluator_.Truth(value) > 0;
  }
  size_t PlaceOf(const Value& unit) const {
    if (!unit.is_number() || !(unit.number > 0)) return 0;
    return OffsetOfUnit(text_, static_cast<size_t>(std::min(unit.number, 4e9)));
  }

  Arguments& call_;
  Evaluator& evaluator_;
  const Function* function_;
  std::string_view text_;
  std::optional<RegexMatcher> regex_;
  const Function* next_ = nullptr;
  Value object_;
  size_t at_ = 0;
  bool is_first_ = true;
  bool is_ascii_ = true;
};

/// Replaces "$1", "$$", "$0" in a replacement by parts of the match.
void Substitute(std::string_view replacement, std::string_view match, const Value& groups,
                std::string& out) {
  const Items all(groups);
  const uint32_t digits_max =
      all.size == 0 ? 1 : static_cast<uint32_t>(std::floor(std::log10(all.size))) + 1;
  for (size_t at = 0; at < replacement.size();) {
    const size_t dollar = replacement.find('$', at);
    out += replacement.substr(at, dollar - at);
    if (dollar == std::string_view::npos) return;
    at = dollar + 1;
    const char c = at < replacement.size() ? replacement[at] : '\0';
    if (c == '$' || c == '0') {
      out += c == '$' ? std::string_view("$") : match;
      ++at;
      continue;
    }
    const auto read = [&](uint32_t digits) {
      int64_t number = -1;
      for (size_t i = at; i < at + digits && i < replacement.size(); ++i) {
        if (replacement[i] < '0' || replacement[i] > '9') break;
        number = std::max<int64_t>(number, 0) * 10 + (replacement[i] - '0');
      }
      return number;
    };
    int64_t number = read(digits_max);
    if (digits_max > 1 && number > all.size) number = read(digits_max - 1);
    if (number < 0) {
      out += '$';
      continue;
    }
    if (number >= 1 && number <= all.size) {
      const Value group = all[static_cast<uint32_t>(number - 1)];
      if (group.is_string()) out += group.str();
    }
    at += std::to_string(number).size();
  }
}

/// The optional limit of a call: false when it is negative.
bool ReadLimit(const Value& value, double& limit) {
  limit = value.is_number() ? value.number : INFINITY;
  return !(limit < 0);
}

}  // namespace

Value Evaluator::MatchObject(const Regex& regex, std::string_view text, size_t from) {
  RegexMatcher matcher(regex, text);
  const RegexMatcher::Outcome outcome = matcher.Search(from);
  if (!Charge(matcher.steps() / 16)) return Value::Failed();
  if (outcome == RegexMatcher::Outcome::kTooLong) {
    return End("U1001",
               "Expression evaluation timeout: Check for a regular expression that "
               "backtracks too much");
  }
  if (outcome == RegexMatcher::Outcome::kNothing) return {};
  Object* object = NewObject(heap_, 5);
  const auto units = [&](size_t offset) {
    return Value(static_cast<double>(CountUnits(text.substr(0, offset))));
  };
  List* groups = NewList(heap_, regex.group_count);
  for (uint32_t i = 1; i <= regex.group_count; ++i)
    Push(heap_, *groups, matcher.has_group(i) ? Value(matcher.group(i)) : Value());
  Function* next = NewFunction(Function::Sort::kNextMatch);
  next->regex = &regex;
  next->input = Value(text);
  next->offset = matcher.end(0);
  Set(heap_, *object, "match", Value(matcher.group(0)));
  Set(heap_, *object, "start", units(matcher.begin(0)));
  Set(heap_, *object, "end", units(matcher.end(0)));
  Set(heap_, *object, "groups", Value(groups));
  Set(heap_, *object, "next", Value(next));
  return object;
}

Value ContainsFunction(Arguments& call) {
  if (!call[0].is_string() || call[1].is_undefined()) return {};
  if (call[1].is_string()) {
    return Value::Bool(call[0].str().find(call[1].str()) != std::string_view::npos);
  }
  if (!call[1].is_function()) return {};
  Matches matches(call, call[1], call[0].str());
  Found found;
  const Matches::State state = matches.Next(found);
  if (state == Matches::State::kFailed) return Value::Failed();
  return Value::Bool(state == Matches::State::kFound);
}

Value MatchFunction(Arguments& call) {
  if (!call[0].is_string() || !call[1].is_function()) return {};
  double limit;
  if (!ReadLimit(call[2], limit)) return call.evaluator.Fail("D3040", call[2]);
  Heap& heap = call.evaluator.heap();
  List* out = NewSequence(heap);
  const std::string_view text = call[0].str();
  const bool is_ascii = IsAscii(text);
  Matches matches(call, call[1], text);
  Found found;
  size_t units = 0, counted = 0;
  Matches::State state = matches.Next(found);
  for (double count = 0; state == Matches::State::kFound && count < limit; ++count) {
    if (!is_ascii && found.begin >= counted) {
      units += CountUnits(text.substr(counted, found.begin - counted));
      counted = found.begin;
    }
    Object* object = NewObject(heap, 3);
    Set(heap, *object, "match", Value(found.match));
    Set(heap, *object, "index", Value(static_cast<double>(is_ascii ? found.begin : units)));
    Set(heap, *object, "groups", matches.regex() ? matches.Groups() : found.groups);
    Push(heap, *out, Value(object));
    state = matches.Next(found);  // beyond the limit too, as the reference: it may fail
  }
  return state == Matches::State::kFailed ? Value::Failed() : Value(out);
}

static Value ReplaceText(Arguments& call, double limit) {
  const std::string_view text = call[0].str(), pattern = call[1].str();
  if (!call[2].is_string()) return call.evaluator.Fail("D3012", call[2]);
  const size_t bytes_max = call.evaluator.environment().limits.bytes_max;
  std::string out;
  size_t at = 0;
  for (double count = 0; count < limit; ++count) {
    const size_t found = text.find(pattern, at);
    if (found == std::string_view::npos) break;
    out += text.substr(at, found - at);
    out += call[2].str();
    at = found + pattern.size();
    if (out.size() > bytes_max) call.evaluator.heap().SetFull();
    if (!call.evaluator.Charge(1)) return Value::Failed();
  }
  out += text.substr(at);
  return call.evaluator.Text(out);
}

Value ReplaceFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  if (call[1].is_string() && call[1].size == 0) return call.evaluator.Fail("D3010", call[1]);
  double limit;
  if (!ReadLimit(call[3], limit)) return call.evaluator.Fail("D3011", call[3]);
  if (!(limit > 0)) return call[0];
  if (call[1].is_string()) return ReplaceText(call, limit);
  if (!call[1].is_function()) return call[0];
  const std::string_view text = call[0].str();
  const size_t bytes_max = call.evaluator.environment().limits.bytes_max;
  Matches matches(call, call[1], text);
  Found found;
  std::string out;
  size_t at = 0;
  Matches::State state = matches.Next(found);
  for (double count = 0; state == Matches::State::kFound && count < limit; ++count) {
    if (found.begin > at) out += text.substr(at, found.begin - at);
    if (call[2].is_function()) {
      Value object = matches.Object(found);
      if (object.is_error()) return object;
      const Value with =
          call.evaluator.Apply(*call[2].function, &object, 1, Value::Null(), call.frame);
      if (with.is_error()) return with;
      if (!with.is_string()) return call.evaluator.Fail("D3012", with);
      out += with.str();
    } else if (call[2].is_string()) {
      const bool has_dollar = call[2].str().find('$') != std::string_view::npos;
      if (!has_dollar) {
        out += call[2].str();
      } else {
        Substitute(call[2].str(), found.match, matches.regex() ? matches.Groups() : found.groups,
                   out);
      }
    } else {
      return call.evaluator.Fail("D3012", call[2]);
    }
    at = std::min(found.begin + found.match.size(), text.size());
    if (out.size() > bytes_max) call.evaluator.heap().SetFull();
    if (!call.evaluator.Charge(1)) return Value::Failed();
    state = matches.Next(found);
  }
  if (state == Matches::State::kFailed) return Value::Failed();
  out += text.substr(at);
  return call.evaluator.Text(out);
}

/// JavaScript splits by "" between UTF-16 units: a pair falls into its halves.
static void SplitUnits(Evaluator& evaluator, std::string_view text, double limit, List& out) {
  Heap& heap = evaluator.heap();
  for (size_t at = 0; at < text.size() && out.size < limit && evaluator.Charge(1);) {
    const size_t begin = at;
    const uint32_t c = NextCharacter(text, at);
    if (c < 0x10000) {
      Push(heap, out, Value(text.substr(begin, at - begin)));
      continue;
    }
    std::string high, low;
    AppendCharacter(high, 0xD800 + ((c - 0x10000) >> 10));
    AppendCharacter(low, 0xDC00 + ((c - 0x10000) & 0x3FF));
    Push(heap, out, Value(heap.Copy(high)));
    if (out.size < limit) Push(heap, out, Value(heap.Copy(low)));
  }
}

Value SplitFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  double limit;
  if (!ReadLimit(call[2], limit)) return call.evaluator.Fail("D3020", call[2]);
  Heap& heap = call.evaluator.heap();
  List* out = NewList(heap);
  const std::string_view text = call[0].str();
  if (!(limit > 0)) return out;
  if (call[1].is_undefined()) {
    Push(heap, *out, call[0]);
    return out;
  }
  if (call[1].is_string()) {
    const double count = std::floor(limit);
    if (call[1].size == 0) {
      SplitUnits(call.evaluator, text, count, *out);
      return out;
    }
    for (size_t at = 0; out->size < count && call.evaluator.Charge(1);) {
      const size_t found = text.find(call[1].str(), at);
      Push(heap, *out, Value(text.substr(at, found - at)));
      if (found == std::string_view::npos) break;
      at = found + call[1].size;
    }
    return out;
  }
  if (!call[1].is_function()) return out;
  Matches matches(call, call[1], text);
  Found found;
  size_t at = 0;
  double count = 0;
  Matches::State state = matches.Next(found);
  for (; state == Matches::State::kFound && count < limit; ++count) {
    const size_t end = std::max(found.begin, at);
    Push(heap, *out, Value(text.substr(at, end - at)));
    at = std::min(found.end, text.size());
    state = matches.Next(found);
  }
  if (state == Matches::State::kFailed) return Value::Failed();
  if (count < limit) Push(heap, *out, Value(text.substr(at)));
  return out;
}

}  // namespace stepmill::jsonata
