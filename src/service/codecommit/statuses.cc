#include "base/strings.h"
#include "service/codecommit/errors.h"
#include "service/codecommit/repositories.h"
#include "service/ports.h"

namespace stepmill::codecommit {
namespace {

constexpr int kStatusesMax = 1000;  // as on GitHub, for a commit

Json StatusOutput(const std::string& name, const Json& body) {
  return body.With("repositoryName", name);
}

}  // namespace

/// What a check says about a commit: the newest of each context counts. stepmill's own row: AWS
/// has none.
Task<Json> PutCommitStatus(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string given = call.input.StringOr("commitId", "");
  const std::string state = call.input.StringOr("state", "");
  const std::string context = call.input.StringOr("context", "default");
  if (state != "pending" && state != "success" && state != "failure" && state != "error")
    co_return Error{Code::kInvalid, "ValidationException",
                    "state is pending, success, failure or error, not '" + state + "'"};
  if (context.empty() || context.size() > 255)
    co_return Error{Code::kInvalid, "ValidationException", "context has 1 to 255 characters"};
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::optional<std::string> commit, co_await FindCommit(call, name, given));
  if (!commit) co_return CommitDoesNotExist(given);
  const Key key = call.KeyFor({"codecommit", "status", name, *commit, context});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object status;
  status.Set("commitId", *commit);
  status.Set("context", context);
  status.Set("state", state);
  // GitHub's limit: a longer description is cut, the status must not be lost for it.
  status.Set("description", TruncateUtf8(call.input.StringOr("description", ""), 140));
  status.Set("targetUrl", call.input.StringOr("targetUrl", ""));
  status.Set("creatorArn", call.principal.arn);
  status.Set("createdAt", found ? found->body["createdAt"] : Json(now));
  status.Set("updatedAt", now);
  const Json body(status);
  call.batch.PutDocument(key, body);
  co_return Json::Object{{"status", StatusOutput(name, body)}};
}

Task<Json> ListCommitStatuses(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string given = call.input.StringOr("commitId", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::optional<std::string> commit, co_await FindCommit(call, name, given));
  if (!commit) co_return CommitDoesNotExist(given);
  const Key prefix = call.KeyFor({"codecommit", "status", name, *commit, ""});
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kStatusesMax));
  Json::Array statuses;
  for (const Document& document : found) statuses.push_back(StatusOutput(name, document.body));
  co_return Json::Object{{"commitId", *commit}, {"statuses", statuses}};
}

}  // namespace stepmill::codecommit
