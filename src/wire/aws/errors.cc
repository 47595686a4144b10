#include "base/strings.h"
#include "lang/xml/xml.h"
#include "wire/aws/cbor.h"
#include "wire/aws/encode.h"

namespace stepmill::wire {

namespace {

using Protocol = ServiceModel::Protocol;

/// An error that any service may give, as the protocols spell it. Empty: as it is. Status 0: by
/// the model, then by the error's code.
struct Common {
  std::string_view name;
  std::string_view json;
  int json_status;
  std::string_view query;
  int query_status;
  std::string_view s3;
  int s3_status;
};
constexpr Common kCommon[] = {
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException", 400,
     "MissingAuthenticationToken", 403, "AccessDenied", 403},
    {"IncompleteSignature", "IncompleteSignatureException", 400, "IncompleteSignature", 400,
     "AuthorizationHeaderMalformed", 400},
    {"InvalidClientTokenId", "UnrecognizedClientException", 400, "InvalidClientTokenId", 403,
     "InvalidAccessKeyId", 403},
    {"ExpiredToken", "ExpiredTokenException", 400, "ExpiredToken", 403, "ExpiredToken", 400},
    {"SignatureDoesNotMatch", "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403,
     "SignatureDoesNotMatch", 403},
    {"SignatureExpired", "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403,
     "RequestTimeTooSkewed", 403},
    {"RequestHasExpired", "InvalidSignatureException", 400, "SignatureDoesNotMatch", 403,
     "AccessDenied", 403},
    {"AccessDeniedException", "AccessDeniedException", 400, "AccessDenied", 403, "AccessDenied",
     403},
    {"UnknownOperationException", "UnknownOperationException", 400, "InvalidAction", 400,
     "NotImplemented", 501},
    {"SerializationException", "SerializationException", 400, "MalformedInput", 400,
     "InvalidArgument", 400},
    {"ValidationException", "ValidationException", 400, "ValidationError", 400, "InvalidArgument",
     400},
    {"MissingAction", "MissingAction", 400, "MissingAction", 400, "MissingAction", 400},
    {"InvalidAction", "UnknownOperationException", 400, "InvalidAction", 400, "NotImplemented",
     501},
    {"OperationAborted", "ConflictException", 400, "OperationAborted", 409, "OperationAborted",
     409},
    {"ThrottlingException", "ThrottlingException", 400, "Throttling", 400, "SlowDown", 503},
    {"RequestEntityTooLarge", "RequestEntityTooLargeException", 413, "RequestEntityTooLarge", 413,
     "EntityTooLarge", 400},
    {"InternalFailure", "InternalFailure", 500, "InternalFailure", 500, "InternalError", 500},
    {"ServiceUnavailable", "ServiceUnavailableException", 503, "ServiceUnavailable", 503,
     "ServiceUnavailable", 503},
};

/// S3's codes have statuses that the model does not carry.
struct S3Status {
  std::string_view name;
  int status;
};
constexpr S3Status kS3Statuses[] = {
    {"AccessDenied", 403},
    {"BadDigest", 400},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"EntityTooLarge", 400},
    {"EntityTooSmall", 400},
    {"IncompleteBody", 400},
    {"InvalidRange", 416},
    {"InvalidObjectState", 403},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"NoSuchBucket", 404},
    {"NoSuchBucketPolicy", 404},
    {"NoSuchKey", 404},
    {"NoSuchLifecycleConfiguration", 404},
    {"NoSuchPublicAccessBlockConfiguration", 404},
    {"NoSuchTagSet", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NotFound", 404},
    {"NotImplemented", 501},
    {"NotModified", 304},
    {"OperationAborted", 409},
    {"OwnershipControlsNotFoundError", 404},
    {"PreconditionFailed", 412},
    {"RequestTimeout", 400},
    {"ServerSideEncryptionConfigurationNotFoundError", 404},
    {"SlowDown", 503},
};

