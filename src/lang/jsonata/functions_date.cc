#include <cmath>

#include "lang/jsonata/date_picture.h"
#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"
#include "lang/jsonata/number_picture.h"

namespace stepmill::jsonata {
namespace {

Value FailWith(Evaluator& evaluator, const Fault& fault) {
  evaluator.Fail(fault.code);
  if (!evaluator.has_ended()) evaluator.fault() = fault;
  return Value::Failed();
}

/// The offset of "+0530": 530. JavaScript's parseInt.
double ReadOffset(const Value& text) {
  if (text.is_undefined()) return 0;
  if (!text.is_string()) return NAN;
  std::string_view rest = text.str();
  while (!rest.empty() && (rest[0] == ' ' || (rest[0] >= 9 && rest[0] <= 13)))
    rest.remove_prefix(1);
  const double sign = rest.starts_with('-') ? -1 : 1;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  double out = 0;
  size_t at = 0;
  for (; at < rest.size() && rest[at] >= '0' && rest[at] <= '9' && at < 15; ++at)
    out = out * 10 + (rest[at] - '0');
  return at ? sign * out : NAN;
}

Value FormatMillis(Arguments& call, double millis, const Value& picture, const Value& zone) {
  if (picture.is_undefined() && zone.is_undefined() && std::isfinite(millis) && millis >= 0 &&
      millis < 253'402'300'800'000) {
    return call.evaluator.Text(FormatIso(TimeFromMillis(static_cast<int64_t>(millis))));
  }
  const std::string_view text =
      picture.is_string() ? picture.str() : "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]";
  std::vector<DatePart> parts;
  Fault fault;
  std::string out;
  if (!ReadDatePicture(text, parts, fault) ||
      !FormatDate(millis, parts, ReadOffset(zone), out, fault)) {
    return FailWith(call.evaluator, fault);
  }
  return call.evaluator.Text(out);
}

double Now(Arguments& call) {
  return static_cast<double>(MillisSinceEpoch(call.evaluator.environment().now));
}

}  // namespace

Value NowFunction(Arguments& call) { return FormatMillis(call, Now(call), call[0], call[1]); }

Value MillisFunction(Arguments& call) { return Value(Now(call)); }

Value FromMillisFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  return FormatMillis(call, call[0].number, call[1], call[2]);
}

Value ToMillisFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  std::optional<double> millis;
  if (!call[1].is_string()) {
    millis = ParseIsoDate(call[0].str());
    return millis ? Value(*millis) : call.evaluator.Fail("D3110", call[0]);
  }
  std::vector<DatePart> parts;
  Fault fault;
  if (!ReadDatePicture(call[1].str(), parts, fault) ||
      !ParseDate(call[0].str(), parts, Now(call), millis, fault)) {
    return FailWith(call.evaluator, fault);
  }
  return millis ? Value(*millis) : Value();
}

Value FormatIntegerFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  IntegerFormat format;
  Fault fault;
  std::string out;
  if (!ReadIntegerPicture(call[1].is_string() ? call[1].str() : "", format, fault) ||
      !FormatInteger(std::floor(call[0].number), format, out, fault)) {
    return FailWith(call.evaluator, fault);
  }
  return call.evaluator.Text(out);
}

Value ParseIntegerFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  IntegerFormat format;
  Fault fault;
  std::string pattern;
  if (!ReadIntegerPicture(call[1].is_string() ? call[1].str() : "", format, fault) ||
      !IntegerPattern(format, pattern, fault)) {
    return FailWith(call.evaluator, fault);
  }
  return Value(ParseInteger(call[0].str(), format));
}

Value FormatNumberFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  NumberSymbols symbols;
  EachMember(call[2], [&](std::string_view name, const Value& value) {
    if (value.is_string()) symbols.Set(name, value.str());
    return true;
  });
  Fault fault;
  std::string out;
  const std::string_view picture = call[1].is_string() ? call[1].str() : "";
  if (!FormatNumber(call[0].number, picture, symbols, out, fault)) {
    return FailWith(call.evaluator, fault);
  }
  return call.evaluator.Text(out);
}

}  // namespace stepmill::jsonata
