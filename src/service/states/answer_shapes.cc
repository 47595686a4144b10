#include "service/states/answer_shapes.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "base/strings.h"

namespace stepmill::states {
namespace {

using Pattern = asl::Resource::Pattern;

std::string Capitalised(std::string_view name) {
  std::string out(name);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

Error Wrong(std::string_view field, std::string_view what) {
  return {Code::kInvalid, "ValidationException",
          "Mock result schema validation error: Field '" + std::string(field) + "' " +
              std::string(what)};
}

/// Where a task's answer is in a model.
struct Place {
  std::string_view service;    ///< AnswerModel::service; empty: not known
  std::string operation;       ///< "DescribeExecution"
  std::string_view member;     ///< a member of the answer, or its items; empty: the whole answer
  std::string_view wrapper;    ///< the result has the shape in this member
  std::string_view unchecked;  ///< a member that is parsed: any value
};

/// Jobs: what describes them (Step Functions: "Integrating services": run a job).
struct Job {
  std::string_view service, action, model, operation, member, wrapper;
};
constexpr Job kJobs[] = {
    {"athena", "startQueryExecution", "athena", "GetQueryExecution", "", ""},
    {"batch", "submitJob", "batch", "DescribeJobs", "jobs", ""},
    {"bedrock", "createModelCustomizationJob", "bedrock", "GetModelCustomizationJob", "", ""},
    {"codebuild", "startBuild", "codebuild", "BatchGetBuilds", "builds", "Build"},
    {"codebuild", "startBuildBatch", "codebuild", "BatchGetBuildBatches", "buildBatches",
     "BuildBatch"},
    {"codebuild", "retryBuildBatch", "codebuild", "BatchGetBuildBatches", "buildBatches",
     "BuildBatch"},
    {"databrew", "startJobRun", "databrew", "DescribeJobRun", "", ""},
    {"ecs", "runTask", "ecs", "DescribeTasks", "tasks", ""},
    {"emr-containers", "startJobRun", "emr-containers", "DescribeJobRun", "", ""},
    {"emr-serverless", "startJobRun", "emr-serverless", "GetJobRun", "", ""},
    {"glue", "startJobRun", "glue", "GetJobRun", "JobRun", ""},
    {"sagemaker", "createHyperParameterTuningJob", "sagemaker", "DescribeHyperParameterTuningJob",
     "", ""},
    {"sagemaker", "createLabelingJob", "sagemaker", "DescribeLabelingJob", "", ""},
    {"sagemaker", "createProcessingJob", "sagemaker", "DescribeProcessingJob", "", ""},
    {"sagemaker", "createTrainingJob", "sagemaker", "DescribeTrainingJob", "", ""},
    {"sagemaker", "createTransformJob", "sagemaker", "DescribeTransformJob", "", ""},
    {"states", "startExecution", "stepfunctions", "DescribeExecution", "", ""},
};

/// Optimised integrations whose model has another name.
struct Other {
  std::string_view service, model;
};
constexpr Other kOthers[] = {{"states", "stepfunctions"}, {"elasticmapreduce", "emr"}};

Place FindPlace(const asl::Resource& resource) {
  Place place;
  place.operation = Capitalised(resource.action);
  if (resource.kind == asl::Resource::Kind::kSdk) {
    for (const AnswerModel& model : AnswerModels())
      if (ToLower(ReplaceAll(model.service_id, " ", "")) == resource.service)
        place.service = model.service;
    return place;
  }
  if (resource.kind != asl::Resource::Kind::kIntegration) return {};
  if (resource.is_sync()) {
    for (const Job& job : kJobs) {
      if (job.service != resource.service || job.action != resource.action) continue;
      place = {job.model, std::string(job.operation), job.member, job.wrapper, ""};
    }
    return place;
  }
  place.service = resource.service;
  for (const Other& other : kOthers)
    if (other.service == resource.service) place.service = other.model;
  if (resource.service == "lambda") place.unchecked = "Payload";
  if (resource.service == "bedrock" && resource.action == "invokeModel") {
    place.service = "bedrock-runtime";
    place.unchecked = "Body";
  }
  return place;
}

class Checker {
 public:
  Checker(const Json& shapes, bool with_required, std::string_view unchecked)
      : shapes_(shapes), with_required_(with_required), unchecked_(unchecked) {}

  const Json& Shape(const Json& reference) const {
    if (reference.is_string() && reference.AsString().starts_with("#"))
      return shapes_[reference.AsString().substr(1)];
    return reference;
  }

  Result<> Check(const Json& reference, const Json& value, std::string_view field) const {
    const Json& shape = Shape(reference);
    if (value.is_null() || shape.is_null()) return {};
    if (shape.is_object()) {
      if (const Json* values = shape.Find("e")) return CheckEnum(*values, value, field);
      if (const Json* item = shape.Find("l")) return CheckList(shape, *item, value, field);
      if (const Json* item = shape.Find("k")) {
        if (!value.is_object()) return Wrong(field, "must be an object");
        for (const Json::Member& member : value.members())
          MILL_CHECK(Check(*item, member.value, field));
        return {};
      }
      return CheckStructure(shape, value, field);
    }
    const std::string& kind = shape.is_array() ? shape.At(0).AsString() : shape.AsString();
    if (kind == "b" && !value.is_bool()) return Wrong(field, "must be a boolean");
    if (kind == "n") {
      if (!value.is_number()) return Wrong(field, "must be a number");
      return CheckBounds(shape, value.AsDouble(), field, "is less than the minimum value",
                         "exceeds the maximum value");
    }
    if (kind == "s") {
      if (!value.is_string()) return Wrong(field, "must be a string");
      return CheckLength(shape, value.AsString(), field);
    }
    return {};
  }

 private:
  Result<> CheckStructure(const Json& shape, const Json& value, std::string_view field) const {
    if (!value.is_object()) {
      if (!field.empty()) return Wrong(field, "must be an object");
      return Error{Code::kInvalid, "ValidationException", "Mocked result must be a JSON object."};
    }
    if (const Json* required = shape.Find("r"); required && with_required_) {
      for (const Json& name : required->items())
        if (!value.Has(Capitalised(name.AsString())))
          return Error{Code::kInvalid, "ValidationException",
                       "Mock result schema validation error: Required field '" +
                           Capitalised(name.AsString()) + "' is missing"};
    }
    for (const Json::Member& member : shape["m"].members()) {
      const std::string name = Capitalised(member.name);
      const Json* given = value.Find(name);
      if (given && name != unchecked_) MILL_CHECK(Check(member.value, *given, name));
    }
    return {};
  }

  Result<> CheckList(const Json& shape, const Json& item, const Json& value,
                     std::string_view field) const {
    if (!value.is_array()) return Wrong(field, "must be an array");
    for (const Json& each : value.items()) MILL_CHECK(Check(item, each, field));
    const Json& bounds = shape["b"];
    if (!bounds.is_array()) return {};
    const auto size = static_cast<double>(value.size());
    if (bounds.At(0).is_number() && size < bounds.At(0).AsDouble())
      return Wrong(field, "is smaller than the minimum length");
    if (bounds.At(1).is_number() && size > bounds.At(1).AsDouble())
      return Wrong(field, "exceeds the maximum length");
    return {};
  }

  static Result<> CheckEnum(const Json& values, const Json& value, std::string_view field) {
    if (!value.is_string()) return Wrong(field, "must be a string");
    for (const Json& each : values.items())
      if (each == value) return {};
    return Wrong(field, "is not an expected value");
  }

  static Result<> CheckLength(const Json& shape, const std::string& text, std::string_view field) {
    const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not inside a UTF-8 sequence
    });
    return CheckBounds(shape, static_cast<double>(characters), field,
                       "is smaller than the minimum length", "exceeds the maximum length");
  }

