#include "lang/dynamodb/value.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "json/each.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/number.h"

namespace stepmill::dynamodb {

namespace {

constexpr std::string_view kTypes[] = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"};

Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
Error InvalidParameter(std::string message) {
  return Invalid("One or more parameter values were invalid: " + std::move(message));
}

std::string JoinTexts(const Json& items) {
  std::string out;
  for (const Json& item : ItemsOf(items)) out += (out.empty() ? "" : ", ") + item.AsString();
  return out;
}

bool HasTwice(const Json& items) {
  std::vector<std::string> sorted;
  for (const Json& item : ItemsOf(items)) sorted.push_back(item.AsString());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

Result<Json> CheckSet(std::string_view type, const Json& items) {
  if (items.size() == 0)
    return InvalidParameter(type == "SS"   ? "An string set  may not be empty"
                            : type == "NS" ? "An number set  may not be empty"
                                           : "Binary sets should not be empty");
  for (const Json& item : ItemsOf(items)) {
    if (!item.is_string()) return Invalid("An item of a set is no text");
    if (!item.AsString().empty()) continue;
    if (type == "SS")
      return InvalidParameter("An string set may not have a empty string as a member");
    if (type == "BS") return InvalidParameter("Binary sets may not contain null or empty values");
  }
  Json::Array checked;
  for (const Json& item : ItemsOf(items)) {
    if (type != "NS") {
      checked.push_back(item);
      continue;
    }
    MILL_TRY(const Number number, Number::Parse(item.AsString()));
    checked.push_back(Json(number.Print()));
  }
  Json all(std::move(checked));
  if (!HasTwice(all)) return all;
  if (type == "NS") return Invalid("Input collection contains duplicates");
  return InvalidParameter(
      "Input collection [" + JoinTexts(all) + "]" +
      (type == "BS" ? "of type BS contains duplicates." : " contains duplicates."));
}

Result<Json> Check(const Json& value, int depth);

Result<Json> CheckMembers(const Json& map, int depth) {
  Json::Object checked;
  for (const Json::Member& member : MembersOf(map)) {
    MILL_TRY(Json each, Check(member.value, depth));
    checked.Add(member.name, std::move(each));
  }
  return Json(std::move(checked));
}

Result<Json> CheckTyped(std::string_view type, const Json& value, int depth) {
  if (type == "N") {
    if (!value.is_string()) return Invalid("The parameter cannot be converted to a numeric value");
    MILL_TRY(const Number number, Number::Parse(value.AsString()));
    return Json(number.Print());
  }
  if (type == "SS" || type == "NS" || type == "BS") return CheckSet(type, value);
  if (type == "M") return CheckMembers(value, depth + 1);
  if (type == "L") {
    Json::Array checked;
    for (const Json& item : ItemsOf(value)) {
      MILL_TRY(Json each, Check(item, depth + 1));
      checked.push_back(std::move(each));
    }
    return Json(std::move(checked));
  }
  if (type == "NULL" && !(value.is_bool() && value.AsBool()))
    return InvalidParameter("Null attribute value types must have the value of true");
  return value;
}

Result<Json> Check(const Json& value, int depth) {
  if (depth > kValueDepthMax)
    return Invalid(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
        "beyond supported limit");
  if (!value.is_object() || value.size() == 0)
    return Invalid(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  Json checked;
  for (const Json::Member& member : value.members()) {
    if (std::find(std::begin(kTypes), std::end(kTypes), member.name) == std::end(kTypes))
      return Invalid(
          "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    MILL_TRY(Json typed, CheckTyped(member.name, member.value, depth));
    checked = Json::Object{{member.name, std::move(typed)}};
  }
  if (value.size() > 1)
    return Invalid(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
        "supported datatypes");
  return checked;
}

size_t Base64Bytes(const std::string& text) {
  size_t padding = 0;
  while (padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return text.size() / 4 * 3 - std::min<size_t>(padding, 2);
}

size_t SizeOfNumber(const std::string& text) {
  const auto number = Number::Parse(text);
  return number ? number->SizeInItem() : text.size();
}

size_t SizeOfValue(const Json& value);

size_t SizeOfText(std::string_view type, const std::string& text) {
  if (type.starts_with('N')) return SizeOfNumber(text);
  return type.starts_with('B') ? Base64Bytes(text) : text.size();
}

size_t SizeOfValue(const Json& value) {
  const std::string_view type = TypeOf(value);
  const Json& inner = value[type];
  if (type == "NULL" || type == "BOOL") return 1;
  if (type == "S" || type == "N" || type == "B") return SizeOfText(type, inner.AsString());
  size_t size = 0;
  if (type == "SS" || type == "NS" || type == "BS") {
    for (const Json& item : ItemsOf(inner)) size += SizeOfText(type, item.AsString());
    return size;
  }
  size = 3;
  for (const Json& item : ItemsOf(inner)) size += 1 + SizeOfValue(item);
  for (const Json::Member& member : MembersOf(inner))
    size += 1 + member.name.size() + SizeOfValue(member.value);
  return size;
}

}  // namespace

std::string_view TypeOf(const Json& value) {
  if (!value.is_object() || value.size() == 0) return "";
  const std::string& name = value.members().front().name;
  for (const std::string_view type : kTypes)
    if (type == name) return type;
  return "";
}

Result<Json> CheckValue(const Json& value) { return Check(value, 0); }

Result<Json> CheckItem(const Json& item) { return CheckMembers(item, 0); }

bool AreEqual(const Json& a, const Json& b) {
  const std::string_view type = TypeOf(a);
  if (type != TypeOf(b)) return false;
  const Json &left = a[type], &right = b[type];
  if (left.size() != right.size()) return false;
  if (type == "M")
    return std::all_of(left.members().begin(), left.members().end(), [&](const Json::Member& each) {
      const Json* other = right.Find(each.name);
      return other && AreEqual(each.value, *other);
    });
  if (type == "L")
    return std::equal(left.items().begin(), left.items().end(), right.items().begin(), AreEqual);
  if (type == "SS" || type == "NS" || type == "BS")
    return std::all_of(left.items().begin(), left.items().end(), [&](const Json& each) {
      return std::find(right.items().begin(), right.items().end(), each) != right.items().end();
    });
  return left == right;
}

std::optional<int> CompareValues(const Json& a, const Json& b) {
  const std::string_view type = TypeOf(a);
  if (type != TypeOf(b)) return std::nullopt;
  const Json &left = a[type], &right = b[type];
  if (type == "S") return left.AsString().compare(right.AsString());
  if (type == "B")
    return Unbase64(left.AsString()).value_or("").compare(Unbase64(right.AsString()).value_or(""));
  if (type != "N") return std::nullopt;
  const auto first = Number::Parse(left.AsString());
  const auto second = Number::Parse(right.AsString());
  if (!first || !second) return std::nullopt;
  return Compare(*first, *second);
}

size_t SizeOfItem(const Json& item) {
  size_t size = 0;
  for (const Json::Member& member : MembersOf(item))
    size += member.name.size() + SizeOfValue(member.value);
  return size;
}

}  // namespace stepmill::dynamodb
