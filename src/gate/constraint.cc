#include "gate/constraint.h"

#include <re2/re2.h>

#include <map>
#include <memory>
#include <mutex>

#include "base/strings.h"

namespace stepmill {

namespace {

/// RE2 counts repetitions up to this; longer bounds are the business of the length constraint.
constexpr int64_t kRepeatMax = 1000;

/// Java's syntax to RE2's: \uXXXX, and bounds above kRepeatMax.
std::string ToRe2(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      if (pattern[i + 1] == 'u' && i + 6 <= pattern.size()) {
        out += "\\x{" + std::string(pattern.substr(i + 2, 4)) + "}";
        i += 5;
      } else {
        out += pattern.substr(i++, 2);
      }
      continue;
    }
    if (pattern[i] == '{') {
      const size_t end = pattern.find('}', i);
      const size_t comma = pattern.find(',', i);
      if (end != std::string_view::npos && comma < end) {
        const auto low = ParseInt(pattern.substr(i + 1, comma - i - 1));
        const auto high = ParseInt(pattern.substr(comma + 1, end - comma - 1));
        if (low && high && *high > kRepeatMax) {
          out += "{" + std::to_string(std::min(*low, kRepeatMax)) + ",}";
          i = end;
          continue;
        }
      }
    }
    out += pattern[i];
  }
  return out;
}

/// Compiled patterns by the model's text; as many as the models have.
class Patterns {
 public:
  const RE2& Find(std::string_view pattern) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<RE2>& compiled = compiled_[pattern];
    if (!compiled) {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_dot_nl(false);
      compiled = std::make_unique<RE2>(ToRe2(pattern), options);
    }
    return *compiled;
  }

 private:
  std::mutex mutex_;
  std::map<std::string_view, std::unique_ptr<RE2>> compiled_;
};

std::string Number(double value) { return Json(static_cast<int64_t>(value)).Print(); }

struct Words {
  std::string_view least, most;
};
Words WordsFor(Shape::Type type) {
  switch (type) {
    case Shape::Type::kInteger:
    case Shape::Type::kLong:
    case Shape::Type::kDouble:
    case Shape::Type::kFloat:
      return {"Member must have value greater than or equal to ",
              "Member must have value less than or equal to "};
    default:
      return {"Member must have length greater than or equal to ",
              "Member must have length less than or equal to "};
  }
}

std::string EnumText(const Shape& shape) {
  std::string text = "Member must satisfy enum value set: [";
  for (size_t i = 0; i < shape.enums.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::string(shape.enums[i]);
  return text + "]";
}

std::string PatternText(const Shape& shape) {
  return "Member must satisfy regular expression pattern: " + std::string(shape.pattern);
}

/// What min and max are about.
double Measure(const Shape& shape, const Json& value) {
  switch (shape.type) {
    case Shape::Type::kString: return static_cast<double>(Utf16Length(value.AsString()));
    case Shape::Type::kBlob: {
      const auto bytes = Unbase64(value.AsString());
      return bytes ? static_cast<double>(bytes->size()) : 0;
    }
    case Shape::Type::kList:
    case Shape::Type::kMap: return static_cast<double>(value.size());
    default: return value.is_number() ? value.AsDouble() : 0;
  }
}

bool HasBounds(Shape::Type type) {
  return type != Shape::Type::kStructure && type != Shape::Type::kBoolean &&
         type != Shape::Type::kTimestamp;
}

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  static Patterns patterns;  // compiled once, behind its mutex
  const RE2& compiled = patterns.Find(pattern);
  return !compiled.ok() || RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled);
}

std::vector<std::string> BrokenConstraints(const Shape& shape, const Json& value) {
  std::vector<std::string> broken;
  if (HasBounds(shape.type)) {
    const double measure = Measure(shape, value);
    const Words words = WordsFor(shape.type);
    if (measure > shape.max) broken.push_back(std::string(words.most) + Number(shape.max));
    if (measure < shape.min) broken.push_back(std::string(words.least) + Number(shape.min));
  }
  if (shape.type != Shape::Type::kString) return broken;
  if (!shape.pattern.empty() && !MatchesPattern(shape.pattern, value.AsString()))
    broken.push_back(PatternText(shape));
  if (!shape.enums.empty()) {
    bool is_known = false;
    for (const std::string_view candidate : shape.enums) is_known |= candidate == value.AsString();
    if (!is_known) broken.push_back(EnumText(shape));
  }
  return broken;
}

std::vector<std::string> AllConstraints(const Shape& shape) {
  std::vector<std::string> all;
  const Words words = WordsFor(shape.type);
  if (HasBounds(shape.type)) {
    if (shape.max != Shape::kNoMax) all.push_back(std::string(words.most) + Number(shape.max));
    if (shape.min != Shape::kNoMin) all.push_back(std::string(words.least) + Number(shape.min));
  }
  if (!shape.pattern.empty()) all.push_back(PatternText(shape));
  if (!shape.enums.empty()) all.push_back(EnumText(shape));
  return all;
}

std::string JavaText(const Json& value) {
  std::string text;
  if (value.is_string()) return value.AsString();
  if (value.is_array()) {
    for (const Json& item : value.items()) text += (text.empty() ? "" : ", ") + JavaText(item);
    return "[" + text + "]";
  }
  if (value.is_object()) {
    for (const Json::Member& member : value.members())
      text += (text.empty() ? "" : ", ") + member.name + "=" + JavaText(member.value);
    return "{" + text + "}";
  }
  return value.Print();
}

}  // namespace stepmill
