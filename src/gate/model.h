#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

/// The service models as constant tables. `tools/model_tables.py` makes them at build time from
/// models/SERVICE.json, one source a service; nothing is parsed at start. They drive the checks of
/// input, the wire protocols and the errors.
namespace stepmill {

struct Shape;

/// A member of a structure, or the item of a list or map.
struct ShapeMember {
  enum class Location : uint8_t { kBody, kUri, kQuery, kHeader, kHeaders, kStatusCode };
  std::string_view name = {};
  const Shape* shape = nullptr;
  std::string_view location_name = {};  ///< name on the wire; empty: `name`
  Location location = Location::kBody;
  bool is_required = false;
  bool is_flattened = false;
  bool is_streaming = false;
  bool is_attribute = false;               ///< an attribute of the XML element
  bool is_refused = false;                 ///< on no list of its rows: an input that has it fails
  std::string_view timestamp_format = {};  ///< "iso8601", "rfc822", "unixTimestamp" or empty
  std::string_view xml_namespace = {};
  std::string_view wire_name() const { return location_name.empty() ? name : location_name; }
};

struct Shape {
  enum class Type : uint8_t {
    kStructure,
    kList,
    kMap,
    kString,
    kInteger,
    kLong,
    kDouble,
    kFloat,
    kBoolean,
    kTimestamp,
    kBlob
  };
  static constexpr double kNoMin = -std::numeric_limits<double>::infinity();
  static constexpr double kNoMax = std::numeric_limits<double>::infinity();

  std::string_view name;
  Type type = Type::kStructure;
  std::span<const ShapeMember> members = {};  ///< structure
  ShapeMember item = {};                      ///< list: its items; map: its values
  ShapeMember key = {};                       ///< map
  double min = kNoMin, max = kNoMax;          ///< of a length, a size or a number
  std::string_view pattern = {};
  std::span<const std::string_view> enums = {};
  bool is_flattened = false;
  bool is_union = false;
  bool is_sensitive = false;
  bool takes_non_finite = false;  ///< a number that may be "NaN", "Infinity" or "-Infinity" (texts)
  bool is_event_stream = false;
  std::string_view payload = {};  ///< the member that is the body
  std::string_view location_name = {};
  std::string_view xml_namespace = {};
  std::string_view timestamp_format = {};
  // An error:
  bool is_error = false;
  std::string_view error_code = {};  ///< its code on the wire; empty: `name`
  int http_status = 0;               ///< 0: not modelled

  const ShapeMember* Find(std::string_view member) const;
};

struct ModelOperation {
  std::string_view name = {};
  std::string_view http_method = {};
  std::string_view uri = {};  ///< "/{Bucket}/{Key+}?uploads"
  int response_code = 200;
  const Shape* input = nullptr;   ///< nullptr: none
  const Shape* output = nullptr;  ///< nullptr: none
  std::string_view result_wrapper = {};
  std::span<const Shape* const> errors = {};
  bool is_unsigned_payload = false;
  bool has_secret_output = false;  ///< the output reaches a member that the model calls sensitive
  /// The member that streams ("Body"), or empty.
  std::string_view input_stream() const;
  std::string_view output_stream() const;
};

struct ServiceModel {
  enum class Protocol : uint8_t { kJson, kQuery, kRestXml, kRestJson, kCbor };
  std::string_view service = {};             ///< the file's name: "stepfunctions"
  Protocol protocol = Protocol::kJson;       ///< the first choice of its clients
  std::span<const Protocol> protocols = {};  ///< all that it answers, `protocol` among them
  /// Its clients once spoke Query and know the errors by those codes: other protocols name them in
  /// the header x-amzn-query-error (awsQueryCompatible).
  bool is_query_compatible = false;
  std::string_view json_version = {};     ///< "1.0", "1.1"
  std::string_view endpoint_prefix = {};  ///< "api.ecr"
  std::string_view signing_name = {};  ///< the signature's service; the prefix where not modelled
  std::string_view target_prefix = {};
  std::string_view api_version = {};
  std::string_view xml_namespace = {};
  std::string_view service_id = {};  ///< "SFN"
  std::span<const ModelOperation> operations = {};
  std::span<const Shape* const> errors = {};  ///< every error shape

  bool Speaks(Protocol other) const;
  const ModelOperation* Find(std::string_view operation) const;
  /// The shape of an error by its name or code; nullptr: not modelled.
  const Shape* FindError(std::string_view name) const;
};

/// Checks `input` against the operation's input shape and returns what the handler sees: members
/// that the model does not know are dropped, null members too. Errors are AWS's: wrong types are a
/// SerializationException, constraints a ValidationException with AWS's text (all findings in one
/// message, "2 validation errors detected: ..."). Where a service answers such findings under
/// another name, `ValidationErrorName` says which.
///
/// A member that is modelled and marked as refused (models/README.md) fails the call with its name,
/// unless its value asks for nothing (false, 0, empty).
Result<Json> CheckInput(const ServiceModel& model, const ModelOperation& operation,
                        const Json& input);

/// "ValidationError" for CloudFormation, IAM and STS, "InvalidParameterException" for Logs and ECR.
std::string_view ValidationErrorName(const ServiceModel& model);

}  // namespace stepmill

namespace stepmill::models {
extern const ServiceModel kBatch;
extern const ServiceModel kCloudformation;
extern const ServiceModel kCloudwatch;
extern const ServiceModel kCodebuild;
extern const ServiceModel kCodecommit;
extern const ServiceModel kCodeconnections;
extern const ServiceModel kCodepipeline;
extern const ServiceModel kCodestarConnections;
extern const ServiceModel kDynamodb;
extern const ServiceModel kEcr;
extern const ServiceModel kEcs;
extern const ServiceModel kEvents;
extern const ServiceModel kGlue;
extern const ServiceModel kIam;
extern const ServiceModel kLambda;
extern const ServiceModel kLogs;
extern const ServiceModel kS3;
extern const ServiceModel kSagemakerRuntime;
extern const ServiceModel kSagemaker;
extern const ServiceModel kScheduler;
extern const ServiceModel kSecretsmanager;
extern const ServiceModel kSns;
extern const ServiceModel kSqs;
extern const ServiceModel kSsm;
extern const ServiceModel kStepfunctions;
extern const ServiceModel kSts;
extern const ServiceModel kWorkflows;  // our own

}  // namespace stepmill::models
