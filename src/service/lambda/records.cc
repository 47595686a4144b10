#include "service/lambda/records.h"

#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "service/lambda/errors.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr size_t kAccountDigits = 12, kVersionDigits = 10;

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "region" and "account" of a name must be the caller's.
Result<> CheckPlace(const Call& call, std::string_view region, std::string_view account) {
  if (!region.empty() && region != call.region)
    return NotFound("Functions from '" + std::string(region) +
                    "' are not reachable in this region ('" + call.region + "')");
  if (!account.empty() && account != call.account)
    return Error{Code::kDenied, "AccessDeniedException",
                 "User: " + call.principal.arn +
                     " is not authorized to perform: lambda:* on a "
                     "function of account " +
                     std::string(account)};
  return {};
}

Key Prefix(std::string_view account, std::string_view region, std::string_view kind,
           std::string_view name) {
  return MakeKey({account, region, "lambda", kind, name});
}

/// One of the two versions of an alias.
std::string ChooseVersion(const Json& alias, Random& random) {
  constexpr uint64_t kSteps = 1 << 30;
  double at = static_cast<double>(random.Next() % kSteps) / static_cast<double>(kSteps);
  for (const auto& weight : MembersOf(alias["RoutingConfig"]["AdditionalVersionWeights"])) {
    at -= weight.value.AsDouble();
    if (at < 0) return weight.name;
  }
  return alias.StringOr("FunctionVersion", kLatest);
}

}  // namespace

bool IsVersion(std::string_view qualifier) { return IsNumber(qualifier); }

Result<FunctionName> NameOf(const Call& call) {
  const std::string given = call.input.StringOr("FunctionName", "");
  const std::string asked = call.input.StringOr("Qualifier", "");
  auto parts = Split(given, ':');
  std::string_view region, account;
  if (parts.size() >= 7 && parts[0] == "arn") {
    region = parts[3];
    account = parts[4];
    parts.erase(parts.begin(), parts.begin() + 6);
  } else {
    if (parts.size() > 1 && parts[0].size() == kAccountDigits && IsNumber(parts[0])) {
      account = parts[0];
      parts.erase(parts.begin());
    }
    if (parts.size() > 1 && parts[0] == "function") parts.erase(parts.begin());
  }
  MILL_CHECK(CheckPlace(call, region, account));
  FunctionName name{std::string(parts[0]), parts.size() > 1 ? std::string(parts[1]) : ""};
  if (!asked.empty() && !name.qualifier.empty() && asked != name.qualifier)
    return InvalidValue(
        "The derived qualifier from the function name does not match the specified qualifier.");
  if (name.qualifier.empty()) name.qualifier = asked;
  return name;
}

std::string FunctionArn(std::string_view account, std::string_view region, std::string_view name,
                        std::string_view qualifier) {
  std::string arn = "arn:aws:lambda:" + std::string(region) + ":" + std::string(account) +
                    ":function:" + std::string(name);
  if (!qualifier.empty()) arn += ":" + std::string(qualifier);
  return arn;
}
std::string FunctionArn(const Call& call, const FunctionName& name) {
  return FunctionArn(call.account, call.region, name.name, name.qualifier);
}

Key FunctionKey(std::string_view account, std::string_view region, std::string_view name) {
  return Prefix(account, region, "function", name);
}
Key VersionKey(std::string_view account, std::string_view region, std::string_view name,
               std::string_view version) {
  const std::string zeros(kVersionDigits - std::min(kVersionDigits, version.size()), '0');
  return Prefix(account, region, "version", name) + "/" + MakeKey({zeros + std::string(version)});
}
Key AliasKey(const Call& call, std::string_view name, std::string_view alias) {
  return Prefix(call.account, call.region, "alias", name) + "/" + MakeKey({alias});
}
Key PolicyKey(const Call& call, const FunctionName& name) {
  const bool is_plain = name.qualifier.empty();
  return Prefix(call.account, call.region, "policy", name.name) + "/" +
         MakeKey({is_plain ? std::string("-") : name.qualifier});
}
Key EventConfigKey(std::string_view account, std::string_view region, std::string_view name,
                   std::string_view qualifier) {
  return Prefix(account, region, "event-config", name) + "/" +
         MakeKey({qualifier.empty() ? kLatest : qualifier});
}
Key CodeKey(std::string_view blob) { return MakeKey({"lambda-code", blob}); }

Task<std::vector<Document>> AllOf(Call& call, std::string kind, std::string name) {
  constexpr int kPage = 500;
  const Key prefix = Prefix(call.account, call.region, kind, name) + "/";
  std::vector<Document> all;
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(
        std::vector<Document> page,
        co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, kPage));
    for (Document& document : page) all.push_back(std::move(document));
    if (page.size() < kPage) co_return all;
    from = all.back().key + '\0';
  }
}

Task<Document> RequireFunction(Call& call, FunctionName name) {
  MILL_CO_TRY(auto found,
              co_await call.ports.store.Get(FunctionKey(call.account, call.region, name.name)));
  if (!found) co_return FunctionNotFound(FunctionArn(call, name));
  co_return *std::move(found);
}

Task<Resolved> Resolve(Call& call, FunctionName name) {
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  Resolved out;
  out.function = function.body;
  out.version = kLatest;
  if (name.qualifier.empty() || name.qualifier == kLatest) {
    out.config = function.body["config"];
    out.code = function.body["code"];
  } else {
    out.version = name.qualifier;
    if (!IsVersion(name.qualifier)) {
      MILL_CO_TRY(const auto alias,
                  co_await call.ports.store.Get(AliasKey(call, name.name, name.qualifier)));
      if (!alias) co_return FunctionNotFound(FunctionArn(call, name));
      out.version = ChooseVersion(alias->body, call.ports.random);
    }
    if (out.version == kLatest) {
      out.config = function.body["config"];
      out.code = function.body["code"];
    } else {
      const Key key = VersionKey(call.account, call.region, name.name, out.version);
      MILL_CO_TRY(const auto version, co_await call.ports.store.Get(key));
      if (!version) co_return FunctionNotFound(FunctionArn(call, name));
      out.config = version->body["config"];
      out.code = version->body["code"];
    }
  }
  out.config = out.config.With("FunctionArn", FunctionArn(call, name));
  co_return out;
}

std::string ModifiedAt(Time time) {
  std::string text = FormatIso(time);
  if (text.ends_with('Z')) text.pop_back();
  return text + "+0000";
}

}  // namespace stepmill::lambda
