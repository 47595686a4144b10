#include <string>

#include "base/strings.h"
#include "lang/cron/cron.h"

namespace stepmill::cron {

namespace {

constexpr size_t kTextBytesMax = 200;
constexpr size_t kFields = 5;

/// POSIX counts the days of the week from 0, EventBridge from 1. Numbers behind '/' are steps.
std::string WeekdaysFromOne(std::string_view field) {
  std::string out;
  bool is_step = false;
  for (const char c : field) {
    if (c == '/') is_step = true;
    if (c == ',') is_step = false;
    const bool is_day = c >= '0' && c <= '7' && !is_step;
    out += is_day ? static_cast<char>(c == '7' ? '1' : c + 1) : c;
  }
  return out;
}

}  // namespace

Result<std::vector<Schedule>> ParsePosix(std::string_view text) {
  const Error bad{Code::kInvalid, "ValidationException",
                  "'" + std::string(text.substr(0, kTextBytesMax)) +
                      "' is no schedule: expected are five fields, minute hour day month weekday"};
  std::vector<std::string> fields;
  std::string field;
  for (const char c : std::string(text.substr(0, kTextBytesMax)) + " ") {
    const bool is_blank = c == ' ' || c == '\t';
    if (!is_blank) field += c;
    if (!is_blank || field.empty()) continue;
    fields.push_back(std::move(field));
    field.clear();
  }
  if (fields.size() != kFields || text.size() > kTextBytesMax) return bad;
  for (const std::string& each : {fields[2], fields[4]})  // EventBridge's own signs
    if (each.find_first_of("?#") != each.npos || each == "L" || each == "LW") return bad;
  const std::string head = "cron(" + fields[0] + " " + fields[1] + " ";
  const std::string weekdays = WeekdaysFromOne(fields[4]);
  std::vector<std::string> forms;
  if (fields[4] == "*")
    forms.push_back(head + fields[2] + " " + fields[3] + " ? *)");
  else
    forms.push_back(head + "? " + fields[3] + " " + weekdays + " *)");
  if (fields[2] != "*" && fields[4] != "*")
    forms.push_back(head + fields[2] + " " + fields[3] + " ? *)");
  std::vector<Schedule> schedules;
  for (const std::string& form : forms) {
    const auto schedule = Parse(form);
    if (!schedule) return bad;
    schedules.push_back(*schedule);
  }
  return schedules;
}

}  // namespace stepmill::cron
