#include "service/sagemaker/contract.h"

#include "json/each.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_host.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::string_view kLocalRoot = "/opt/ml/processing/";

/// The member, or null: configuration files show what is absent.
Json OrNull(const Json& object, std::string_view name) {
  const Json* found = object.Find(name);
  return found ? *found : Json();
}

Result<> CheckLocalPath(const std::string& path) {
  if (path.starts_with(kLocalRoot) && path.find("..") == std::string::npos) return {};
  return Invalid("LocalPath must start with /opt/ml/processing/, not '" + path + "'");
}

Result<> CheckInput(const Json& input) {
  const std::string name = input.StringOr("InputName", "");
  if (input.Has("DatasetDefinition"))
    return Invalid("DatasetDefinition of input " + name + " is not available here");
  const Json& s3 = input["S3Input"];
  if (!s3.is_object()) return Invalid("input " + name + " has no S3Input");
  MILL_CHECK(CheckLocalPath(s3.StringOr("LocalPath", "")));
  if (s3.StringOr("S3InputMode", "File") != "File")
    return Invalid("S3InputMode Pipe of input " + name + " is not available here");
  if (s3.StringOr("S3CompressionType", "None") != "None")
    return Invalid("S3CompressionType Gzip of input " + name + " needs S3InputMode Pipe");
  MILL_TRY(const S3Location ignored, ParseS3Uri(s3.StringOr("S3Uri", "")));
  return {};
}

Result<> CheckOutput(const Json& output) {
  const std::string name = output.StringOr("OutputName", "");
  if (output.Has("FeatureStoreOutput"))
    return Invalid("FeatureStoreOutput of output " + name + " is not available here");
  const Json& s3 = output["S3Output"];
  if (!s3.is_object()) return Invalid("output " + name + " has no S3Output");
  MILL_CHECK(CheckLocalPath(s3.StringOr("LocalPath", "")));
  if (s3.StringOr("S3UploadMode", "EndOfJob") != "EndOfJob")
    return Invalid("S3UploadMode Continuous of output " + name + " is not available here");
  MILL_TRY(const S3Location ignored, ParseS3Uri(s3.StringOr("S3Uri", "")));
  return {};
}

}  // namespace

Result<> CheckProcessingRequest(const Json& request) {
  constexpr size_t kInputsMax = 10, kOutputsMax = 10;
  if (request["ProcessingInputs"].size() > kInputsMax)
    return Invalid("a processing job has at most 10 inputs");
  const Json& outputs = request["ProcessingOutputConfig"]["Outputs"];
  if (outputs.size() > kOutputsMax) return Invalid("a processing job has at most 10 outputs");
  for (const Json& input : ItemsOf(request["ProcessingInputs"])) MILL_CHECK(CheckInput(input));
  for (const Json& output : ItemsOf(outputs)) MILL_CHECK(CheckOutput(output));
  return {};
}

Json WithDefaults(const Json& request) {
  Json job = request;
  if (!request["ProcessingInputs"].is_array()) return job;
  Json::Array inputs;
  for (const Json& input : ItemsOf(request["ProcessingInputs"])) {
    Json s3 = input["S3Input"];
    for (const auto& [name, value] :
         {std::pair("S3DataType", "S3Prefix"), std::pair("S3InputMode", "File"),
          std::pair("S3DataDistributionType", "FullyReplicated"),
          std::pair("S3CompressionType", "None")}) {
      if (!s3.Has(name)) s3 = s3.With(name, value);
    }
    Json filled = input.With("S3Input", s3);
    if (!input.Has("AppManaged")) filled = filled.With("AppManaged", false);
    inputs.push_back(filled);
  }
  return job.With("ProcessingInputs", std::move(inputs));
}

std::string HostName(int index) { return "algo-" + std::to_string(index + 1); }

int HostCount(const Json& job) {
  return static_cast<int>(job["ProcessingResources"]["ClusterConfig"].IntOr("InstanceCount", 1));
}

