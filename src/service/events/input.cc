#include "base/strings.h"
#include "json/each.h"
#include "lang/path/path.h"
#include "service/events/delivery.h"
#include "service/events/errors.h"

namespace stepmill::events {

namespace {

constexpr std::string_view kPredefined[] = {"aws.events.rule-arn", "aws.events.rule-name",
                                            "aws.events.event.ingestion-time",
                                            "aws.events.event.json", "aws.events.event"};

bool IsPredefined(std::string_view name) {
  for (const std::string_view known : kPredefined)
    if (name == known) return true;
  return false;
}

/// The next "<name>" of a template at or behind `from`: where it starts, and its name. A '<' that
/// no placeholder follows is text.
struct Placeholder {
  size_t at = std::string::npos;
  std::string name;
};
Placeholder FindPlaceholder(std::string_view text, size_t from) {
  for (size_t at = text.find('<', from); at != std::string_view::npos;
       at = text.find('<', at + 1)) {
    const size_t end = text.find('>', at);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(at + 1, end - at - 1);
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (!name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos)
      return {at, std::string(name)};
  }
  return {};
}

/// The value of a placeholder; nullopt: the path leads nowhere.
std::optional<Json> ValueOf(const std::string& name, const Json& paths, const Json& event,
                            std::string_view rule_name, std::string_view rule_arn, Time now) {
  if (name == "aws.events.rule-arn") return Json(rule_arn);
  if (name == "aws.events.rule-name") return Json(rule_name);
  if (name == "aws.events.event.ingestion-time") return Json(FormatIso(now));
  if (name == "aws.events.event.json") return event;
  if (name == "aws.events.event") return event.Without("detail");
  const Json* text = paths.Find(name);
  if (!text) return std::nullopt;
  const auto path = path::Path::Compile(text->AsString());
  if (!path) return std::nullopt;
  auto found = path->Evaluate(event);
  if (!found) return std::nullopt;
  return *std::move(found);
}

/// Inside of a JSON string a text goes in as it is (escaped), other values as their JSON text.
std::string InString(const Json& value) {
  const std::string quoted = value.is_string() ? value.Print() : Json(value.Print()).Print();
  return quoted.substr(1, quoted.size() - 2);
}

std::string Transform(const Json& transformer, const Json& event, std::string_view rule_name,
                      std::string_view rule_arn, Time now) {
  const std::string text = transformer.StringOr("InputTemplate", "");
  std::string out;
  bool is_in_string = false;
  size_t at = 0;
  while (at < text.size()) {
    const Placeholder next = FindPlaceholder(text, at);
    const size_t end = std::min(next.at, text.size());
    for (; at < end; ++at) {
      if (text[at] == '\\' && is_in_string && at + 1 < end)
        out += text[at++];
      else if (text[at] == '"')
        is_in_string = !is_in_string;
      out += text[at];
    }
    if (next.at == std::string::npos) break;
    at = next.at + next.name.size() + 2;
    const auto value =
        ValueOf(next.name, transformer["InputPathsMap"], event, rule_name, rule_arn, now);
    if (is_in_string)
      out += value ? InString(*value) : "";
    else
      out += value ? value->Print() : "null";
  }
  return out;
}

}  // namespace

Result<> CheckTransformer(const Json& target) {
  const std::string id = target.StringOr("Id", "");
  const Json& transformer = target["InputTransformer"];
  const Json& paths = transformer["InputPathsMap"];
  for (const Json::Member& path : MembersOf(paths)) {
    if (path.name.starts_with("AWS"))
      return Invalid("InputPathsMap of target " + id + " contains the reserved key " + path.name +
                     ".");
    if (!path::Path::Compile(path.value.AsString()))
      return Invalid("Invalid InputPath for target " + id + ".");
  }
  const std::string text = transformer.StringOr("InputTemplate", "");
  for (Placeholder next = FindPlaceholder(text, 0); next.at != std::string::npos;
       next = FindPlaceholder(text, next.at + 1)) {
    if (!paths.Has(next.name) && !IsPredefined(next.name))
      return Invalid("InputTemplate for target " + id + " contains invalid placeholder " +
                     next.name + ".");
  }
  return {};
}

std::string ShapeInput(const Json& target, const Json& event, std::string_view rule_name,
                       std::string_view rule_arn, Time now) {
  if (const Json* input = target.Find("Input")) return input->AsString();
  if (const Json* text = target.Find("InputPath")) {
    const auto path = path::Path::Compile(text->AsString());
    const auto part = path ? path->Evaluate(event) : Result<Json>(path.error());
    return part ? part->Print() : "null";
  }
  if (const Json* transformer = target.Find("InputTransformer"))
    return Transform(*transformer, event, rule_name, rule_arn, now);
  return event.Print();
}

}  // namespace stepmill::events
