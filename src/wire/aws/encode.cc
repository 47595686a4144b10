#include "wire/aws/encode.h"

#include "base/strings.h"
#include "lang/xml/xml.h"
#include "wire/aws/cbor.h"
#include "wire/aws/text_value.h"

namespace stepmill::wire {

namespace {

using Protocol = ServiceModel::Protocol;
using Location = ShapeMember::Location;
constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/// S3's root elements, where they are not the output shape's name.
struct RootName {
  std::string_view operation, root;
};
constexpr RootName kS3Roots[] = {
    {"CompleteMultipartUpload", "CompleteMultipartUploadResult"},
    {"CreateMultipartUpload", "InitiateMultipartUploadResult"},
    {"DeleteObjects", "DeleteResult"},
    {"GetBucketAcl", "AccessControlPolicy"},
    {"GetBucketLifecycleConfiguration", "LifecycleConfiguration"},
    {"GetBucketNotificationConfiguration", "NotificationConfiguration"},
    {"GetBucketTagging", "Tagging"},
    {"GetBucketVersioning", "VersioningConfiguration"},
    {"GetObjectAttributes", "GetObjectAttributesResponse"},
    {"GetObjectTagging", "Tagging"},
    {"ListBuckets", "ListAllMyBucketsResult"},
    {"ListMultipartUploads", "ListMultipartUploadsResult"},
    {"ListObjectVersions", "ListVersionsResult"},
    {"ListObjects", "ListBucketResult"},
    {"ListObjectsV2", "ListBucketResult"},
    {"ListParts", "ListPartsResult"},
    {"UploadPartCopy", "CopyPartResult"},
};

/// IAM and STS give whole seconds; CloudFormation and S3 milliseconds.
bool HasMillis(const ServiceModel& model) {
  return model.service != "iam" && model.service != "sts";
}

/// `value` with every timestamp of a shape cut to whole seconds.
Json WholeSeconds(const Shape& shape, const Json& value) {
  switch (shape.type) {
    case Shape::Type::kTimestamp:
      return value.is_number() ? Json(static_cast<int64_t>(value.AsDouble())) : value;
    case Shape::Type::kStructure: {
      if (!value.is_object()) return value;
      Json::Object out;
      for (const Json::Member& member : value.members()) {
        const ShapeMember* known = shape.Find(member.name);
        if (known) out.Add(member.name, WholeSeconds(*known->shape, member.value));
      }
      return Json(std::move(out));
    }
    case Shape::Type::kList: {
      if (!value.is_array()) return value;
      Json::Array out;
      for (const Json& item : value.items()) out.push_back(WholeSeconds(*shape.item.shape, item));
      return Json(std::move(out));
    }
    default: return value;
  }
}

void WriteXml(xml::Writer& writer, const ShapeMember& member, std::string_view name,
              const Json& value);

void WriteMembers(xml::Writer& writer, const Shape& shape, const Json& value) {
  for (const ShapeMember& member : shape.members) {
    if (member.location != Location::kBody || member.is_attribute) continue;
    const Json* found = value.Find(member.name);
    if (!found || found->is_null()) continue;
    WriteXml(writer, member, member.wire_name(), *found);
  }
}

std::string Attributes(const ShapeMember& member, const Json& value) {
  std::string out;
  if (!member.xml_namespace.empty()) out += " xmlns=\"" + std::string(member.xml_namespace) + "\"";
  for (const ShapeMember& inner : member.shape->members) {
    const Json* found = inner.is_attribute ? value.Find(inner.name) : nullptr;
    if (!found) continue;
    if (inner.wire_name().starts_with("xsi:"))
      out += " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    out += " " + std::string(inner.wire_name()) + "=\"" +
           xml::Escape(TextFromScalar(*inner.shape, *found, TimestampFormat::kIso8601)) + "\"";
  }
  return out;
}

void WriteXml(xml::Writer& writer, const ShapeMember& member, std::string_view name,
              const Json& value) {
  const Shape& shape = *member.shape;
  const bool is_flat = member.is_flattened || shape.is_flattened;
  switch (shape.type) {
    case Shape::Type::kStructure:
      writer.Open(name, Attributes(member, value));
      WriteMembers(writer, shape, value);
      writer.Close(name);
      return;
    case Shape::Type::kList: {
      if (!value.is_array()) return;
      const std::string_view own =
          shape.item.location_name.empty() ? "member" : shape.item.location_name;
      const std::string_view item_name = !is_flat                           ? own
                                         : shape.item.location_name.empty() ? name
                                                                            : own;
      if (!is_flat) writer.Open(name);
      for (const Json& item : value.items()) WriteXml(writer, shape.item, item_name, item);
      if (!is_flat) writer.Close(name);
      return;
    }
    case Shape::Type::kMap:
      if (!value.is_object()) return;
      if (!is_flat) writer.Open(name);
      for (const Json::Member& entry : value.members()) {
        const std::string_view entry_name = is_flat ? name : "entry";
        writer.Open(entry_name);
        writer.Text(shape.key.name.empty() ? "key" : shape.key.wire_name(), entry.name);
        WriteXml(writer, shape.item, shape.item.wire_name(), entry.value);
        writer.Close(entry_name);
      }
      if (!is_flat) writer.Close(name);
      return;
    default:
      writer.Text(name, TextFromScalar(shape, value, FormatOf(member, TimestampFormat::kIso8601)));
  }
}

void AddRequestId(HttpResponse& response, const ServiceModel* model,
                  const std::string& request_id) {
  response.headers.Add("x-amzn-RequestId", request_id);
  if (!model || model->protocol != Protocol::kRestXml) return;
  response.headers.Add("x-amz-request-id", request_id);
  response.headers.Add("x-amz-id-2", Base64(request_id));
}

std::string JsonContentType(const ServiceModel& model) {
  if (model.protocol == Protocol::kRestJson) return "application/json";
  return "application/x-amz-json-" + std::string(model.json_version);
}

HttpResponse EncodeQuery(const ServiceModel& model, const ModelOperation& operation,
                         const Json& output, const std::string& request_id) {
  xml::Writer writer(false);
  const std::string name(operation.name);
  writer.Open(name + "Response", " xmlns=\"" + std::string(model.xml_namespace) + "\"");
  if (operation.output) {
    const std::string wrapper =
        operation.result_wrapper.empty() ? name + "Result" : std::string(operation.result_wrapper);
    writer.Open(wrapper);
    WriteMembers(writer, *operation.output,
                 HasMillis(model) ? output : WholeSeconds(*operation.output, output));
    writer.Close(wrapper);
  }
  writer.Open("ResponseMetadata");
  writer.Text("RequestId", request_id);
  writer.Close("ResponseMetadata");
  writer.Close(name + "Response");
  HttpResponse response;
  response.headers.Add("Content-Type", "text/xml");
  response.body = writer.Take();
  return response;
}

/// Members of the output that are headers or the status.
void EncodeLocations(const Shape& shape, const Json& output, HttpResponse& response) {
  for (const ShapeMember& member : shape.members) {
    const Json* found = output.Find(member.name);
    if (!found || found->is_null()) continue;
    if (member.location == Location::kStatusCode && found->is_integer()) {
      response.status = static_cast<int>(found->AsInteger());
    } else if (member.location == Location::kHeader &&
               EqualsIgnoreCase(member.wire_name(), "content-length")) {
      if (found->is_integer()) response.head_length = static_cast<uint64_t>(found->AsInteger());
    } else if (member.location == Location::kHeader && found->is_array()) {
      std::string joined;
      for (const Json& item : found->items())
        joined += (joined.empty() ? "" : ",") + (item.is_string() ? item.AsString() : item.Print());
      response.headers.Add(std::string(member.wire_name()), joined);
    } else if (member.location == Location::kHeader) {
      response.headers.Add(
          std::string(member.wire_name()),
          TextFromScalar(*member.shape, *found, FormatOf(member, TimestampFormat::kRfc822)));
    } else if (member.location == Location::kHeaders) {
      for (const Json::Member& entry : found->members())
        if (entry.value.is_string())
          response.headers.Add(std::string(member.wire_name()) + entry.name,
                               entry.value.AsString());
    }
  }
}

void EncodeXmlBody(const ModelOperation& operation, const Json& output, HttpResponse& response) {
  const Shape& shape = *operation.output;
  const std::string space = " xmlns=\"" + std::string(kS3Namespace) + "\"";
  xml::Writer writer;
  if (operation.name == "GetBucketLocation") {  // the one answer whose root is a text
    writer.Text("LocationConstraint", output.StringOr("LocationConstraint", ""), space);
  } else if (const ShapeMember* payload = shape.Find(shape.payload)) {
    const Json* found = output.Find(payload->name);
    if (!found || found->is_null()) return;
    if (payload->shape->type == Shape::Type::kString) {
      response.headers.Add("Content-Type", "application/json");
      response.body = found->AsString();
      return;
    }
    const std::string_view root =
        payload->location_name.empty() ? payload->shape->name : payload->location_name;
    writer.Open(root, space);
    WriteMembers(writer, *payload->shape, *found);
    writer.Close(root);
  } else {
    bool has_body = false;
    for (const ShapeMember& member : shape.members)
      has_body |= member.location == Location::kBody && !member.is_attribute;
    if (!has_body) return;
    std::string_view root = shape.name;
    for (const RootName& row : kS3Roots)
      if (row.operation == operation.name) root = row.root;
    writer.Open(root, space);
    WriteMembers(writer, shape, output);
    writer.Close(root);
  }
  response.headers.Add("Content-Type", "application/xml");
  response.body = writer.Take();
}

void EncodeJsonBody(const ServiceModel& model, const ModelOperation& operation, const Json& output,
                    HttpResponse& response) {
  const Shape& shape = *operation.output;
  response.headers.Add("Content-Type", JsonContentType(model));
  if (const ShapeMember* payload = shape.Find(shape.payload)) {
    const Json* found = output.Find(payload->name);
    if (found && found->is_string() && payload->shape->type == Shape::Type::kBlob)
      response.body = Unbase64(found->AsString()).value_or("");
    else if (found)
      response.body = found->is_string() ? found->AsString() : found->Print();
    return;
  }
  Json::Object body;
  for (const ShapeMember& member : shape.members) {
    const Json* found = output.Find(member.name);
    if (member.location == Location::kBody && found)
      body.Add(std::string(member.wire_name()), *found);
  }
  response.body = Json(std::move(body)).Print();
}

HttpResponse EncodeRest(const ServiceModel& model, const ModelOperation& operation, Answer answer,
                        bool is_head) {
  HttpResponse response;
  response.status = operation.response_code;
  if (operation.output) EncodeLocations(*operation.output, answer.output, response);
  if (answer.body) {
    response.stream_length = response.head_length;
    response.stream = std::move(answer.body);
    if (!response.headers.Has("content-type"))
      response.headers.Add("Content-Type", "binary/octet-stream");
  } else if (operation.output && !is_head &&
             (operation.output_stream().empty() || model.protocol == Protocol::kRestJson)) {
    if (model.protocol == Protocol::kRestXml)
      EncodeXmlBody(operation, answer.output, response);
    else
      EncodeJsonBody(model, operation, answer.output, response);
  }
  return response;
}

}  // namespace

HttpResponse EncodeAnswer(const Target& target, Answer answer, const std::string& request_id,
                          bool is_head) {
  const ServiceModel& model = *target.service->model;
  const ModelOperation& operation = *target.model;
  HttpResponse response;
  const Json extra = answer.headers;
  if (target.protocol == Protocol::kQuery) {
    response = EncodeQuery(model, operation, answer.output, request_id);
  } else if (target.protocol == Protocol::kCbor) {
    response.headers.Add("smithy-protocol", "rpc-v2-cbor");
    if (operation.output) {
      response.headers.Add("Content-Type", "application/cbor");
      response.body = EncodeCbor(*operation.output,
                                 answer.output.is_object() ? answer.output : Json(Json::Object{}));
    }
  } else if (target.protocol == Protocol::kJson) {
    response.headers.Add("Content-Type", JsonContentType(model));
    response.body = answer.output.is_object() ? answer.output.Print() : "{}";
  } else {
    response = EncodeRest(model, operation, std::move(answer), is_head);
  }
  AddRequestId(response, &model, request_id);
  if (!extra.is_object()) return response;
  for (const Json::Member& member : extra.members()) {
    constexpr std::string_view kHttp = "http:";
    if (member.name == "status") {
      const auto status = member.value.is_string()    ? ParseInt(member.value.AsString())
                          : member.value.is_integer() ? std::optional(member.value.AsInteger())
                                                      : std::nullopt;
      if (status) response.status = static_cast<int>(*status);
    } else if (member.name.rfind(kHttp, 0) == 0 && member.value.is_string()) {
      response.headers.Set(member.name.substr(kHttp.size()), member.value.AsString());
    }
  }
  return response;
}

}  // namespace stepmill::wire
