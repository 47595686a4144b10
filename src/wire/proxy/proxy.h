#pragma once

#include <functional>
#include <optional>
#include <string>

#include "gate/vault.h"
#include "task/ports.h"
#include "wire/http/front_end.h"
#include "wire/http/server.h"

namespace stepmill::wire {

/// What the proxy has to know of a job that calls back through its relay.
struct JobIdentity {
  std::string role_arn;  ///< empty: the job has no role, so it gets no credentials
  std::string account, region;
  bool is_open = false;  ///< may reach hosts other than the server
};
/// nullopt: no such job (any more). Given by whoever runs jobs.
using JobLookup = std::function<std::optional<JobIdentity>(const std::string& job_id)>;

/// *.amazonaws.com (and *.api.aws) lead to this server; other hosts as the job's network says. What
/// does not come through a relay (the TCP port, the container engine) is open.
class JobRouter : public ProxyRouter {
 public:
  explicit JobRouter(JobLookup lookup) : lookup_(std::move(lookup)) {}
  Route RouteFor(const std::string& host, int port, const std::string& job_id) override;

 private:
  JobLookup lookup_;
};

/// The container credentials endpoint, 169.254.170.2:80 inside: GET /creds/<job id> gives
/// {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"} of a session of the job's
/// role. A job sees its own only.
class JobCredentials : public FrontEnd {
 public:
  JobCredentials(JobLookup lookup, const Vault& vault, Clock& clock, Random& random)
      : lookup_(std::move(lookup)), vault_(vault), clock_(clock), random_(random) {}
  bool Takes(const HttpRequest& request) const override;
  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override;

 private:
  JobLookup lookup_;
  const Vault& vault_;
  Clock& clock_;
  Random& random_;
};

}  // namespace stepmill::wire
