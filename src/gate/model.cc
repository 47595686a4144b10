#include "gate/model.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "base/time.h"
#include "gate/constraint.h"

namespace stepmill {

namespace {

/// Structures nested deeper than this are refused: some AWS shapes contain themselves.
constexpr int kDepthMax = 100;
/// More findings than this are not listed.
constexpr size_t kFindingsMax = 50;

Error Serialization(std::string message) {
  return Error{Code::kInvalid, "SerializationException", std::move(message)};
}

std::string_view TypeName(Shape::Type type) {
  switch (type) {
    case Shape::Type::kString: return "String";
    case Shape::Type::kInteger: return "Integer";
    case Shape::Type::kLong: return "Long";
    case Shape::Type::kDouble: return "Double";
    case Shape::Type::kFloat: return "Float";
    case Shape::Type::kBoolean: return "Boolean";
    case Shape::Type::kTimestamp: return "Timestamp";
    case Shape::Type::kBlob: return "ByteBuffer";
    default: return "structure";
  }
}

/// What AWS's JSON reader says when it meets `value` where `type` is due.
Error WrongType(const Json& value, Shape::Type type) {
  if (value.is_object())
    return Serialization("Start of structure or map found where not expected.");
  if (value.is_array()) return Serialization("Start of list found where not expected.");
  if (type == Shape::Type::kStructure) return Serialization("Unexpected field type");
  if (type == Shape::Type::kList) return Serialization("Expected list or null");
  if (type == Shape::Type::kMap) return Serialization("Expected map or null");
  const std::string_view token = value.is_string()   ? "STRING_VALUE"
                                 : value.is_number() ? "NUMBER_VALUE"
                                 : value.AsBool()    ? "TRUE_VALUE"
                                                     : "FALSE_VALUE";
  const std::string_view name = TypeName(type);
  const bool is_vowel = name.front() == 'I';
  return Serialization(std::string(token) + " can not be converted to " +
                       (is_vowel ? "an " : "a ") + std::string(name));
}

/// A refused member may stand there when it changes nothing: clients spell out what is off.
bool AsksForNothing(const Json& value) {
  if (value.is_bool()) return !value.AsBool();
  if (value.is_number()) return value.AsDouble() == 0;
  if (value.is_string()) return value.AsString().empty();
  if (value.is_array()) return value.size() == 0;
  return std::all_of(value.members().begin(), value.members().end(),
                     [](const Json::Member& member) {
                       return member.value.is_null() || AsksForNothing(member.value);
                     });
}

/// As the JSON protocols spell what JSON has no number for.
bool IsNonFinite(std::string_view text) {
  return text == "NaN" || text == "Infinity" || text == "-Infinity";
}

class Checker {
 public:
  explicit Checker(const ServiceModel& model) : model_(model) {}

  Result<Json> Value(const Shape& shape, const Json& value, const std::string& path, int depth) {
    if (depth > kDepthMax) return Serialization("The input is nested too deeply.");
    switch (shape.type) {
      case Shape::Type::kStructure: return Structure(shape, value, path, depth);
      case Shape::Type::kList: return List(shape, value, path, depth);
      case Shape::Type::kMap: return Map(shape, value, path, depth);
      default: return Scalar(shape, value);
    }
  }

  Result<Json> Structure(const Shape& shape, const Json& value, const std::string& path,
                         int depth) {
    if (!value.is_object()) return WrongType(value, shape.type);
    Json::Object out;
    out.members.reserve(value.size());
    for (const Json::Member& member : value.members()) {
      const ShapeMember* known = shape.Find(member.name);
      if (!known || member.value.is_null()) continue;  // unknown ones are ignored, as AWS does
      const std::string at = Below(path, member.name);
      if (known->is_refused) {
        if (AsksForNothing(member.value)) continue;
        return Refused(member.name, at);
      }
      MILL_TRY(Json checked, Value(*known->shape, member.value, at, depth + 1));
      Constraints(*known->shape, checked, at);
      out.Add(member.name, std::move(checked));
    }
    for (const ShapeMember& member : shape.members) {
      if (!member.is_required || !value[member.name].is_null()) continue;
      if (member.location == ShapeMember::Location::kUri || member.is_streaming) continue;
      findings_.push_back({"Value null", Below(path, member.name), "Member must not be null"});
    }
    return Json(std::move(out));
  }

