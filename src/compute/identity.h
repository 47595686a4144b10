#pragma once

#include <string>

#include "base/result.h"

namespace stepmill {

/// Who a job is, for calls that come through its relay, and how far it may reach.
struct JobIdentity {
  std::string job_id;
  std::string role_arn;  ///< "": the account itself
  std::string account, region;
  bool is_open = false;  ///< may reach hosts other than the server
};

/// Reads DIR/jobs/<id>/identity.json. kNotFound: there is no such job (also for ids that are none).
Result<JobIdentity> ReadJobIdentity(const std::string& data_dir, std::string_view job_id);

/// [a-z0-9-], 1 to 63.
bool IsJobId(std::string_view text);

}  // namespace stepmill
