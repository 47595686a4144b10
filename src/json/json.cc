#include "json/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace stepmill {
namespace {

constexpr size_t kIndexedFrom = 12;  // members; below that a linear search wins

const Json& NullValue() {
  static const Json null;
  return null;
}

}  // namespace

struct Json::NumberNode : Node {
  double value;
  std::string text;
};
struct Json::StringNode : Node {
  std::string text;
};
struct Json::ArrayNode : Node {
  Array items;
};
struct Json::ObjectNode : Node {
  std::vector<Member> members;
  std::vector<uint32_t> by_name;  // positions sorted by name; empty for few members
};

Json::Json(unsigned long value) {
  if (value <= static_cast<unsigned long>(INT64_MAX)) {
    *this = Json(static_cast<int64_t>(value));
  } else {
    *this = NumberFromText(std::to_string(value));
  }
}

Json::Json(double value) {
  if (!std::isfinite(value)) return;
  if (value == std::floor(value) && std::abs(value) < 9007199254740992.0 &&
      !(value == 0 && std::signbit(value))) {
    tag_ = Tag::kInteger;
    bits_.integer = static_cast<int64_t>(value);
  } else {
    tag_ = Tag::kDouble;
    bits_.number = value;
  }
}

Json::Json(std::string_view value) : tag_(Tag::kString) {
  auto* node = new StringNode;
  node->text = value;
  bits_.node = node;
}

Json::Json(Array items) : tag_(Tag::kArray) {
  auto* node = new ArrayNode;
  node->items = std::move(items);
  bits_.node = node;
}

Json::Json(Object object) : tag_(Tag::kObject) {
  auto* node = new ObjectNode;
  node->members = std::move(object.members);
  if (node->members.size() >= kIndexedFrom) {
    node->by_name.resize(node->members.size());
    std::iota(node->by_name.begin(), node->by_name.end(), 0u);
    std::sort(node->by_name.begin(), node->by_name.end(), [&](uint32_t a, uint32_t b) {
      return node->members[a].name < node->members[b].name;
    });
  }
  bits_.node = node;
}

Json Json::NumberFromText(std::string_view text) {
  Json out;
  int64_t integer = 0;
  const char* end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, integer);
  if (failure == std::errc() && at == end && text != "-0") return Json(integer);
  auto* node = new NumberNode;
  node->text = text;
  const auto [at2, failure2] = std::from_chars(text.data(), end, node->value);
  MILL_ASSERT(at2 == end);
  if (failure2 == std::errc::result_out_of_range)
    node->value = std::strtod(node->text.c_str(), nullptr);
  out.tag_ = Tag::kNumberText;
  out.bits_.node = node;
  return out;
}

void Json::Destroy() {
  switch (tag_) {
    case Tag::kNumberText: delete static_cast<NumberNode*>(bits_.node); break;
    case Tag::kString: delete static_cast<StringNode*>(bits_.node); break;
    case Tag::kArray: delete static_cast<ArrayNode*>(bits_.node); break;
    case Tag::kObject: delete static_cast<ObjectNode*>(bits_.node); break;
    default: break;  // not shared: nothing to free
  }
}

Json::Kind Json::kind() const {
  constexpr Kind kKinds[] = {Kind::kNull,   Kind::kBool,   Kind::kNumber, Kind::kNumber,
                             Kind::kNumber, Kind::kString, Kind::kArray,  Kind::kObject};
  return kKinds[static_cast<int>(tag_)];
}

bool Json::AsBool() const { return MILL_ASSERT(is_bool()), bits_.boolean; }

double Json::AsDouble() const {
  if (tag_ == Tag::kInteger) return static_cast<double>(bits_.integer);
  if (tag_ == Tag::kDouble) return bits_.number;
  MILL_ASSERT(tag_ == Tag::kNumberText);
  return static_cast<NumberNode*>(bits_.node)->value;
}

int64_t Json::AsInteger() const { return MILL_ASSERT(is_integer()), bits_.integer; }

std::string Json::NumberText() const {
  if (tag_ == Tag::kInteger) return std::to_string(bits_.integer);
  if (tag_ == Tag::kNumberText) return static_cast<NumberNode*>(bits_.node)->text;
  MILL_ASSERT(tag_ == Tag::kDouble);
  char buffer[32];
  const auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, bits_.number);
  MILL_ASSERT(failure == std::errc());
  return std::string(buffer, end);
}

