#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {

namespace {

/// The value of an operand; null: there is none.
Json ValueOf(const Operand& operand, const Json& item) {
  if (operand.kind == Operand::Kind::kValue) return operand.value;
  if (operand.kind == Operand::Kind::kPath) {
    const Json* found = FindAt(item, operand.path);
    return found ? *found : Json();
  }
  const Json value = ValueOf(operand.operands[0], item);  // size, the only function of a value
  const std::string_view type = TypeOf(value);
  size_t size = 0;
  if (type == "S")
    size = Utf16Length(value[type].AsString());
  else if (type == "B")
    size = Unbase64(value[type].AsString()).value_or("").size();
  else if (type.size() == 2 || type == "M" || type == "L")  // sets have types of two letters
    size = value[type].size();
  else
    return Json();
  return Json::Object{{"N", std::to_string(size)}};
}

bool Compare(std::string_view op, const Json& left, const Json& right) {
  if (left.is_null() || right.is_null()) return op == "<>";
  if (op == "=") return AreEqual(left, right);
  if (op == "<>") return !AreEqual(left, right);
  const auto order = CompareValues(left, right);
  if (!order) return false;
  if (op == "<") return *order < 0;
  if (op == "<=") return *order <= 0;
  return op == ">" ? *order > 0 : *order >= 0;
}

bool BeginsWith(const Json& value, const Json& start) {
  const std::string_view type = TypeOf(value);
  if (type != TypeOf(start)) return false;
  if (type == "S") return value[type].AsString().starts_with(start[type].AsString());
  if (type != "B") return false;
  return Unbase64(value[type].AsString())
      .value_or("")
      .starts_with(Unbase64(start[type].AsString()).value_or(""));
}

bool Contains(const Json& value, const Json& part) {
  const std::string_view type = TypeOf(value), wanted = TypeOf(part);
  if (type == "L")
    return std::any_of(value[type].items().begin(), value[type].items().end(),
                       [&](const Json& each) { return AreEqual(each, part); });
  if (wanted != "S" && wanted != "N" && wanted != "B") return false;
  if (type.size() == 2 && type.substr(0, 1) == wanted)  // a set of such
    return std::any_of(value[type].items().begin(), value[type].items().end(),
                       [&](const Json& each) { return each == part[wanted]; });
  if (type != wanted) return false;
  if (type == "S") return value[type].AsString().find(part[wanted].AsString()) != std::string::npos;
  if (type != "B") return false;
  return Unbase64(value[type].AsString())
             .value_or("")
             .find(Unbase64(part[wanted].AsString()).value_or("")) != std::string::npos;
}

bool MatchesFunction(const Condition& condition, const Json& item) {
  const Json first = ValueOf(condition.operands[0], item);
  if (condition.name == "attribute_exists") return !first.is_null();
  if (condition.name == "attribute_not_exists") return first.is_null();
  const Json second = ValueOf(condition.operands[1], item);
  if (first.is_null() || second.is_null()) return false;
  if (condition.name == "attribute_type") return TypeOf(first) == second.StringOr("S", "");
  if (condition.name == "begins_with") return BeginsWith(first, second);
  return Contains(first, second);
}

void Collect(const Operand& operand, std::set<std::string>& names) {
  if (operand.kind == Operand::Kind::kPath) names.insert(operand.path[0].name);
  for (const Operand& each : operand.operands) Collect(each, names);
}

/// The parts of a value under the paths, each from its step `at` on.
Json Pick(const Json& value, const std::vector<const Path*>& paths, size_t at);

/// What of `paths` leads to the child `part`.
std::vector<const Path*> Below(const std::vector<const Path*>& paths, size_t at,
                               const PathPart& part) {
  std::vector<const Path*> below;
  for (const Path* path : paths)
    if (at < path->size() && (*path)[at] == part) below.push_back(path);
  return below;
}

Json PickMembers(const Json& members, const std::vector<const Path*>& paths, size_t at) {
  Json::Object out;
  for (const Json::Member& member : MembersOf(members)) {
    const auto below = Below(paths, at, PathPart{member.name});
    if (below.empty()) continue;
    Json picked = Pick(member.value, below, at + 1);
    if (!picked.is_null()) out.Add(member.name, std::move(picked));
  }
  return out;
}

Json Pick(const Json& value, const std::vector<const Path*>& paths, size_t at) {
  for (const Path* path : paths)
    if (path->size() == at) return value;
  if (const Json* members = value.Find("M")) {
    Json picked = PickMembers(*members, paths, at);
    return picked.size() == 0 ? Json() : Json(Json::Object{{"M", std::move(picked)}});
  }
  const Json* items = value.Find("L");
  if (!items) return Json();
  Json::Array out;
  for (size_t i = 0; i < items->size(); ++i) {
    const auto below = Below(paths, at, PathPart{"", static_cast<int64_t>(i)});
    if (below.empty()) continue;
    Json picked = Pick(items->At(i), below, at + 1);
    if (!picked.is_null()) out.push_back(std::move(picked));
  }
  return out.empty() ? Json() : Json(Json::Object{{"L", std::move(out)}});
}

}  // namespace

const Json* FindAt(const Json& item, const Path& path) {
  const Json* at = item.Find(path[0].name);
  for (size_t i = 1; at && i < path.size(); ++i) {
    const Json* inner = at->Find(path[i].is_index() ? "L" : "M");
    if (!inner) return nullptr;
    if (!path[i].is_index())
      at = inner->Find(path[i].name);
    else
      at = static_cast<size_t>(path[i].index) < inner->size()
               ? &inner->At(static_cast<size_t>(path[i].index))
               : nullptr;
  }
  return at;
}

bool Matches(const Condition& condition, const Json& item) {
  using Kind = Condition::Kind;
  const auto matches = [&](const Condition& part) { return Matches(part, item); };
  const auto& parts = condition.parts;
  switch (condition.kind) {
    case Kind::kAnd: return std::all_of(parts.begin(), parts.end(), matches);
    case Kind::kOr: return std::any_of(parts.begin(), parts.end(), matches);
    case Kind::kNot: return !Matches(parts[0], item);
    case Kind::kFunction: return MatchesFunction(condition, item);
    default: break;  // those that begin with a value
  }
  const auto& operands = condition.operands;
  const Json first = ValueOf(operands[0], item);
  if (condition.kind == Kind::kCompare)
    return Compare(condition.name, first, ValueOf(operands[1], item));
  if (condition.kind == Kind::kBetween)
    return Compare(">=", first, ValueOf(operands[1], item)) &&
           Compare("<=", first, ValueOf(operands[2], item));
  return std::any_of(operands.begin() + 1, operands.end(),
                     [&](const Operand& each) { return Compare("=", first, ValueOf(each, item)); });
}

Json Project(const Json& item, const std::vector<Path>& paths) {
  std::vector<const Path*> all;
  for (const Path& path : paths) all.push_back(&path);
  return PickMembers(item, all, 0);
}

std::set<std::string> AttributesOf(const Condition& condition) {
  std::set<std::string> names;
  for (const Operand& operand : condition.operands) Collect(operand, names);
  for (const Condition& part : condition.parts) names.merge(AttributesOf(part));
  return names;
}

}  // namespace stepmill::dynamodb
