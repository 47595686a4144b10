#include "service/lambda/policy.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

Error NoPolicy() { return NotFound("The resource you requested does not exist."); }

/// "arn:aws:events:*:1:rule/a*" as IAM's ArnLike reads it: '*' and '?'.
bool MatchesGlob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Json PrincipalOf(const std::string& given) {
  if (given == "*") return Json("*");
  if (given.find('.') != std::string::npos && !given.starts_with("arn:"))
    return Json::Object{{"Service", given}};
  const bool is_account = given.size() == 12 && ParseInt(given);
  return Json::Object{{"AWS", is_account ? "arn:aws:iam::" + given + ":root" : given}};
}

Json StatementOf(const Call& call, const FunctionName& name) {
  const Json& input = call.input;
  Json::Object statement{{"Sid", input["StatementId"]},
                         {"Effect", "Allow"},
                         {"Principal", PrincipalOf(input.StringOr("Principal", ""))},
                         {"Action", input["Action"]},
                         {"Resource", FunctionArn(call, name)}};
  Json::Object condition;
  Json::Object equals;
  if (input.Has("SourceAccount")) equals.Set("AWS:SourceAccount", input["SourceAccount"]);
  if (input.Has("PrincipalOrgID")) equals.Set("aws:PrincipalOrgID", input["PrincipalOrgID"]);
  if (input.Has("EventSourceToken"))
    equals.Set("lambda:EventSourceToken", input["EventSourceToken"]);
  if (!equals.members.empty()) condition.Set("StringEquals", std::move(equals));
  if (input.Has("SourceArn"))
    condition.Set("ArnLike", Json::Object{{"AWS:SourceArn", input["SourceArn"]}});
  if (!condition.members.empty()) statement.Set("Condition", std::move(condition));
  return statement;
}

Json Revised(Call& call, Json::Array statements) {
  return Json::Object{{"statements", std::move(statements)},
                      {"revision", call.ports.random.NewUuid()}};
}

bool Allows(const Json& statement, const Call& call, const std::string& source_arn) {
  if (statement["Principal"] != Json("*") &&
      statement["Principal"]["Service"] != Json(call.principal.arn))
    return false;
  if (!MatchesGlob(statement.StringOr("Action", ""), "lambda:InvokeFunction")) return false;
  const Json& condition = statement["Condition"];
  const Json& equals = condition["StringEquals"];
  if (equals.Has("AWS:SourceAccount") && equals["AWS:SourceAccount"] != Json(call.account))
    return false;
  if (equals.Has("aws:PrincipalOrgID") || equals.Has("lambda:EventSourceToken")) return false;
  const std::string pattern = condition["ArnLike"].StringOr("AWS:SourceArn", "");
  return pattern.empty() || source_arn.empty() || MatchesGlob(pattern, source_arn);
}

/// A qualifier of a policy must be there.
Task<> CheckQualifier(Call& call, FunctionName name) {
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  if (name.qualifier == kLatest)
    co_return InvalidValue("We currently do not support adding policies for $LATEST.");
  co_return Result<>();
}

}  // namespace

Task<Json> AddPermission(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_CHECK(co_await CheckQualifier(call, name));
  const std::string id = call.input.StringOr("StatementId", "");
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(PolicyKey(call, name)));
  const std::string revision = call.input.StringOr("RevisionId", "");
  if (!revision.empty() && (!known || known->body.StringOr("revision", "") != revision))
    co_return WrongRevision();
  Json::Array statements = known ? ItemsOf(known->body["statements"]) : Json::Array{};
  for (const Json& statement : statements)
    if (statement["Sid"] == Json(id))
      co_return Conflict("The statement id (" + id +
                         ") provided already exists. Please provide a new statement id, or remove "
                         "the existing statement.");
  const Json statement = StatementOf(call, name);
  statements.push_back(statement);
  const Json policy = Revised(call, std::move(statements));
  if (policy.PrintedSize() > kPolicyBytesMax)
    co_return UserError(Code::kLimit, "PolicyLengthExceededException",
                        "The final policy size is bigger than the limit (20480).");
  if (known)
    call.batch.Replace(*known, policy);
  else
    call.batch.Create(PolicyKey(call, name), policy);
  co_return Json::Object{{"Statement", statement.Print()}};
}

Task<Json> RemovePermission(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(PolicyKey(call, name)));
  if (!known) co_return NotFound("No policy is associated with the given resource.");
  const std::string revision = call.input.StringOr("RevisionId", "");
  if (!revision.empty() && known->body.StringOr("revision", "") != revision)
    co_return WrongRevision();
  const std::string id = call.input.StringOr("StatementId", "");
  Json::Array kept;
  for (const Json& statement : ItemsOf(known->body["statements"]))
    if (statement["Sid"] != Json(id)) kept.push_back(statement);
  if (kept.size() == known->body["statements"].size())
    co_return NotFound("Statement " + id + " is not found in resource policy.");
  if (kept.empty()) {
    call.batch.expects.push_back({known->key, known->version});
    call.batch.Delete(known->key);
  } else {
    call.batch.Replace(*known, Revised(call, std::move(kept)));
  }
  co_return Json::Object{};
}

Task<Json> GetPolicy(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(PolicyKey(call, name)));
  if (!known) co_return NoPolicy();
  const Json policy = Json::Object{
      {"Version", "2012-10-17"}, {"Id", "default"}, {"Statement", known->body["statements"]}};
  co_return Json::Object{{"Policy", policy.Print()}, {"RevisionId", known->body["revision"]}};
}

Task<> CheckServiceMayInvoke(Call& call, FunctionName name, std::string source_arn) {
  if (call.principal.kind != Principal::Kind::kService ||
      call.principal.arn == "lambda.amazonaws.com")
    co_return Result<>();
  if (name.qualifier == kLatest) name.qualifier.clear();
  MILL_CO_TRY(const auto policy, co_await call.ports.store.Get(PolicyKey(call, name)));
  if (policy)
    for (const Json& statement : ItemsOf(policy->body["statements"]))
      if (Allows(statement, call, source_arn)) co_return Result<>();
  co_return Error{Code::kDenied, "AccessDeniedException",
                  "User: " + call.principal.arn +
                      " is not authorized to perform: lambda:InvokeFunction on resource: " +
                      FunctionArn(call, name) +
                      " because no resource-based policy allows the lambda:InvokeFunction action"};
}

}  // namespace stepmill::lambda
