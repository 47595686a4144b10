#include "service/sagemaker/training_contract.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "compute/image_table.h"
#include "json/each.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_metrics.h"

namespace stepmill::sagemaker {

namespace {

constexpr char kDefaultCheckpoints[] = "/opt/ml/checkpoints";
constexpr int kHostsMax = 200;  ///< of a private network

Result<> CheckChannel(const Json& request, const Json& channel) {
  const std::string name = channel.StringOr("ChannelName", "");
  const Json& s3 = channel["DataSource"]["S3DataSource"];
  if (!s3.is_object()) return Invalid("channel " + name + " has no S3DataSource");
  const std::string mode = InputModeOf(request, channel);
  const std::string type = s3.StringOr("S3DataType", "");
  if (type != "S3Prefix" && type != "ManifestFile" && type != "AugmentedManifestFile")
    return Invalid("S3DataType " + type + " of channel " + name + " is not available here");
  if (mode == "FastFile" && type != "S3Prefix")
    return Invalid("FastFile mode supports only S3Prefix as S3DataType. Channel: " + name);
  const bool is_augmented = type == "AugmentedManifestFile";
  if (is_augmented && mode != "Pipe")
    return Invalid("S3DataType AugmentedManifestFile is supported only in Pipe mode. Channel: " +
                   name);
  if (is_augmented && s3["AttributeNames"].size() == 0)
    return Invalid(
        "AttributeNames must be specified for S3DataType AugmentedManifestFile. "
        "Channel: " +
        name);
  if (!is_augmented && s3["AttributeNames"].size() > 0)
    return Invalid(
        "AttributeNames is supported only for S3DataType AugmentedManifestFile. "
        "Channel: " +
        name);
  const bool is_packed = channel.StringOr("CompressionType", "None") != "None";
  const bool is_wrapped = channel.StringOr("RecordWrapperType", "None") != "None";
  if (is_packed && mode != "Pipe")
    return Invalid("CompressionType Gzip is supported only in Pipe mode. Channel: " + name);
  if (is_wrapped && mode != "Pipe")
    return Invalid("RecordWrapperType RecordIO is supported only in Pipe mode. Channel: " + name);
  if (is_packed && is_wrapped)
    return Invalid("CompressionType Gzip together with RecordWrapperType RecordIO of channel " +
                   name + " is not available here");
  MILL_TRY(const S3Location ignored, ParseS3Uri(s3.StringOr("S3Uri", "")));
  return {};
}

Result<> CheckResources(const Json& resources) {
  const bool has_groups = resources["InstanceGroups"].size() > 0;
  if (has_groups && (resources.Has("InstanceType") || resources.Has("InstanceCount")))
    return Invalid("InstanceGroups cannot be given together with InstanceType and InstanceCount");
  if (!has_groups && !(resources.Has("InstanceType") && resources.Has("InstanceCount")))
    return Invalid("ResourceConfig must have InstanceType and InstanceCount, or InstanceGroups");
  const size_t hosts = HostsOf(Json::Object{{"ResourceConfig", resources}}).size();
  if (hosts > kHostsMax) {
    return Error{Code::kLimit, "ResourceLimitExceeded",
                 "a training job has at most 200 instances here, not " + std::to_string(hosts)};
  }
  return {};
}

Result<> CheckStopping(const Json& request) {
  const Json& condition = request["StoppingCondition"];
  const bool is_spot = request.BoolOr("EnableManagedSpotTraining", false);
  if (!is_spot && condition.Has("MaxWaitTimeInSeconds")) {
    return Invalid(
        "MaxWaitTimeInSeconds above 0 is only supported with EnableManagedSpotTraining set to "
        "true");
  }
  if (!is_spot) return {};
  constexpr int64_t kDefault = 86'400;
  if (!condition.Has("MaxWaitTimeInSeconds"))
    return Invalid(
        "For EnableManagedSpotTraining set to true, MaxWaitTimeInSeconds must be specified");
  if (condition.IntOr("MaxWaitTimeInSeconds", 0) <
      condition.IntOr("MaxRuntimeInSeconds", kDefault)) {
    return Invalid("MaxWaitTimeInSeconds must be equal to or greater than MaxRuntimeInSeconds");
  }
  return {};
}

Json WithDefault(const Json& object, const char* name, const Json& value) {
  return object.Has(name) ? object : object.With(name, value);
}

}  // namespace

Result<> CheckTrainingRequest(const Json& request) {
  const Json& algorithm = request["AlgorithmSpecification"];
  if (algorithm.Has("AlgorithmName"))
    return Invalid("AlgorithmName is not available here: give TrainingImage");
  if (!algorithm.Has("TrainingImage"))
    return Invalid("Either TrainingImage or AlgorithmName must be specified");
  MILL_CHECK(CheckResources(request["ResourceConfig"]));
  MILL_CHECK(CheckStopping(request));
  std::set<std::string> names;
  for (const Json& channel : ItemsOf(request["InputDataConfig"])) {
    MILL_CHECK(CheckChannel(request, channel));
    if (!names.insert(channel.StringOr("ChannelName", "")).second)
      return Invalid("Duplicate channel name: " + channel.StringOr("ChannelName", ""));
  }
  if (!request["OutputDataConfig"].StringOr("KmsKeyId", "").empty())
    return Invalid("KmsKeyId of OutputDataConfig is not available here");
  if (!request["ResourceConfig"].StringOr("VolumeKmsKeyId", "").empty())
    return Invalid("VolumeKmsKeyId of ResourceConfig is not available here");
  MILL_TRY(const S3Location output,
           ParseS3Uri(request["OutputDataConfig"].StringOr("S3OutputPath", "")));
  const Checkpoints checkpoints = CheckpointsOf(request);
  if (!checkpoints.s3_uri.empty()) {
    MILL_TRY(const S3Location ignored, ParseS3Uri(checkpoints.s3_uri));
    if (!checkpoints.local_path.starts_with('/') ||
        checkpoints.local_path.find("..") != std::string::npos)
      return Invalid("CheckpointConfig.LocalPath must be an absolute path, not '" +
                     checkpoints.local_path + "'");
  }
  if (request.BoolOr("EnableInterContainerTrafficEncryption", false) && HostsOf(request).size() > 1)
    return Invalid("EnableInterContainerTrafficEncryption is not available here");
  return CheckMetricDefinitions(algorithm["MetricDefinitions"]);
}

Json WithTrainingDefaults(const Json& request, const std::string& account) {
  Json job = request;
  for (const char* name : {"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption",
                           "EnableManagedSpotTraining"})
    job = WithDefault(job, name, false);
  Json algorithm =
      WithDefault(job["AlgorithmSpecification"], "EnableSageMakerMetricsTimeSeries", false);
  const auto version = XgboostVersion(algorithm.StringOr("TrainingImage", ""), account);
  if (version && algorithm["MetricDefinitions"].size() == 0)
    algorithm = algorithm.With("MetricDefinitions", XgboostMetricDefinitions());
  job = job.With("AlgorithmSpecification", algorithm);
  Json output = WithDefault(job["OutputDataConfig"], "KmsKeyId", "");
  job = job.With("OutputDataConfig", WithDefault(output, "CompressionType", "GZIP"));
  Json::Array channels;
  for (const Json& channel : ItemsOf(request["InputDataConfig"])) {
    Json filled = WithDefault(channel, "CompressionType", "None");
    filled = WithDefault(filled, "RecordWrapperType", "None");
    const Json s3 = WithDefault(filled["DataSource"]["S3DataSource"], "S3DataDistributionType",
                                "FullyReplicated");
    channels.push_back(filled.With("DataSource", Json::Object{{"S3DataSource", s3}}));
  }
  if (request.Has("InputDataConfig")) job = job.With("InputDataConfig", std::move(channels));
  const Checkpoints checkpoints = CheckpointsOf(request);
  if (!checkpoints.s3_uri.empty()) {
    job = job.With("CheckpointConfig",
                   job["CheckpointConfig"].With("LocalPath", checkpoints.local_path));
  }
  return job;
}

std::vector<TrainingHost> HostsOf(const Json& job) {
  const Json& resources = job["ResourceConfig"];
  std::vector<TrainingHost> hosts;
  const auto add = [&](const Json& part, const std::string& group) {
    const int64_t count = std::min<int64_t>(part.IntOr("InstanceCount", 1), kHostsMax + 1);
    for (int64_t i = 0; i < count; ++i)
      hosts.push_back(
          {"algo-" + std::to_string(hosts.size() + 1), part.StringOr("InstanceType", ""), group});
  };
  if (resources["InstanceGroups"].size() == 0) {
    add(resources, "homogeneousCluster");
  } else {
    for (const Json& group : ItemsOf(resources["InstanceGroups"]))
      add(group, group.StringOr("InstanceGroupName", ""));
  }
  return hosts;
}

Json HyperParametersFile(const Json& job) {
  return job["HyperParameters"].is_object() ? job["HyperParameters"] : Json(Json::Object{});
}

Json InputDataConfigFile(const Json& job) {
  Json::Object file;
  for (const Json& channel : ItemsOf(job["InputDataConfig"])) {
    const Json& s3 = channel["DataSource"]["S3DataSource"];
    Json::Object shown;
    shown.SetIf("ContentType", channel.Find("ContentType"));
    shown.Set("TrainingInputMode", InputModeOf(job, channel));
    shown.Set("S3DistributionType", s3.StringOr("S3DataDistributionType", "FullyReplicated"));
    shown.Set("RecordWrapperType", channel.StringOr("RecordWrapperType", "None"));
    file.Set(channel.StringOr("ChannelName", ""), std::move(shown));
  }
  return file;
}

Json TrainingResourceConfig(const Json& job, int index) {
  const auto hosts = HostsOf(job);
  const TrainingHost& current = hosts[static_cast<size_t>(index)];
  // By name, as text: algo-1, algo-10, algo-2.
  std::vector<std::string> names;
  std::vector<std::string> group_names;
  for (const TrainingHost& host : hosts) {
    names.push_back(host.name);
    if (group_names.empty() || group_names.back() != host.group) group_names.push_back(host.group);
  }
  std::sort(names.begin(), names.end());
  Json::Array groups;
  for (const std::string& group : group_names) {
    std::vector<std::string> members;
    std::string type;
    for (const TrainingHost& host : hosts) {
      if (host.group != group) continue;
      members.push_back(host.name);
      type = host.instance_type;
    }
    std::sort(members.begin(), members.end());
    groups.push_back(Json::Object{{"instance_group_name", group},
                                  {"instance_type", type},
                                  {"hosts", Json::Array(members.begin(), members.end())}});
  }
  return Json::Object{
      {"current_host", current.name},         {"current_instance_type", current.instance_type},
      {"current_group_name", current.group},  {"hosts", Json::Array(names.begin(), names.end())},
      {"instance_groups", std::move(groups)}, {"network_interface_name", "eth0"}};
}

Checkpoints CheckpointsOf(const Json& job) {
  const Json& config = job["CheckpointConfig"];
  if (!config.is_object()) return {};
  return {config.StringOr("LocalPath", kDefaultCheckpoints), config.StringOr("S3Uri", "")};
}

Share ShareOf(const Json& job, const Json& channel, int index) {
  const Json& groups = channel["DataSource"]["S3DataSource"]["InstanceGroupNames"];
  const auto hosts = HostsOf(job);
  Share share;
  for (size_t i = 0; i < hosts.size(); ++i) {
    bool is_in = groups.size() == 0;
    for (const Json& group : ItemsOf(groups)) is_in = is_in || group == Json(hosts[i].group);
    if (!is_in) continue;
    if (static_cast<int>(i) == index) {
      share.is_in = true;
      share.host = share.hosts;
    }
    ++share.hosts;
  }
  return share;
}

std::string InputModeOf(const Json& job, const Json& channel) {
  return channel.StringOr("InputMode",
                          job["AlgorithmSpecification"].StringOr("TrainingInputMode", "File"));
}

DataSource ChannelSource(const Json& job, const Json& channel, int index) {
  const Share share = ShareOf(job, channel, index);
  DataSource source = DataSourceOf(channel["DataSource"]["S3DataSource"], share.host, share.hosts);
  const Json& seed = channel["ShuffleConfig"]["Seed"];
  if (seed.is_number()) source.shuffle_seed = static_cast<uint64_t>(seed.AsInteger());
  return source;
}

JobSpec TrainingHostSpec(const Json& job, const std::string& account, const std::string& region,
                         int index) {
  const std::string arn = job.StringOr("TrainingJobArn", "");
  const Json& algorithm = job["AlgorithmSpecification"];
  const auto hosts = HostsOf(job);
  const TrainingHost& current = hosts[static_cast<size_t>(index)];
  JobSpec spec;
  spec.id = HostId(kTrainingJob, job, index);
  spec.image = algorithm.StringOr("TrainingImage", "");
  SetCommand(spec, algorithm);
  if (!spec.entrypoint && spec.arguments.empty()) spec.arguments = {"train"};
  AddEnvironment(spec, job["Environment"]);
  spec.env["TRAINING_JOB_NAME"] = job.StringOr("TrainingJobName", "");
  spec.env["TRAINING_JOB_ARN"] = arn;
  spec.env.emplace("DMLC_INTERFACE", "eth0");
  spec.inputs.push_back(EmptyFolder("/opt/ml/input"));
  const std::string config = "/opt/ml/input/config/";
  spec.inputs.push_back(
      TextFile(config + "hyperparameters.json", HyperParametersFile(job).Print()));
  spec.inputs.push_back(
      TextFile(config + "inputdataconfig.json", InputDataConfigFile(job).Print()));
  spec.inputs.push_back(
      TextFile(config + "resourceconfig.json", TrainingResourceConfig(job, index).Print()));
  spec.output_paths = {kModelFolder, kOutputFolder};
  spec.inputs.push_back(EmptyFolder(kDataFolder));
  const Checkpoints checkpoints = CheckpointsOf(job);
  if (!checkpoints.s3_uri.empty()) {
    const Json shown =
        Json::Object{{"S3Uri", checkpoints.s3_uri}, {"LocalPath", checkpoints.local_path}};
    spec.inputs.push_back(TextFile(config + "checkpointconfig.json", shown.Print()));
    spec.output_paths.push_back(checkpoints.local_path);
  }
  SetMachine(spec, current.instance_type, job.BoolOr("EnableNetworkIsolation", false));
  if (const auto version = XgboostVersion(spec.image, account)) RunXgboost(spec, "train", *version);
  SetIdentity(spec, job.StringOr("RoleArn", ""), account, region);
  std::vector<std::string> names;
  for (const TrainingHost& host : hosts) names.push_back(host.name);
  SetGroup(spec, arn, names, static_cast<size_t>(index));
  return spec;
}

std::string ArtifactFolder(const Json& job) {
  std::string path = job["OutputDataConfig"].StringOr("S3OutputPath", "");
  while (path.ends_with('/')) path.pop_back();
  return path + "/" + job.StringOr("TrainingJobName", "") + "/output/";
}

std::optional<std::string> XgboostVersion(const std::string& image, const std::string& account) {
  // ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG. AWS has an account for each region; a
  // repository of the same name in the caller's own account is the caller's.
  const auto ecr = ParseEcrImage(image);
  if (!ecr || ecr->account == account) return std::nullopt;
  if (ecr->repository != "xgboost" && ecr->repository != "sagemaker-xgboost") return std::nullopt;
  return ecr->tag.empty() ? "latest" : ecr->tag;
}

void RunXgboost(JobSpec& spec, const std::string& what, const std::string& version) {
  spec.image = kEmptyImage;
  spec.entrypoint = {"/opt/stepmill/bin/stepmill-xgboost"};
  spec.arguments = {what};
  spec.env["STEPMILL_XGBOOST_VERSION"] = version;
  if (spec.cpus > 0) {
    const auto cores = static_cast<int>(std::ceil(spec.cpus));
    spec.env.emplace("OMP_NUM_THREADS", std::to_string(cores));
  }
}

}  // namespace stepmill::sagemaker
