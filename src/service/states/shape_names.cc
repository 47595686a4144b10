#include "service/states/shape_names.h"

#include <cctype>

#include "base/strings.h"
#include "base/time.h"

namespace stepmill::states {
namespace {

std::string Capitalised(std::string_view name) {
  std::string out(name);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

const ShapeMember* FindMember(const Shape& shape, std::string_view name) {
  for (const ShapeMember& member : shape.members)
    if (member.name == name || Capitalised(member.name) == name) return &member;
  return nullptr;
}

}  // namespace

Json ToService(const Shape& shape, const Json& value, std::vector<std::string>& unknown) {
  switch (shape.type) {
    case Shape::Type::kStructure: {
      if (!value.is_object()) return value;
      Json::Object out;
      for (const Json::Member& member : value.members()) {
        const ShapeMember* known = FindMember(shape, member.name);
        if (known)
          out.Set(known->name, ToService(*known->shape, member.value, unknown));
        else
          unknown.push_back(member.name);
      }
      return out;
    }
    case Shape::Type::kList: {
      if (!value.is_array()) return value;
      Json::Array out;
      for (const Json& item : value.items())
        out.push_back(ToService(*shape.item.shape, item, unknown));
      return out;
    }
    case Shape::Type::kMap: {
      if (!value.is_object()) return value;
      Json::Object out;
      for (const Json::Member& member : value.members())
        out.Add(member.name, ToService(*shape.item.shape, member.value, unknown));
      return out;
    }
    case Shape::Type::kString:
      // JSON-valued texts may be given as values ("MessageBody", "Input", "Detail").
      return value.is_string() || value.is_null() ? value : Json(value.Print());
    case Shape::Type::kTimestamp:
      if (value.is_string()) {
        const Result<Time> time = ParseIso(value.AsString());
        if (time) return Json(SecondsSinceEpoch(*time));
      }
      return value;
    default:  // numbers, booleans and blobs stand as they are
      return value;
  }
}

void FindUnknownNames(const Shape& shape, const Json& parameters,
                      std::vector<std::string>& unknown) {
  if (shape.type == Shape::Type::kStructure && parameters.is_object()) {
    for (const Json::Member& member : parameters.members()) {
      std::string_view name = member.name;
      const bool is_evaluated = name.ends_with(".$");
      if (is_evaluated) name.remove_suffix(2);
      const ShapeMember* known = FindMember(shape, name);
      if (!known)
        unknown.emplace_back(name);
      else if (!is_evaluated)
        FindUnknownNames(*known->shape, member.value, unknown);
    }
  } else if (shape.type == Shape::Type::kList && parameters.is_array()) {
    for (const Json& item : parameters.items()) FindUnknownNames(*shape.item.shape, item, unknown);
  } else if (shape.type == Shape::Type::kMap && parameters.is_object()) {
    for (const Json::Member& member : parameters.members())
      if (!member.name.ends_with(".$")) FindUnknownNames(*shape.item.shape, member.value, unknown);
  }
}

Json FromService(const Shape& shape, const Json& value, DateStyle dates) {
  if (shape.type == Shape::Type::kStructure && value.is_object()) {
    Json::Object out;
    for (const Json::Member& member : value.members()) {
      const ShapeMember* known = shape.Find(member.name);
      out.Add(Capitalised(member.name),
              known ? FromService(*known->shape, member.value, dates) : member.value);
    }
    // Free headers ("x-amz-meta-...") are a map that is always there.
    for (const ShapeMember& member : shape.members)
      if (member.location == ShapeMember::Location::kHeaders && !value.Has(member.name))
        out.Add(Capitalised(member.name), Json(Json::Object{}));
    return out;
  }
  if (shape.type == Shape::Type::kList && value.is_array()) {
    Json::Array out;
    for (const Json& item : value.items())
      out.push_back(FromService(*shape.item.shape, item, dates));
    return out;
  }
  if (shape.type == Shape::Type::kMap && value.is_object()) {
    Json::Object out;
    for (const Json::Member& member : value.members())
      out.Add(member.name, FromService(*shape.item.shape, member.value, dates));
    return out;
  }
  if (shape.type == Shape::Type::kTimestamp && value.is_number()) {
    const Time time = TimeFromSeconds(value.AsDouble());
    if (dates == DateStyle::kIso) return Json(FormatIso(time));
    return Json(MillisSinceEpoch(time));
  }
  return value;
}

namespace {

/// How many bytes the times in `value` take more than they are printed with here.
long TimeExcess(const Shape& shape, const Json& value) {
  long excess = 0;
  if (shape.type == Shape::Type::kStructure && value.is_object()) {
    for (const Json::Member& member : value.members())
      if (const ShapeMember* known = shape.Find(member.name))
        excess += TimeExcess(*known->shape, member.value);
  } else if (shape.type == Shape::Type::kList && value.is_array()) {
    for (const Json& item : value.items()) excess += TimeExcess(*shape.item.shape, item);
  } else if (shape.type == Shape::Type::kMap && value.is_object()) {
    for (const Json::Member& member : value.members())
      excess += TimeExcess(*shape.item.shape, member.value);
  } else if (shape.type == Shape::Type::kTimestamp && value.is_number()) {
    const std::string text = value.Print();
    const bool has_point = text.find('.') != std::string::npos;
    excess = has_point ? 2 : 3;  // "E9", and the point
  }
  return excess;
}

}  // namespace

size_t AwsJsonSize(const Shape& shape, const Json& value) {
  return static_cast<size_t>(static_cast<long>(value.Print().size()) + TimeExcess(shape, value));
}

}  // namespace stepmill::states
