#include <algorithm>

#include "base/strings.h"
#include "service/ports.h"
#include "service/ssm/errors.h"
#include "service/ssm/parameters.h"

namespace stepmill::ssm {

namespace {

/// One condition of ParameterFilters (or of the older Filters).
struct Filter {
  std::string key, option;
  Json::Array values;

  bool Accepts(const std::string& text) const {
    return std::any_of(values.begin(), values.end(), [&](const Json& value) {
      if (option == "BeginsWith") return text.starts_with(value.AsString());
      if (option == "Contains") return text.find(value.AsString()) != std::string::npos;
      return text == value.AsString();
    });
  }
  bool AcceptsPath(const std::string& name) const {
    return std::any_of(values.begin(), values.end(), [&](const Json& value) {
      std::string prefix = value.AsString();
      if (!prefix.ends_with('/')) prefix += '/';
      if (!name.starts_with(prefix)) return false;
      return option == "Recursive" || name.find('/', prefix.size()) == std::string::npos;
    });
  }
  bool Matches(const Json& parameter) const {
    const std::string name = parameter.StringOr("name", "");
    if (key == "Path") return AcceptsPath(name);
    if (key == "Name") {
      // A name may be given without the slash that it starts with.
      if (Accepts(name)) return true;
      return option != "Contains" && name.starts_with('/') && Accepts(name.substr(1));
    }
    if (key == "Label") {
      const Json labels = LabelsOf(parameter, parameter.IntOr("version", 0));
      return std::any_of(labels.items().begin(), labels.items().end(),
                         [&](const Json& label) { return Accepts(label.AsString()); });
    }
    if (key.starts_with("tag:")) {
      const Json* tag = parameter["tags"].Find(key.substr(4));
      return tag && (values.empty() || Accepts(tag->AsString()));
    }
    const std::string member = key == "Type"    ? "type"
                               : key == "KeyId" ? "keyId"
                               : key == "Tier"  ? "tier"
                                                : "dataType";
    return Accepts(parameter.StringOr(member, ""));
  }
};

Result<std::vector<Filter>> ReadFilters(const Json& input, bool is_by_path) {
  std::vector<Filter> filters;
  if (const Json* older = input.Find("Filters"))
    for (const Json& item : older->items())
      filters.push_back({item.StringOr("Key", ""), "BeginsWith", item["Values"].items()});
  const Json* newer = input.Find("ParameterFilters");
  if (!newer) return filters;
  for (const Json& item : newer->items()) {
    Filter filter;
    filter.key = item.StringOr("Key", "");
    const bool is_path = filter.key == "Path";
    filter.option = item.StringOr("Option", is_path ? "OneLevel" : "Equals");
    if (const Json* values = item.Find("Values")) filter.values = values->items();
    if (is_by_path && filter.key != "Type" && filter.key != "KeyId" && filter.key != "Label" &&
        filter.key != "DataType")
      return InvalidFilterKey(filter.key);
    const bool is_known = is_path ? filter.option == "OneLevel" || filter.option == "Recursive"
                                  : filter.option == "Equals" || filter.option == "BeginsWith" ||
                                        (filter.option == "Contains" && filter.key == "Name");
    if (!is_known) return InvalidFilterOption(filter.option, filter.key);
    if (filter.values.empty() && !filter.key.starts_with("tag:"))
      return Invalid("The following filter values are missing for filter key " + filter.key + ".");
    filters.push_back(std::move(filter));
  }
  return filters;
}

struct Page {
  Json::Array items;
  std::string next_token;
};

/// Walks the parameters whose keys start with `prefix`, from where the token says.
Task<std::vector<Document>> Collect(Call& call, Key prefix, std::vector<Filter> filters,
                                    size_t count_max, std::string& next_token) {
  std::vector<Document> found;
  Key from = prefix;
  if (const std::string token = call.input.StringOr("NextToken", ""); !token.empty()) {
    MILL_CO_TRY(from, KeyOfToken(token));
    if (!from.starts_with(prefix)) co_return InvalidNextToken();
  }
  while (true) {
    MILL_CO_TRY(const auto documents,
                co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                                kPageReadMax));
    for (const Document& document : documents) {
      const bool is_match = std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
        return filter.Matches(document.body);
      });
      if (!is_match) continue;
      if (found.size() == count_max) {
        next_token = TokenFor(document.key);
        co_return found;
      }
      found.push_back(document);
    }
    if (documents.size() < static_cast<size_t>(kPageReadMax)) co_return found;
    from = documents.back().key + '\0';
  }
}

}  // namespace

Task<Json> GetParameter(Call& call) {
  MILL_CO_TRY(const Found found, co_await FindParameter(call, call.input.StringOr("Name", "")));
  MILL_CO_TRY(Json parameter, PrintParameter(call, found.version, found.selector,
                                             call.input.BoolOr("WithDecryption", false)));
  co_return Json::Object{{"Parameter", std::move(parameter)}};
}

