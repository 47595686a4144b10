#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "json/json.h"
#include "service/sagemaker/s3_data.h"

/// What a training container finds, and what of a request it can be given. Pure.
/// Documentation: "How Amazon SageMaker AI Provides Training Information".
namespace stepmill::sagemaker {

inline constexpr char kModelFolder[] = "/opt/ml/model";
inline constexpr char kOutputFolder[] = "/opt/ml/output";
inline constexpr char kDataFolder[] = "/opt/ml/output/data";

/// What of a CreateTrainingJob request cannot be honoured, or AWS would refuse.
Result<> CheckTrainingRequest(const Json& request);
/// Members that clients see filled in.
Json WithTrainingDefaults(const Json& request, const std::string& account);

/// One machine of a job: "algo-1" and so on, counted over all instance groups.
struct TrainingHost {
  std::string name, instance_type, group;
};
std::vector<TrainingHost> HostsOf(const Json& job);

/// Files of /opt/ml/input/config.
Json HyperParametersFile(const Json& job);
Json InputDataConfigFile(const Json& job);
Json TrainingResourceConfig(const Json& job, int index);

/// Where checkpoints are in the container and in S3; empty: the job has none.
struct Checkpoints {
  std::string local_path, s3_uri;
};
Checkpoints CheckpointsOf(const Json& job);

/// True when host `index` takes part in a channel (S3DataSource.InstanceGroupNames); then which of
/// how many it is.
struct Share {
  bool is_in = false;
  int host = 0, hosts = 0;
};
Share ShareOf(const Json& job, const Json& channel, int index);
/// "File", "Pipe" or "FastFile".
std::string InputModeOf(const Json& job, const Json& channel);
/// What host `index` gets of a channel that it takes part in.
DataSource ChannelSource(const Json& job, const Json& channel, int index);

/// The sandbox of one host, without its downloaded inputs.
JobSpec TrainingHostSpec(const Json& job, const std::string& account, const std::string& region,
                         int index);

/// "s3://BUCKET/PREFIX/JOB/output/": where a job's artifacts go.
std::string ArtifactFolder(const Json& job);

/// AWS's own image of the built-in XGBoost algorithm, under any of its registries' names:
/// ".../xgboost:1", ".../sagemaker-xgboost:1.7-1". Its tag. `account` is the caller's.
std::optional<std::string> XgboostVersion(const std::string& image, const std::string& account);
/// Adds to `spec` that this product's own program does what that image does: `what` is "train" or
/// "serve".
void RunXgboost(JobSpec& spec, const std::string& what, const std::string& version);

}  // namespace stepmill::sagemaker
