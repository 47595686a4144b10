#include <algorithm>
#include <cmath>
#include <cstring>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

Json NumberToJson(const Value& value, Dialect dialect) {
  const double n = value.number;
  if (!std::isfinite(n)) {
    // Step Functions prints what is no JSON number as text.
    return dialect == Dialect::kStates ? Json(NumberToText(n)) : Json();
  }
  if (value.size) {
    const auto more = static_cast<int32_t>(value.size);
    return Json(static_cast<int64_t>(n) + more);
  }
  if (n == 0) return Json(0);
  if (std::abs(n) < 9007199254740992.0) return Json(n);
  return Json::NumberFromText(NumberToText(n));
}

}  // namespace

Json Evaluator::ToJson(const Value& value, int depth) {
  heap_.Count(48 + (value.is_string() ? value.size : 0));
  if (--heap_.work_left <= 0 && !LookAtLimits()) return Json();
  if (depth > kHeightMax) {
    End("U1001", "Stack overflow error: the result is nested too deeply");
    return Json();
  }
  switch (value.tag) {
    case Tag::kBool: return Json(value.boolean);
    case Tag::kNumber: return NumberToJson(value, program_->dialect);
    case Tag::kString: return Json(value.str());
    case Tag::kJsonArray:
    case Tag::kJsonObject: return *value.json;
    case Tag::kTuple: return Json();
    case Tag::kList: {
      Json::Array items;
      items.reserve(value.list->size);
      for (uint32_t i = 0; i < value.list->size && !has_ended_; ++i)
        items.push_back(ToJson(value.list->items[i], depth + 1));
      return Json(std::move(items));
    }
    case Tag::kObject: {
      Json::Object object;
      object.members.reserve(value.object->size);
      for (uint32_t i = 0; i < value.object->size && !has_ended_; ++i) {
        const jsonata::Member& member = value.object->members[i];
        if (member.value.is_undefined()) continue;
        object.Add(std::string(member.key()), ToJson(member.value, depth + 1));
      }
      return Json(std::move(object));
    }
    case Tag::kFunction: return Json("");
    default: return Json();
  }
}

std::string Evaluator::ToText(const Value& value) {
  if (value.is_undefined()) return "";
  if (value.is_function()) return "{}";
  if (value.is_number()) return std::isfinite(value.number) ? NumberToText(value.number) : "null";
  return ToJson(value).Print();
}

namespace {

/// A text in quotes; nearly always nothing in it needs an escape.
void AppendQuoted(std::string_view text, std::string& out) {
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != '\xED';
  });
  if (!is_plain) return Json(text).PrintTo(out);
  out += '"';
  out += text;
  out += '"';
}

/// JSON text as JSON.stringify makes it, with numbers to 15 digits and
/// functions as empty texts.
class TextPrinter {
 public:
  TextPrinter(Evaluator& evaluator, std::string& out, bool is_pretty, size_t size_max)
      : evaluator_(evaluator), out_(out), is_pretty_(is_pretty), size_max_(size_max) {}

  bool Print(const Value& value, int level) {
    if (!evaluator_.Charge(1)) return false;
    if (out_.size() > size_max_ || level > kHeightMax) {
      evaluator_.heap().SetFull();
      return evaluator_.Charge(1);
    }
    switch (value.tag) {
      case Tag::kBool: out_ += value.boolean ? "true" : "false"; return true;
      case Tag::kNumber:
        if (std::isnan(value.number)) {
          out_ += "null";
          return true;
        }
        if (evaluator_.IsNumeric(value) < 0) return false;
        AppendNumber(out_, value.number);
        return true;
      case Tag::kString: AppendQuoted(value.str(), out_); return true;
      case Tag::kFunction: out_ += "\"\""; return true;
      case Tag::kJsonArray:
      case Tag::kList: return PrintArray(value, level);
      case Tag::kJsonObject:
      case Tag::kObject: return PrintObject(value, level);
      default: out_ += "null"; return true;
    }
  }

 private:
  void NewLine(int level) {
    if (is_pretty_) out_.append(1, '\n').append(static_cast<size_t>(level) * 2, ' ');
  }

  bool PrintArray(const Value& value, int level) {
    const Items items(value);
    out_ += '[';
    for (uint32_t i = 0; i < items.size; ++i) {
      if (i) out_ += ',';
      NewLine(level + 1);
      if (!Print(items[i], level + 1)) return false;
    }
    if (items.size) NewLine(level);
    out_ += ']';
    return true;
  }

  bool PrintObject(const Value& value, int level) {
    bool is_first = true, is_done = true;
    out_ += '{';
    EachMember(value, [&](std::string_view name, const Value& member) {
      if (member.is_undefined()) return true;
      if (!is_first) out_ += ',';
      is_first = false;
      NewLine(level + 1);
      AppendQuoted(name, out_);
      out_ += is_pretty_ ? ": " : ":";
      return is_done = Print(member, level + 1);
    });
    if (!is_first) NewLine(level);
    out_ += '}';
    return is_done;
  }

  Evaluator& evaluator_;
  std::string& out_;
  bool is_pretty_;
  size_t size_max_;
};

}  // namespace

bool Evaluator::AppendText(const Value& value, std::string& out, bool is_pretty) {
  switch (value.tag) {
    case Tag::kUndefined:
    case Tag::kFunction: return true;
    case Tag::kString: out += value.str(); return true;
    case Tag::kNumber:
      if (std::isnan(value.number)) {
        out += "null";
        return true;
      }
      if (std::isinf(value.number)) {
        Fail("D3001", value);
        return false;
      }
      AppendNumber(out, value.number);
      return true;
    default: break;
  }
  const bool is_wrapper = value.is_list() && value.list->is_outer_wrapper;
  TextPrinter printer(*this, out, is_pretty, environment_.limits.bytes_max);
  return printer.Print(is_wrapper ? value.list->items[0] : value, 0);
}

Value Evaluator::Text(std::string_view text) {
  if (text.size() >= UINT32_MAX) heap_.SetFull();
  char* out = text.empty() ? nullptr : static_cast<char*>(heap_.TryTake(text.size()));
  if (!out) return text.empty() || Charge(0) ? Value(std::string_view()) : Value::Failed();
  std::memcpy(out, text.data(), text.size());
  return Value(std::string_view(out, text.size()));
}

Value Evaluator::Concat(std::string_view a, std::string_view b) {
  if (JoinsSurrogates(a, b)) return Text(JoinSurrogates(std::string(a) + std::string(b)));
  const size_t size = a.size() + b.size();
  if (size >= UINT32_MAX) {
    heap_.SetFull();
    return Charge(0) ? Value() : Value::Failed();
  }
  if (growing_.begin == a.data() && growing_.used == a.size() && !a.empty() &&
      growing_.capacity >= size) {
    // The text that was made last gets longer: texts may be built piece by
    // piece.
    std::memcpy(growing_.begin + a.size(), b.data(), b.size());
    growing_.used = size;
    return Value(std::string_view(growing_.begin, size));
  }
  const size_t capacity = a.size() > 64 ? size + size / 2 : size;
  char* out = static_cast<char*>(heap_.TryTake(capacity + 1));
  if (!out) return Charge(0) ? Value() : Value::Failed();
  if (!a.empty()) std::memcpy(out, a.data(), a.size());
  if (!b.empty()) std::memcpy(out + a.size(), b.data(), b.size());
  growing_ = {out, size, capacity};
  return Value(std::string_view(out, size));
}

}  // namespace stepmill::jsonata