Json ProcessingJobConfig(const Json& job) {
  const Json& app = job["AppSpecification"];
  Json::Array inputs, outputs;
  for (const Json& input : ItemsOf(job["ProcessingInputs"])) {
    const Json& s3 = input["S3Input"];
    Json::Object shown;
    for (const char* name : {"LocalPath", "S3Uri", "S3DataDistributionType", "S3DataType",
                             "S3InputMode", "S3CompressionType", "S3DownloadMode"})
      shown.Set(name, OrNull(s3, name));
    inputs.push_back(Json::Object{{"InputName", input["InputName"]},
                                  {"AppManaged", input.BoolOr("AppManaged", false)},
                                  {"S3Input", std::move(shown)},
                                  {"DatasetDefinition", Json()}});
  }
  const Json& config = job["ProcessingOutputConfig"];
  for (const Json& output : ItemsOf(config["Outputs"])) {
    outputs.push_back(Json::Object{{"OutputName", output["OutputName"]},
                                   {"AppManaged", output.BoolOr("AppManaged", false)},
                                   {"S3Output", output["S3Output"]},
                                   {"FeatureStoreOutput", Json()}});
  }
  const Json& cluster = job["ProcessingResources"]["ClusterConfig"];
  const Json shown_cluster = Json::Object{{"InstanceCount", OrNull(cluster, "InstanceCount")},
                                          {"InstanceType", OrNull(cluster, "InstanceType")},
                                          {"VolumeSizeInGB", OrNull(cluster, "VolumeSizeInGB")},
                                          {"VolumeKmsKeyId", OrNull(cluster, "VolumeKmsKeyId")}};
  return Json::Object{
      {"ProcessingJobArn", job["ProcessingJobArn"]},
      {"ProcessingJobName", job["ProcessingJobName"]},
      {"AppSpecification", Json::Object{{"ImageUri", app["ImageUri"]},
                                        {"ContainerEntrypoint", OrNull(app, "ContainerEntrypoint")},
                                        {"ContainerArguments", OrNull(app, "ContainerArguments")}}},
      {"Environment", job.Has("Environment") ? job["Environment"] : Json(Json::Object{})},
      {"ProcessingInputs", std::move(inputs)},
      {"ProcessingOutputConfig",
       Json::Object{{"Outputs", std::move(outputs)}, {"KmsKeyId", OrNull(config, "KmsKeyId")}}},
      {"ProcessingResources", Json::Object{{"ClusterConfig", shown_cluster}}},
      {"RoleArn", job["RoleArn"]},
      {"StoppingCondition", OrNull(job, "StoppingCondition")}};
}

Json ResourceConfig(const Json& job, int index) {
  Json::Array hosts;
  for (int i = 0; i < HostCount(job); ++i) hosts.push_back(HostName(i));
  return Json::Object{{"current_host", HostName(index)}, {"hosts", std::move(hosts)}};
}

JobSpec HostSpec(const Json& job, const std::string& account, const std::string& region,
                 int index) {
  const std::string arn = job.StringOr("ProcessingJobArn", "");
  const Json& app = job["AppSpecification"];
  JobSpec spec;
  spec.id = HostId(kProcessingJob, job, index);
  spec.image = app.StringOr("ImageUri", "");
  SetCommand(spec, app);
  AddEnvironment(spec, job["Environment"]);
  spec.env["PROCESSING_JOB_ARN"] = arn;
  spec.env["DMLC_INTERFACE"] = "eth0";
  spec.inputs.push_back(
      TextFile("/opt/ml/config/processingjobconfig.json", ProcessingJobConfig(job).Print()));
  spec.inputs.push_back(
      TextFile("/opt/ml/config/resourceconfig.json", ResourceConfig(job, index).Print()));
  for (const Json& output : ItemsOf(job["ProcessingOutputConfig"]["Outputs"]))
    spec.output_paths.push_back(output["S3Output"].StringOr("LocalPath", ""));
  spec.output_paths.push_back(kMessageFolder);
  SetMachine(spec, job["ProcessingResources"]["ClusterConfig"].StringOr("InstanceType", ""),
             job["NetworkConfig"].BoolOr("EnableNetworkIsolation", false));
  SetIdentity(spec, job.StringOr("RoleArn", ""), account, region);
  std::vector<std::string> hosts;
  for (int i = 0; i < HostCount(job); ++i) hosts.push_back(HostName(i));
  SetGroup(spec, arn, hosts, static_cast<size_t>(index));
  return spec;
}

}  // namespace stepmill::sagemaker