const std::string& Json::AsString() const& {
  return MILL_ASSERT(is_string()), static_cast<StringNode*>(bits_.node)->text;
}
const Json::Array& Json::items() const& {
  return MILL_ASSERT(is_array()), static_cast<ArrayNode*>(bits_.node)->items;
}
Json::Array Json::items() && { return std::as_const(*this).items(); }
std::vector<Json::Member> Json::members() && { return std::as_const(*this).members(); }
const std::vector<Json::Member>& Json::members() const& {
  return MILL_ASSERT(is_object()), static_cast<ObjectNode*>(bits_.node)->members;
}

size_t Json::size() const {
  return is_array() ? items().size() : is_object() ? members().size() : 0;
}

const Json& Json::At(size_t index) const& {
  return MILL_ASSERT(index < items().size()), items()[index];
}

const Json* Json::Find(std::string_view name) const {
  if (!is_object()) return nullptr;
  const auto* node = static_cast<ObjectNode*>(bits_.node);
  if (node->by_name.empty()) {
    for (const Member& member : node->members)
      if (member.name == name) return &member.value;
    return nullptr;
  }
  const auto at =
      std::lower_bound(node->by_name.begin(), node->by_name.end(), name,
                       [&](uint32_t i, std::string_view n) { return node->members[i].name < n; });
  if (at == node->by_name.end() || node->members[*at].name != name) return nullptr;
  return &node->members[*at].value;
}

const Json& Json::operator[](std::string_view name) const& {
  const Json* found = Find(name);
  return found ? *found : NullValue();
}

std::string Json::StringOr(std::string_view name, std::string_view other) const {
  const Json* found = Find(name);
  return found && found->is_string() ? found->AsString() : std::string(other);
}
int64_t Json::IntOr(std::string_view name, int64_t other) const {
  const Json* found = Find(name);
  return found && found->is_integer() ? found->AsInteger() : other;
}
bool Json::BoolOr(std::string_view name, bool other) const {
  const Json* found = Find(name);
  return found && found->is_bool() ? found->AsBool() : other;
}
Result<std::string> Json::RequireString(std::string_view name) const {
  const Json* found = Find(name);
  if (found && found->is_string()) return found->AsString();
  return Error{Code::kInvalid, "ValidationException", std::string(name) + " is required"};
}

Json Json::With(std::string_view name, Json value) const {
  Object object;
  if (!is_null()) object.members = members();
  object.Set(name, std::move(value));
  return object;
}

Json Json::Without(std::string_view name) const {
  if (!Has(name)) return *this;
  Object object;
  for (const Member& member : members())
    if (member.name != name) object.members.push_back(member);
  return object;
}

Json Json::Push(Json item) const {
  Array array;
  if (!is_null()) array = items();
  array.push_back(std::move(item));
  return array;
}

Json::Object::Object(std::initializer_list<Member> list) {
  members.reserve(list.size());
  for (const Member& member : list) Set(member.name, member.value);
}

void Json::Object::Set(std::string_view name, Json value) {
  for (Member& member : members) {
    if (member.name == name) {
      member.value = std::move(value);
      return;
    }
  }
  members.push_back({std::string(name), std::move(value)});
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) {
    if (is_integer() && other.is_integer()) return bits_.integer == other.bits_.integer;
    if (tag_ == Tag::kNumberText && other.tag_ == Tag::kNumberText &&
        NumberText() == other.NumberText())
      return true;
    return AsDouble() == other.AsDouble();
  }
  if (tag_ != other.tag_) return false;
  switch (tag_) {
    case Tag::kNull: return true;
    case Tag::kBool: return bits_.boolean == other.bits_.boolean;
    case Tag::kString: return bits_.node == other.bits_.node || AsString() == other.AsString();
    case Tag::kArray: return bits_.node == other.bits_.node || items() == other.items();
    default: break;  // objects below; numbers are done
  }
  if (bits_.node == other.bits_.node) return true;
  if (size() != other.size()) return false;
  for (const Member& member : members()) {
    const Json* found = other.Find(member.name);
    if (!found || !(*found == member.value)) return false;
  }
  return true;
}

std::string PointerAppend(std::string_view pointer, std::string_view part) {
  std::string out(pointer);
  out += '/';
  for (char c : part) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

}  // namespace stepmill