int StatusByCode(Code code, Protocol protocol) {
  const bool is_json = protocol == Protocol::kJson || protocol == Protocol::kCbor;
  switch (code) {
    case Code::kInvalid: return 400;
    case Code::kNotFound: return is_json ? 400 : 404;
    case Code::kConflict: return is_json ? 400 : 409;
    case Code::kDenied: return is_json ? 400 : 403;
    case Code::kLimit: return 400;
    case Code::kUnavailable: return 503;
    case Code::kTimeout: return is_json ? 400 : 408;
    case Code::kInternal: return 500;
  }
  return 500;
}

struct Spelled {
  std::string code;
  int status;
};

/// S3 words these differently.
struct S3Text {
  std::string_view name, text;
};
constexpr S3Text kS3Texts[] = {
    {"MissingAuthenticationToken", "Access Denied"},
    {"InvalidClientTokenId", "The AWS Access Key Id you provided does not exist in our records."},
    {"ExpiredToken", "The provided token has expired."},
    {"SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your "
     "key and signing method."},
    {"SignatureExpired",
     "The difference between the request time and the current time is too large."},
};

// Lambda's name for it.
constexpr char kThrottled[] = "ThrottlingException";
constexpr char kTooManyRequests[] = "TooManyRequestsException";

Spelled Spell(const ServiceModel* model, Protocol protocol, const Error& error) {
  const bool is_s3 = protocol == Protocol::kRestXml;
  for (const Common& row : kCommon) {
    if (row.name != error.name) continue;
    if (model && model->FindError(error.name) && row.json == error.name) break;  // its own
    if (error.name == kThrottled && model && model->FindError(kTooManyRequests))
      return {kTooManyRequests, 429};
    if (is_s3) return {std::string(row.s3), row.s3_status};
    if (protocol == Protocol::kQuery) return {std::string(row.query), row.query_status};
    const bool is_rest = protocol == Protocol::kRestJson && row.query_status == 403;
    return {std::string(row.json), is_rest ? 403 : row.json_status};
  }
  if (is_s3)
    for (const S3Status& row : kS3Statuses)
      if (row.name == error.name) return {error.name, row.status};
  const Shape* shape = model ? model->FindError(error.name) : nullptr;
  Spelled spelled{error.name.empty() ? "InternalFailure" : error.name,
                  StatusByCode(error.code, protocol)};
  if (!shape) return spelled;
  if (protocol == Protocol::kQuery && !shape->error_code.empty())
    spelled.code = std::string(shape->error_code);
  else if (model->is_query_compatible)
    spelled.code = std::string(shape->name);  // a handler may name either
  if (shape->http_status != 0) spelled.status = shape->http_status;
  return spelled;
}

HttpResponse JsonError(const ServiceModel* model, const Spelled& spelled, const Error& error) {
  HttpResponse response;
  response.status = spelled.status;
  const bool is_rest = model && model->protocol == Protocol::kRestJson;
  Json::Object body;
  if (!is_rest) body.Add("__type", Json(spelled.code));
  // A modelled error may call its text "Message"; some clients read only that.
  const Shape* shape = model ? model->FindError(spelled.code) : nullptr;
  const bool is_capital = shape && shape->Find("Message");
  body.Add(is_capital ? "Message" : "message", Json(error.message));
  if (shape && shape->Find("message") && is_capital) body.Set("message", Json(error.message));
  for (const auto& [name, value] : error.fields) {
    // A field is a text; one that the model knows as something else is JSON.
    const ShapeMember* member = shape ? shape->Find(name) : nullptr;
    const bool is_text = !member || member->shape->type == Shape::Type::kString;
    body.Set(name, is_text ? Json(value) : ParseJson(value).value_or(Json()));
  }
  response.headers.Add("Content-Type", is_rest
                                           ? "application/json"
                                           : "application/x-amz-json-" +
                                                 std::string(model ? model->json_version : "1.1"));
  response.headers.Add("x-amzn-ErrorType", spelled.code);
  response.body = Json(std::move(body)).Print();
  return response;
}

