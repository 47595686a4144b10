#include "wire/proxy/proxy.h"

#include "base/strings.h"
#include "gate/session.h"

namespace stepmill::wire {

namespace {

constexpr int kCredentialsPort = 80;
constexpr std::chrono::hours kSessionLife{6};

bool IsAws(std::string_view host) {
  return host.ends_with(".amazonaws.com") || host.ends_with(".api.aws") ||
         host.ends_with(".amazonaws.com.cn");
}

bool IsLocal(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "169.254.170.2";
}

HttpResponse Refused(int status, std::string code, std::string message) {
  return JsonResponse(status, Json::Object{{"code", code}, {"message", message}});
}

}  // namespace

Route JobRouter::RouteFor(const std::string& host, int port, const std::string& job_id) {
  if (IsAws(host)) return {Route::Kind::kAnswer, ""};
  if (job_id.empty()) return {Route::Kind::kTunnel, ""};
  if (IsLocal(host) && port == 4566) return {Route::Kind::kAnswer, ""};
  const auto job = lookup_(job_id);
  if (!job) return {Route::Kind::kRefuse, "There is no job " + job_id + "."};
  // Loopback would be this machine's, not the job's.
  if (job->is_open && !IsLocal(host)) return {Route::Kind::kTunnel, ""};
  return {Route::Kind::kRefuse, "The network policy of job " + job_id + " does not allow " + host +
                                    ":" + std::to_string(port) + "."};
}

bool JobCredentials::Takes(const HttpRequest& request) const {
  return request.relay_port == kCredentialsPort;
}

asio::awaitable<HttpResponse> JobCredentials::Handle(HttpRequest& request) {
  if (request.path != "/creds/" + request.job_id || request.method != "GET")
    co_return Refused(404, "NotFound", "Only GET /creds/<the job's own id> is served here.");
  const auto job = lookup_(request.job_id);
  if (!job || job->role_arn.empty())
    co_return Refused(404, "NoRole", "Job " + request.job_id + " has no role.");
  auto principal = RolePrincipal(job->role_arn, request.job_id);
  if (!principal) co_return Refused(400, "InvalidRole", principal.error().message);
  const SessionCredentials session =
      MakeSession(vault_, random_, *principal, clock_.Now() + kSessionLife);
  co_return JsonResponse(200, Json::Object{{"RoleArn", job->role_arn},
                                           {"AccessKeyId", session.access_key_id},
                                           {"SecretAccessKey", session.secret.Reveal()},
                                           {"Token", session.session_token},
                                           {"Expiration", FormatIso(session.expires, false)}});
}

}  // namespace stepmill::wire