  Result<Json> List(const Shape& shape, const Json& value, const std::string& path, int depth) {
    if (!value.is_array()) return WrongType(value, shape.type);
    Json::Array out;
    out.reserve(value.size());
    int index = 0;
    for (const Json& item : value.items()) {
      ++index;
      if (item.is_null()) continue;
      const std::string at = path + "." + std::to_string(index) + ".member";
      MILL_TRY(Json checked, Value(*shape.item.shape, item, at, depth + 1));
      if (IsAggregate(*shape.item.shape)) Constraints(*shape.item.shape, checked, at);
      out.push_back(std::move(checked));
    }
    return Json(std::move(out));
  }

  Result<Json> Map(const Shape& shape, const Json& value, const std::string& path, int depth) {
    if (!value.is_object()) return WrongType(value, shape.type);
    Json::Object out;
    for (const Json::Member& member : value.members()) {
      if (member.value.is_null()) continue;
      const std::string at = path + "." + member.name + ".member";
      MILL_TRY(Json checked, Value(*shape.item.shape, member.value, at, depth + 1));
      if (IsAggregate(*shape.item.shape)) Constraints(*shape.item.shape, checked, at);
      out.Add(member.name, std::move(checked));
    }
    return Json(std::move(out));
  }

  static Result<Json> Scalar(const Shape& shape, const Json& value) {
    switch (shape.type) {
      case Shape::Type::kString:
        if (value.is_string()) return value;
        break;
      case Shape::Type::kBoolean:
        if (value.is_bool()) return value;
        break;
      case Shape::Type::kInteger:
      case Shape::Type::kLong:
        if (value.is_integer()) return value;
        if (value.is_number() && std::fabs(value.AsDouble()) < 9e15)
          return Json(static_cast<int64_t>(value.AsDouble()));  // AWS cuts the fraction off
        break;
      case Shape::Type::kDouble:
      case Shape::Type::kFloat:
        if (value.is_number()) return value;
        if (shape.takes_non_finite && value.is_string() && IsNonFinite(value.AsString()))
          return value;
        break;
      case Shape::Type::kTimestamp:
        if (value.is_number()) return value;
        if (value.is_string()) {
          const Result<Time> time = ParseIso(value.AsString());
          if (time) return Json(SecondsSinceEpoch(*time));
        }
        break;
      case Shape::Type::kBlob:
        if (!value.is_string()) break;
        if (Unbase64(value.AsString())) return value;
        return Serialization("Input is not valid base64.");
      default: break;  // aggregates are not scalars
    }
    return WrongType(value, shape.type);
  }

  /// Findings of one member against its shape; a list or map of scalars answers for its items.
  void Constraints(const Shape& shape, const Json& value, const std::string& path) {
    const std::string shown = shape.is_sensitive ? "Value" : "Value '" + JavaText(value) + "'";
    for (std::string& text : BrokenConstraints(shape, value))
      findings_.push_back({shown, path, std::move(text)});
    if (shape.type == Shape::Type::kList && !IsAggregate(*shape.item.shape))
      for (const Json& item : value.items())
        if (!BrokenConstraints(*shape.item.shape, item).empty())
          return AddInner(shown, path, "Member must satisfy constraint: ", *shape.item.shape);
    if (shape.type != Shape::Type::kMap) return;
    for (const Json::Member& member : value.members()) {
      if (!BrokenConstraints(*shape.key.shape, Json(member.name)).empty())
        return AddInner(shown, path, "Map keys must satisfy constraint: ", *shape.key.shape);
      if (!IsAggregate(*shape.item.shape) &&
          !BrokenConstraints(*shape.item.shape, member.value).empty())
        return AddInner(shown, path, "Map value must satisfy constraint: ", *shape.item.shape);
    }
  }