Task<Json> GetParameters(Call& call) {
  Json::Array parameters, invalid;
  const Json names = call.input["Names"];
  for (const Json& name : names.items()) {
    const auto found = co_await FindParameter(call, name.AsString());
    if (!found && found.error().code == Code::kNotFound) {
      invalid.push_back(name);
      continue;
    }
    if (!found) co_return found.error();
    MILL_CO_TRY(Json parameter, PrintParameter(call, found->version, found->selector,
                                               call.input.BoolOr("WithDecryption", false)));
    parameters.push_back(std::move(parameter));
  }
  co_return Json::Object{{"Parameters", std::move(parameters)},
                         {"InvalidParameters", std::move(invalid)}};
}

Task<Json> GetParametersByPath(Call& call) {
  std::string path = call.input.StringOr("Path", "");
  if (!path.starts_with('/'))
    co_return Invalid(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin "
        "with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" "
        "(case-insensitive). It must use only letters, numbers, or the following symbols: . "
        "(period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, "
        "if specified, must use the forward slash symbol \"/\". Valid example: "
        "/get/parameters2-/by1./path0_.");
  if (!path.ends_with('/')) path += '/';
  MILL_CO_TRY(std::vector<Filter> filters, ReadFilters(call.input, true));
  Filter below;
  below.key = "Path";
  below.option = call.input.BoolOr("Recursive", false) ? "Recursive" : "OneLevel";
  below.values.emplace_back(path);
  filters.push_back(std::move(below));
  std::string next_token;
  MILL_CO_TRY(
      const auto found,
      co_await Collect(call, ParameterKey(call, path), std::move(filters),
                       static_cast<size_t>(call.input.IntOr("MaxResults", 10)), next_token));
  Json::Array parameters;
  for (const Document& document : found) {
    MILL_CO_TRY(Json parameter, PrintParameter(call, document.body, "",
                                               call.input.BoolOr("WithDecryption", false)));
    parameters.push_back(std::move(parameter));
  }
  Json::Object answer{{"Parameters", std::move(parameters)}};
  if (!next_token.empty()) answer.Add("NextToken", next_token);
  co_return Json(std::move(answer));
}

Task<Json> DescribeParameters(Call& call) {
  if (call.input.Has("Filters") && call.input.Has("ParameterFilters"))
    co_return Invalid("You can use either Filters or ParameterFilters in a single request.");
  MILL_CO_TRY(std::vector<Filter> filters, ReadFilters(call.input, false));
  Json::Array parameters;
  std::string next_token;
  if (!call.input.BoolOr("Shared", false)) {  // nothing is shared from other accounts
    MILL_CO_TRY(
        const auto found,
        co_await Collect(call, ParameterKey(call, ""), std::move(filters),
                         static_cast<size_t>(call.input.IntOr("MaxResults", 50)), next_token));
    for (const Document& document : found) parameters.push_back(PrintMetadata(call, document.body));
  }
  Json::Object answer{{"Parameters", std::move(parameters)}};
  if (!next_token.empty()) answer.Add("NextToken", next_token);
  co_return Json(std::move(answer));
}

Task<Json> GetParameterHistory(Call& call) {
  MILL_CO_TRY(const auto found, co_await FindNewest(call, call.input.StringOr("Name", "")));
  if (!found) co_return ParameterNotFound();
  const std::string name = found->body.StringOr("name", "");
  const Key prefix = call.KeyFor({"ssm", "version", name}) + "/";
  Key from = prefix;
  if (const std::string token = call.input.StringOr("NextToken", ""); !token.empty()) {
    MILL_CO_TRY(from, KeyOfToken(token));
    if (!from.starts_with(prefix)) co_return InvalidNextToken();
  }
  const int limit = static_cast<int>(call.input.IntOr("MaxResults", 50));
  MILL_CO_TRY(auto versions, co_await call.ports.store.Range(from, PrefixEnd(prefix),
                                                             Direction::kForward, limit + 1));
  Json::Object answer;
  if (versions.size() > static_cast<size_t>(limit)) {
    answer.Add("NextToken", TokenFor(versions.back().key));
    versions.pop_back();
  }
  Json::Array parameters;
  for (const Document& version : versions) {
    MILL_CO_TRY(const std::string value,
                ValueOf(call, version.body, call.input.BoolOr("WithDecryption", false)));
    Json item = PrintMetadata(call, version.body).Without("ARN").With("Value", value);
    item = item.With("Labels", LabelsOf(found->body, version.body.IntOr("version", 0)));
    parameters.push_back(std::move(item));
  }
  answer.Add("Parameters", std::move(parameters));
  co_return Json(std::move(answer));
}

}  // namespace stepmill::ssm
