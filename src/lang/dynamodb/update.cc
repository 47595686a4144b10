#include <algorithm>

#include "json/each.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/number.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {

namespace {

Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}
Error InvalidPath() {
  return Invalid("The document path provided in the update expression is invalid for update");
}
Error WrongOperand() {
  return Invalid("An operand in the update expression has an incorrect data type");
}

Result<Json> ValueOf(const Operand& operand, const Json& item);

Result<Json> Append(const Json& left, const Json& right) {
  if (TypeOf(left) != "L" || TypeOf(right) != "L") return WrongOperand();
  Json::Array items = left["L"].items();
  for (const Json& item : right["L"].items()) items.push_back(item);
  return Json(Json::Object{{"L", std::move(items)}});
}

Result<Json> AddNumbers(const Json& left, const Json& right, bool is_minus) {
  if (TypeOf(left) != "N" || TypeOf(right) != "N") return WrongOperand();
  MILL_TRY(const Number first, Number::Parse(left["N"].AsString()));
  MILL_TRY(const Number second, Number::Parse(right["N"].AsString()));
  MILL_TRY(const Number sum, Add(first, is_minus ? second.Negated() : second));
  return Json(Json::Object{{"N", sum.Print()}});
}

Result<Json> ValueOf(const Operand& operand, const Json& item) {
  if (operand.kind == Operand::Kind::kValue) return operand.value;
  if (operand.kind == Operand::Kind::kPath) {
    const Json* found = FindAt(item, operand.path);
    if (found) return *found;
    return Invalid(
        "The provided expression refers to an attribute that does not exist in the item");
  }
  if (operand.name == "if_not_exists") {
    const Json* found = FindAt(item, operand.operands[0].path);
    if (found) return *found;
    return ValueOf(operand.operands[1], item);
  }
  MILL_TRY(const Json left, ValueOf(operand.operands[0], item));
  MILL_TRY(const Json right, ValueOf(operand.operands[1], item));
  if (operand.name == "list_append") return Append(left, right);
  return AddNumbers(left, right, operand.name == "-");
}

/// `value` with what stands under path[at...] changed to `leaf`, or taken away when that is null.
Result<Json> Change(const Json& value, const Path& path, size_t at, const Json& leaf) {
  if (at == path.size()) return leaf;
  const PathPart& part = path[at];
  const bool is_last = at + 1 == path.size();
  const char* container = part.is_index() ? "L" : "M";
  const Json* inner = value.Find(container);
  if (!inner) return InvalidPath();
  if (!part.is_index()) {
    const Json* child = inner->Find(part.name);
    if (!child && !is_last) return InvalidPath();
    MILL_TRY(Json changed, Change(child ? *child : Json(), path, at + 1, leaf));
    return Json(
        Json::Object{{"M", changed.is_null() ? inner->Without(part.name)
                                             : inner->With(part.name, std::move(changed))}});
  }
  Json::Array items = inner->items();
  const auto index = static_cast<size_t>(part.index);
  if (index >= items.size()) {
    if (!is_last) return InvalidPath();
    if (!leaf.is_null()) items.push_back(leaf);
    return Json(Json::Object{{"L", std::move(items)}});
  }
  MILL_TRY(Json changed, Change(items[index], path, at + 1, leaf));
  if (changed.is_null())
    items.erase(items.begin() + part.index);
  else
    items[index] = std::move(changed);
  return Json(Json::Object{{"L", std::move(items)}});
}

Result<Json> Added(const Json* before, const Json& value) {
  if (!before) return value;
  const std::string_view type = TypeOf(value);
  if (type != TypeOf(*before)) return WrongOperand();
  if (type == "N") return AddNumbers(*before, value, false);
  Json::Array items = (*before)[type].items();
  for (const Json& item : value[type].items())
    if (std::find(items.begin(), items.end(), item) == items.end()) items.push_back(item);
  return Json(Json::Object{{std::string(type), std::move(items)}});
}

/// Null: nothing is left of the set.
Result<Json> Deleted(const Json* before, const Json& value) {
  if (!before) return Json();
  const std::string_view type = TypeOf(value);
  if (type != TypeOf(*before)) return WrongOperand();
  Json::Array items = (*before)[type].items();
  for (const Json& item : value[type].items())
    items.erase(std::remove(items.begin(), items.end(), item), items.end());
  if (items.empty()) return Json();
  return Json(Json::Object{{std::string(type), std::move(items)}});
}

/// Lists: what is appended goes in the order of the indexes, what is removed from the end.
bool GoesBefore(const Path& a, const Path& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const PathPart& x, const PathPart& y) {
                                        if (x.index != y.index) return x.index < y.index;
                                        return x.name < y.name;
                                      });
}

struct Written {
  const Path* path;
  Json value;  ///< null: removed
};

}  // namespace

Result<Json> Apply(const Update& update, const Json& item) {
  using Kind = UpdateAction::Kind;
  std::vector<Written> writes, removals;
  for (const UpdateAction& action : update) {
    const Json* before = FindAt(item, action.path);
    if (action.kind == Kind::kRemove) {
      removals.push_back({&action.path, Json()});
      continue;
    }
    if (action.kind == Kind::kSet) {
      MILL_TRY(Json value, ValueOf(action.value, item));
      writes.push_back({&action.path, std::move(value)});
      continue;
    }
    const bool is_add = action.kind == Kind::kAdd;
    MILL_TRY(Json value,
             is_add ? Added(before, action.value.value) : Deleted(before, action.value.value));
    if (!is_add && !before) continue;  // nothing to take away, whatever the path
    (value.is_null() ? removals : writes).push_back({&action.path, std::move(value)});
  }
  std::stable_sort(writes.begin(), writes.end(),
                   [](const Written& a, const Written& b) { return GoesBefore(*a.path, *b.path); });
  std::stable_sort(removals.begin(), removals.end(),
                   [](const Written& a, const Written& b) { return GoesBefore(*b.path, *a.path); });
  writes.insert(writes.end(), removals.begin(), removals.end());
  Json whole = Json::Object{{"M", item.is_null() ? Json(Json::Object{}) : item}};
  for (const Written& write : writes) {
    MILL_TRY(whole, Change(whole, *write.path, 0, write.value));
  }
  return whole["M"];
}

}  // namespace stepmill::dynamodb