  static Result<> CheckBounds(const Json& shape, double value, std::string_view field,
                              std::string_view below, std::string_view above) {
    if (!shape.is_array()) return {};
    if (shape.At(1).is_number() && value < shape.At(1).AsDouble()) return Wrong(field, below);
    if (shape.At(2).is_number() && value > shape.At(2).AsDouble()) return Wrong(field, above);
    return {};
  }

  const Json& shapes_;
  bool with_required_;
  std::string_view unchecked_;
};

}  // namespace

Result<> CheckMockedResult(const asl::Resource& resource, const Json& result, bool with_required) {
  if (resource.pattern == Pattern::kWaitForTaskToken) return {};  // whatever the worker sends
  const Place place = FindPlace(resource);
  const AnswerModel* found = nullptr;
  for (const AnswerModel& model : AnswerModels())
    if (model.service == place.service) found = &model;
  if (!found) return {};
  MILL_TRY(const Json model, ParseJson(found->text));
  const Json* shape = nullptr;
  for (const Json::Member& operation : model["operations"].members())
    if (EqualsIgnoreCase(operation.name, place.operation)) shape = &operation.value;
  if (!shape || shape->is_null()) return {};
  const Checker checker(model["shapes"], with_required, place.unchecked);
  if (!place.member.empty()) {
    shape = &checker.Shape(*shape)["m"][place.member];
    if (const Json* item = checker.Shape(*shape).Find("l")) shape = item;
  }
  if (place.wrapper.empty()) {
    // Input and Output of .sync:2 are parsed: any value.
    if (resource.pattern == Pattern::kSync2)
      return checker.Check(*shape, result.Without("Input").Without("Output"), "");
    return checker.Check(*shape, result, "");
  }
  const Json* wrapped = result.Find(place.wrapper);
  if (wrapped) return checker.Check(*shape, *wrapped, place.wrapper);
  if (!with_required) return {};
  return Error{Code::kInvalid, "ValidationException",
               "Mock result schema validation error: Required field '" +
                   std::string(place.wrapper) + "' is missing"};
}

}  // namespace stepmill::states
