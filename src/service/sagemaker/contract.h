#pragma once

#include <string>
#include <utility>

#include "compute/backend.h"
#include "json/json.h"
#include "service/sagemaker/s3_data.h"

namespace stepmill::sagemaker {

/// What of a CreateProcessingJob request cannot be honoured, or AWS would refuse.
Result<> CheckProcessingRequest(const Json& request);

/// Members that clients see filled in: defaults of inputs and the job's own.
Json WithDefaults(const Json& request);

/// "algo-1": host number `index`, counted from 0.
std::string HostName(int index);
int HostCount(const Json& job);

/// /opt/ml/config/processingjobconfig.json
Json ProcessingJobConfig(const Json& job);
/// /opt/ml/config/resourceconfig.json
Json ResourceConfig(const Json& job, int index);

/// The sandbox of one host, without its downloaded inputs.
JobSpec HostSpec(const Json& job, const std::string& account, const std::string& region, int index);

inline constexpr char kMessageFolder[] = "/opt/ml/output";

}  // namespace stepmill::sagemaker