HttpResponse CborError(const Spelled& spelled, const Error& error) {
  HttpResponse response;
  response.status = spelled.status;
  Json::Object body{{"__type", spelled.code}, {"message", error.message}};
  for (const auto& [name, value] : error.fields) body.Set(name, Json(value));
  response.headers.Add("smithy-protocol", "rpc-v2-cbor");
  response.headers.Add("Content-Type", "application/cbor");
  response.body = EncodeCbor(Json(std::move(body)));
  return response;
}

HttpResponse QueryError(const ServiceModel* model, const Spelled& spelled, const Error& error,
                        const std::string& request_id) {
  xml::Writer writer(false);
  writer.Open("ErrorResponse", model ? " xmlns=\"" + std::string(model->xml_namespace) + "\"" : "");
  writer.Open("Error");
  writer.Text("Type", spelled.status >= 500 ? "Receiver" : "Sender");
  writer.Text("Code", spelled.code);
  writer.Text("Message", error.message);
  for (const auto& [name, value] : error.fields) writer.Text(name, value);
  writer.Close("Error");
  writer.Text("RequestId", request_id);
  writer.Close("ErrorResponse");
  HttpResponse response;
  response.status = spelled.status;
  response.headers.Add("Content-Type", "text/xml");
  response.body = writer.Take();
  return response;
}

HttpResponse S3Error(const Spelled& spelled, const Error& error, const std::string& request_id,
                     const HttpRequest& request) {
  HttpResponse response;
  response.status = spelled.status;
  if (spelled.status == 304) {  // no body, but what the client has is named
    for (const auto& [name, value] : error.fields)
      if (name.rfind("http:", 0) == 0) response.headers.Add(name.substr(5), value);
    return response;
  }
  std::string_view message = error.message;
  for (const S3Text& row : kS3Texts)
    if (row.name == error.name) message = row.text;
  xml::Writer writer;
  writer.Open("Error");
  writer.Text("Code", spelled.code);
  writer.Text("Message", message);
  for (const auto& [name, value] : error.fields) {
    if (name.rfind("http:", 0) == 0)
      response.headers.Add(name.substr(5), value);
    else
      writer.Text(name, value);
  }
  writer.Text("Resource", UrlDecode(request.path));
  writer.Text("RequestId", request_id);
  writer.Text("HostId", Base64(request_id));
  writer.Close("Error");
  response.headers.Add("Content-Type", "application/xml");
  response.body = writer.Take();
  if (request.method == "HEAD") {  // the code cannot be told: no body
    response.body.clear();
    response.head_length = 0;
  }
  return response;
}

}  // namespace

HttpResponse EncodeError(const Target& target, const Error& error, const std::string& request_id,
                         const HttpRequest& request) {
  const ServiceModel* model = target.service ? target.service->model : nullptr;
  const Protocol protocol = target.protocol;
  const Spelled spelled = Spell(model, protocol, error);
  HttpResponse response;
  switch (protocol) {
    case Protocol::kQuery: response = QueryError(model, spelled, error, request_id); break;
    case Protocol::kRestXml: response = S3Error(spelled, error, request_id, request); break;
    case Protocol::kCbor: response = CborError(spelled, error); break;
    case Protocol::kJson:
    case Protocol::kRestJson: response = JsonError(model, spelled, error); break;
  }
  if (model && model->is_query_compatible && protocol != Protocol::kQuery) {
    // Smithy: "AWS query compatible": clients of Query knew the error by this code.
    const Spelled known = Spell(model, Protocol::kQuery, error);
    response.headers.Add("x-amzn-query-error",
                         known.code + (spelled.status >= 500 ? ";Receiver" : ";Sender"));
  }
  response.headers.Add("x-amzn-RequestId", request_id);
  if (protocol == Protocol::kRestXml) response.headers.Add("x-amz-request-id", request_id);
  return response;
}

}  // namespace stepmill::wire
