#include "wire/aws/decode.h"

#include <map>

#include "base/strings.h"
#include "lang/xml/xml.h"
#include "wire/aws/cbor.h"
#include "wire/aws/limits.h"
#include "wire/aws/text_value.h"

namespace stepmill::wire {

namespace {

using Protocol = ServiceModel::Protocol;
using Location = ShapeMember::Location;

/// A form's names taken apart at their dots.
struct FormNode {
  std::string value;
  bool has_value = false;
  std::map<std::string, FormNode> children;
};

Result<FormNode> TreeOf(const Form& form) {
  FormNode root;
  for (const auto& [name, value] : form) {
    const auto parts = Split(name, '.');
    if (parts.size() > kFormPartsMax)
      return Error{Code::kInvalid, "MalformedQueryString", "A parameter is nested too deeply."};
    FormNode* node = &root;
    for (const std::string_view part : parts) node = &node->children[std::string(part)];
    node->value = value;
    node->has_value = true;
  }
  return root;
}

/// Items "1", "2", ... in the order of their numbers.
std::vector<const FormNode*> Numbered(const FormNode& node) {
  std::map<int64_t, const FormNode*> ordered;
  for (const auto& [name, child] : node.children) {
    const auto index = ParseInt(name);
    if (index && *index > 0 && *index <= kFormItemsMax) ordered[*index] = &child;
  }
  std::vector<const FormNode*> items;
  for (const auto& [index, child] : ordered) items.push_back(child);
  return items;
}

/// The name that a flattened list's items have.
std::string_view FlatName(const ShapeMember& member) {
  return member.shape->item.location_name.empty() ? member.wire_name()
                                                  : member.shape->item.location_name;
}

Json FromForm(const ShapeMember& member, const FormNode& node);

Json StructureFromForm(const Shape& shape, const FormNode& node) {
  Json::Object out;
  for (const ShapeMember& member : shape.members) {
    auto found = node.children.find(std::string(member.name));
    if (found == node.children.end() && !member.location_name.empty())
      found = node.children.find(std::string(member.location_name));
    // A flattened list stands under the name of its items.
    if (found == node.children.end() && member.shape->type == Shape::Type::kList &&
        (member.is_flattened || member.shape->is_flattened))
      found = node.children.find(std::string(FlatName(member)));
    if (found != node.children.end())
      out.Add(std::string(member.name), FromForm(member, found->second));
  }
  return Json(std::move(out));
}

Json ListFromForm(const ShapeMember& member, const FormNode& node) {
  const Shape& shape = *member.shape;
  const FormNode* items = &node;
  if (!member.is_flattened && !shape.is_flattened) {
    const auto found = node.children.find(
        shape.item.location_name.empty() ? "member" : std::string(shape.item.location_name));
    if (found != node.children.end()) items = &found->second;
  }
  Json::Array out;
  for (const FormNode* item : Numbered(*items)) out.push_back(FromForm(shape.item, *item));
  return Json(std::move(out));
}

Json MapFromForm(const ShapeMember& member, const FormNode& node) {
  const Shape& shape = *member.shape;
  const FormNode* entries = &node;
  const auto found = node.children.find("entry");
  if (!member.is_flattened && !shape.is_flattened && found != node.children.end())
    entries = &found->second;
  Json::Object out;
  for (const FormNode* entry : Numbered(*entries)) {
    const auto key = entry->children.find(std::string(shape.key.wire_name()));
    const auto value = entry->children.find(std::string(shape.item.wire_name()));
    if (key != entry->children.end() && value != entry->children.end())
      out.Set(key->second.value, FromForm(shape.item, value->second));
  }
  return Json(std::move(out));
}

Json FromForm(const ShapeMember& member, const FormNode& node) {
  switch (member.shape->type) {
    case Shape::Type::kStructure: return StructureFromForm(*member.shape, node);
    case Shape::Type::kList: return ListFromForm(member, node);
    case Shape::Type::kMap: return MapFromForm(member, node);
    default: return ScalarFromText(*member.shape, node.value);
  }
}

Json FromXml(const ShapeMember& member, const xml::Element& element);

Json StructureFromXml(const Shape& shape, const xml::Element& element) {
  Json::Object out;
  for (const ShapeMember& member : shape.members) {
    if (member.location != Location::kBody) continue;
    if (member.is_attribute) {
      for (const auto& [name, value] : element.attributes)
        if (name == member.wire_name()) out.Add(std::string(member.name), Json(value));
      continue;
    }
    if (member.shape->type == Shape::Type::kList &&
        (member.is_flattened || member.shape->is_flattened)) {
      Json::Array items;
      for (const xml::Element& child : element.children)
        if (child.name == FlatName(member)) items.push_back(FromXml(member.shape->item, child));
      if (!items.empty()) out.Add(std::string(member.name), Json(std::move(items)));
      continue;
    }
    if (const xml::Element* child = element.Find(member.wire_name()))
      out.Add(std::string(member.name), FromXml(member, *child));
  }
  return Json(std::move(out));
}

Json FromXml(const ShapeMember& member, const xml::Element& element) {
  const Shape& shape = *member.shape;
  switch (shape.type) {
    case Shape::Type::kStructure: return StructureFromXml(shape, element);
    case Shape::Type::kList: {
      const std::string_view name =
          shape.item.location_name.empty() ? "member" : shape.item.location_name;
      Json::Array items;
      for (const xml::Element& child : element.children)
        if (child.name == name) items.push_back(FromXml(shape.item, child));
      return Json(std::move(items));
    }
    case Shape::Type::kMap: {
      Json::Object out;
      for (const xml::Element& entry : element.children) {
        const xml::Element* key = entry.Find(shape.key.wire_name());
        const xml::Element* value = entry.Find(shape.item.wire_name());
        if (key && value) out.Set(key->text, FromXml(shape.item, *value));
      }
      return Json(std::move(out));
    }
    default: return ScalarFromText(shape, element.text);
  }
}

Result<Json> DecodeJson(const std::string& body) {
  if (Trim(body).empty()) return Json(Json::Object{});
  auto parsed = ParseJson(body);
  if (!parsed) return Error{Code::kInvalid, "SerializationException", parsed.error().message};
  if (!parsed->is_object())
    return Error{Code::kInvalid, "SerializationException", "Unexpected field type"};
  return parsed;
}

Result<Json> DecodeQuery(const HttpRequest& request, Target& target, const std::string& body) {
  Form form = ParseForm(request.query);
  for (auto& field : ParseForm(body)) form.push_back(std::move(field));
  for (const auto& [name, value] : form)
    if (name == "Action") target.operation = value;
  if (target.operation.empty())
    return Error{Code::kInvalid, "MissingAction", "The request must contain the parameter Action."};
  target.model = target.service->model->Find(target.operation);
  target.unknown = target.operation;
  if (!target.model || !target.model->input) return Json(Json::Object{});
  MILL_TRY(const FormNode tree, TreeOf(form));
  return StructureFromForm(*target.model->input, tree);
}

/// Members that stand in the path, the query and the headers.
void DecodeLocations(const HttpRequest& request, const Target& target, Json::Object& out) {
  for (const ShapeMember& member : target.model->input->members) {
    const std::string name(member.name);
    const Shape& shape = *member.shape;
    if (member.location == Location::kUri) {
      const auto found = target.labels.find(std::string(member.wire_name()));
      if (found != target.labels.end()) out.Add(name, ScalarFromText(shape, found->second));
    } else if (member.location == Location::kQuery && shape.type == Shape::Type::kList) {
      Json::Array items;
      for (const auto& [key, value] : ParseForm(request.query))
        if (key == member.wire_name()) items.push_back(ScalarFromText(*shape.item.shape, value));
      if (!items.empty()) out.Add(name, Json(std::move(items)));
    } else if (member.location == Location::kQuery) {
      const auto value = request.Query(member.wire_name());
      if (value) out.Add(name, ScalarFromText(shape, *value));
    } else if (member.location == Location::kHeader && shape.type == Shape::Type::kList) {
      const std::string joined = request.headers.Joined(member.wire_name());
      Json::Array items;
      for (const std::string_view item : Split(joined, ','))
        if (!Trim(item).empty()) items.push_back(Json(Trim(item)));
      if (!items.empty()) out.Add(name, Json(std::move(items)));
    } else if (member.location == Location::kHeader) {
      if (request.headers.Has(member.wire_name()))
        out.Add(name, ScalarFromText(shape, request.headers.Get(member.wire_name())));
    } else if (member.location == Location::kHeaders) {
      Json::Object map;
      const std::string prefix = ToLower(member.wire_name());
      for (const auto& [key, value] : request.headers.fields())
        if (key.size() > prefix.size() && key.compare(0, prefix.size(), prefix) == 0)
          map.Set(key.substr(prefix.size()), Json(value));
      if (!map.members.empty()) out.Add(name, Json(std::move(map)));
    }
  }
}

Result<> DecodeBody(const Target& target, const std::string& body, Json::Object& out) {
  const Shape& input = *target.model->input;
  const bool is_xml = target.service->model->protocol == Protocol::kRestXml;
  if (!target.model->input_stream().empty() || Trim(body).empty()) return Result<>();
  const ShapeMember* payload = input.Find(input.payload);
  if (payload && payload->shape->type == Shape::Type::kString) {
    out.Add(std::string(payload->name), Json(body));
    return Result<>();
  }
  if (is_xml) {
    MILL_TRY(const xml::Element root, xml::Parse(body));
    if (payload) {
      out.Add(std::string(payload->name), FromXml(*payload, root));
      return Result<>();
    }
    const Json members = StructureFromXml(input, root);
    for (const Json::Member& member : members.members()) out.Set(member.name, member.value);
    return Result<>();
  }
  MILL_TRY(const Json parsed, DecodeJson(body));
  if (payload) {
    out.Add(std::string(payload->name), parsed);
    return Result<>();
  }
  for (const Json::Member& member : parsed.members()) {
    const ShapeMember* known = nullptr;
    for (const ShapeMember& candidate : input.members)
      if (candidate.location == Location::kBody && candidate.wire_name() == member.name)
        known = &candidate;
    if (known) out.Set(known->name, member.value);
  }
  return Result<>();
}

}  // namespace

Form ParseForm(std::string_view text) {
  Form form;
  for (const std::string_view part : Split(text, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    form.emplace_back(
        UrlDecode(part.substr(0, equals), true),
        equals == std::string_view::npos ? "" : UrlDecode(part.substr(equals + 1), true));
  }
  return form;
}

Result<Json> DecodeInput(const HttpRequest& request, Target& target, const std::string& body) {
  const Protocol protocol = target.protocol;
  if (protocol == Protocol::kJson) return DecodeJson(body);
  if (protocol == Protocol::kQuery) return DecodeQuery(request, target, body);
  Json::Object out;
  if (!target.model || !target.model->input) return Json(std::move(out));
  if (protocol == Protocol::kCbor)
    return body.empty() ? Result<Json>(std::move(out)) : DecodeCbor(*target.model->input, body);
  DecodeLocations(request, target, out);
  MILL_CHECK(DecodeBody(target, body, out));
  return Json(std::move(out));
}

}  // namespace stepmill::wire