  Result<> Findings() const {
    if (findings_.empty()) return Result<>();
    const std::string_view name = ValidationErrorName(model_);
    if (model_.service == "ecr") {
      const Finding& first = findings_.front();
      std::string rule = first.rule;
      rule.replace(0, std::string_view("Member ").size(), "");
      return Error{
          Code::kInvalid, std::string(name),
          "Invalid parameter at '" + first.path + "' failed to satisfy constraint: '" + rule + "'"};
    }
    std::string text = std::to_string(findings_.size()) + " validation error" +
                       (findings_.size() == 1 ? "" : "s") + " detected: ";
    for (size_t i = 0; i < std::min(findings_.size(), kFindingsMax); ++i) {
      const Finding& finding = findings_[i];
      text += (i == 0 ? "" : "; ") + finding.value + " at '" + finding.path +
              "' failed to satisfy constraint: " + finding.rule;
    }
    return Error{Code::kInvalid, std::string(name), std::move(text)};
  }

 private:
  Error Refused(const std::string& name, const std::string& at) const {
    if (model_.service == "s3")
      return Error{
          Code::kInvalid, "NotImplemented",
          "A parameter you provided implies functionality that is not implemented: " + name};
    return Error{Code::kInvalid, std::string(ValidationErrorName(model_)),
                 name + " is not supported by stepmill (" + at + ")"};
  }

  struct Finding {
    std::string value, path, rule;
  };

  static bool IsAggregate(const Shape& shape) {
    return shape.type == Shape::Type::kStructure || shape.type == Shape::Type::kList ||
           shape.type == Shape::Type::kMap;
  }

  static std::string Below(const std::string& path, std::string_view name) {
    std::string lower(name);
    if (!lower.empty() && lower[0] >= 'A' && lower[0] <= 'Z')
      lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
    return path.empty() ? lower : path + "." + lower;
  }

  void AddInner(const std::string& shown, const std::string& path, std::string_view lead,
                const Shape& shape) {
    findings_.push_back(
        {shown, path, std::string(lead) + "[" + Join(AllConstraints(shape), ", ") + "]"});
  }

  const ServiceModel& model_;
  std::vector<Finding> findings_;
};

}  // namespace

const ShapeMember* Shape::Find(std::string_view member) const {
  for (const ShapeMember& candidate : members)
    if (candidate.name == member) return &candidate;
  return nullptr;
}

std::string_view ModelOperation::input_stream() const {
  if (!input) return {};
  for (const ShapeMember& member : input->members)
    if (member.is_streaming) return member.name;
  // A blob that is the whole body streams too.
  const ShapeMember* payload = input->Find(input->payload);
  return payload && payload->shape->type == Shape::Type::kBlob ? payload->name : std::string_view();
}

std::string_view ModelOperation::output_stream() const {
  if (!output) return {};
  for (const ShapeMember& member : output->members)
    if (member.is_streaming) return member.name;
  const ShapeMember* payload = output->Find(output->payload);
  return payload && payload->shape->type == Shape::Type::kBlob ? payload->name : std::string_view();
}

const ModelOperation* ServiceModel::Find(std::string_view operation) const {
  const auto found = std::lower_bound(
      operations.begin(), operations.end(), operation,
      [](const ModelOperation& row, std::string_view name) { return row.name < name; });
  return found != operations.end() && found->name == operation ? &*found : nullptr;
}

bool ServiceModel::Speaks(Protocol other) const {
  return protocol == other ||
         std::find(protocols.begin(), protocols.end(), other) != protocols.end();
}

const Shape* ServiceModel::FindError(std::string_view name) const {
  for (const Shape* error : errors)
    if (error->name == name || error->error_code == name) return error;
  return nullptr;
}

std::string_view ValidationErrorName(const ServiceModel& model) {
  if (model.service == "logs" || model.service == "ecr") return "InvalidParameterException";
  if (model.service == "codebuild") return "InvalidInputException";
  if (model.protocol == ServiceModel::Protocol::kQuery) return "ValidationError";
  return "ValidationException";
}

Result<Json> CheckInput(const ServiceModel& model, const ModelOperation& operation,
                        const Json& input) {
  if (!operation.input) return Json(Json::Object{});
  Checker checker(model);
  const Json given = input.is_null() ? Json(Json::Object{}) : input;
  MILL_TRY(Json checked, checker.Structure(*operation.input, given, "", 0));
  // S3 answers for values itself, with errors of its own (InvalidArgument, MalformedXML).
  if (model.service != "s3") MILL_CHECK(checker.Findings());
  return checked;
}

}  // namespace stepmill
