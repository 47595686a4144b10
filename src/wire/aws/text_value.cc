#include "wire/aws/text_value.h"

#include <charconv>
#include <ctime>

#include "base/strings.h"
#include "base/time.h"

namespace stepmill::wire {

namespace {

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "Wed, 21 Oct 2015 07:28:00 GMT".
std::optional<double> ParseRfc822(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S", &parts);
  if (!end) return std::nullopt;
  return static_cast<double>(timegm(&parts));
}

Json TimeFromText(std::string_view text) {
  if (const auto seconds = ParseDouble(text)) return Json(*seconds);
  if (const auto seconds = ParseRfc822(text)) return Json(*seconds);
  const auto time = ParseIso(text);
  return time ? Json(SecondsSinceEpoch(*time)) : Json(text);
}

}  // namespace

TimestampFormat FormatOf(const ShapeMember& member, TimestampFormat usual) {
  if (member.timestamp_format == "iso8601") return TimestampFormat::kIso8601;
  if (member.timestamp_format == "rfc822") return TimestampFormat::kRfc822;
  if (member.timestamp_format == "unixTimestamp") return TimestampFormat::kEpoch;
  return usual;
}

Json ScalarFromText(const Shape& shape, std::string_view text) {
  switch (shape.type) {
    case Shape::Type::kInteger:
    case Shape::Type::kLong: {
      const auto value = ParseInt(Trim(text));
      return value ? Json(*value) : Json(text);
    }
    case Shape::Type::kDouble:
    case Shape::Type::kFloat: {
      const auto value = ParseDouble(Trim(text));
      return value ? Json(*value) : Json(text);
    }
    case Shape::Type::kBoolean:
      if (EqualsIgnoreCase(Trim(text), "true")) return Json(true);
      if (EqualsIgnoreCase(Trim(text), "false")) return Json(false);
      return Json(text);
    case Shape::Type::kTimestamp: return TimeFromText(Trim(text));
    default: return Json(text);
  }
}

std::string TextFromScalar(const Shape& shape, const Json& value, TimestampFormat format) {
  if (shape.type == Shape::Type::kTimestamp && value.is_number()) {
    const Time time = TimeFromSeconds(value.AsDouble());
    switch (format) {
      case TimestampFormat::kIso8601: return FormatIso(time, !value.is_integer());
      case TimestampFormat::kRfc822: return FormatTime(time, "%a, %d %b %Y %H:%M:%S GMT");
      case TimestampFormat::kEpoch: return value.NumberText();
    }
  }
  if (value.is_string()) return value.AsString();
  return value.Print();
}

}  // namespace stepmill::wire
