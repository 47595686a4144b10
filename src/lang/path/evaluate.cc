#include <algorithm>

#include "lang/path/limits.h"
#include "lang/path/path.h"
#include "lang/path/steps.h"

namespace stepmill::path {
namespace {

const Json* AtIndex(const Json& value, int64_t index) {
  if (!value.is_array()) return nullptr;
  const auto size = static_cast<int64_t>(value.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return nullptr;
  return &value.At(static_cast<size_t>(index));
}

const Json* FindFrom(const Json& root, const std::vector<Step>& steps) {
  const Json* at = &root;
  for (const Step& step : steps) {
    at = step.kind == Step::Kind::kName ? at->Find(step.name) : AtIndex(*at, step.index);
    if (!at) return nullptr;
  }
  return at;
}

/// Places inside the document that a path reads.
using Places = std::vector<const Json*>;

// The values that a path picks, in document order.
class Collector {
 public:
  explicit Collector(const Json& root) : root_(root) {}

  Result<Json::Array> Run(const Json& start, const std::vector<Step>& steps) {
    Places places{&start};
    for (const Step& step : steps) {
      Places next;
      next.reserve(places.size());
      for (const Json* place : places) {
        if (step.deep)
          Descend(*place, step, next, 0);
        else
          Pick(*place, step, next);
        if (next.size() > kMatchesMax || too_deep_)
          return Error{Code::kLimit, "InvalidPath", "the path matches too many values"};
      }
      places = std::move(next);
    }
    Json::Array values;
    values.reserve(places.size());
    for (const Json* place : places) values.push_back(*place);
    return values;
  }

 private:
  void Descend(const Json& value, const Step& step, Places& out, int depth) {
    if (depth > kDescentDepthMax || out.size() > kMatchesMax) {
      too_deep_ = true;
      return;
    }
    Pick(value, step, out);
    if (value.is_array())
      for (const Json& item : value.items()) Descend(item, step, out, depth + 1);
    if (value.is_object())
      for (const Json::Member& member : value.members())
        Descend(member.value, step, out, depth + 1);
  }

  void Pick(const Json& value, const Step& step, Places& out) {
    switch (step.kind) {
      case Step::Kind::kName:
        if (const Json* found = value.Find(step.name)) out.push_back(found);
        return;
      case Step::Kind::kNames:
        for (const std::string& name : step.names)
          if (const Json* found = value.Find(name)) out.push_back(found);
        return;
      case Step::Kind::kIndex:
        if (const Json* found = AtIndex(value, step.index)) out.push_back(found);
        return;
      case Step::Kind::kIndexes:
        for (const int64_t index : step.indexes)
          if (const Json* found = AtIndex(value, index)) out.push_back(found);
        return;
      case Step::Kind::kSlice: return Slice(value, step, out);
      case Step::Kind::kWildcard: return Children(value, out);
      case Step::Kind::kFilter: return FilterItems(value, step.filter[0], out);
    }
  }

  static void Children(const Json& value, Places& out) {
    if (out.empty()) out.reserve(value.size());
    if (value.is_array())
      for (const Json& item : value.items()) out.push_back(&item);
    if (value.is_object())
      for (const Json::Member& member : value.members()) out.push_back(&member.value);
  }

  static void Slice(const Json& value, const Step& step, Places& out) {
    if (!value.is_array()) return;
    const auto size = static_cast<int64_t>(value.size());
    int64_t from = step.from.value_or(0);
    int64_t to = step.to.value_or(size);
    if (from < 0) from = std::max<int64_t>(0, from + size);
    if (to < 0) to += size;
    to = std::min(to, size);
    for (int64_t i = from; i < to; ++i) out.push_back(&value.At(static_cast<size_t>(i)));
  }

  // A filter picks items of an array; an object is itself the only item.
  void FilterItems(const Json& value, const Filter& filter, Places& out) {
    if (value.is_array()) {
      for (const Json& item : value.items())
        if (Holds(item, filter)) out.push_back(&item);
    } else if (value.is_object() && Holds(value, filter)) {
      out.push_back(&value);
    }
  }

  bool Holds(const Json& item, const Filter& filter) {
    switch (filter.kind) {
      case Filter::Kind::kAnd: return Holds(item, filter.parts[0]) && Holds(item, filter.parts[1]);
      case Filter::Kind::kOr: return Holds(item, filter.parts[0]) || Holds(item, filter.parts[1]);
      case Filter::Kind::kNot: return !Holds(item, filter.parts[0]);
      case Filter::Kind::kExists: return Value(item, filter.operands[0]).has_value();
      case Filter::Kind::kCompare:
        return Compare(Value(item, filter.operands[0]), Value(item, filter.operands[1]),
                       filter.compare);
    }
    return false;
  }

  std::optional<Json> Value(const Json& item, const Operand& operand) {
    if (operand.kind == Operand::Kind::kLiteral) return operand.literal;
    const Json& start = operand.kind == Operand::Kind::kItem ? item : root_;
    if (IsDefinite(operand.steps)) {
      const Json* found = FindFrom(start, operand.steps);
      return found ? std::optional<Json>(*found) : std::nullopt;
    }
    Result<Json::Array> found = Run(start, operand.steps);
    if (!found || found->empty()) return std::nullopt;
    return Json(*std::move(found));
  }

  static bool Compare(const std::optional<Json>& a, const std::optional<Json>& b,
                      Filter::Compare how) {
    if (how == Filter::Compare::kEqual) return a && b && *a == *b;
    if (how == Filter::Compare::kNotEqual) return !(a && b && *a == *b);
    if (!a || !b) return false;
    int order = 0;
    if (a->is_number() && b->is_number())
      order = a->AsDouble() < b->AsDouble() ? -1 : a->AsDouble() > b->AsDouble();
    else if (a->is_string() && b->is_string())
      order = a->AsString().compare(b->AsString());
    else
      return false;
    switch (how) {
      case Filter::Compare::kLess: return order < 0;
      case Filter::Compare::kLessEqual: return order <= 0;
      case Filter::Compare::kGreater: return order > 0;
      default:  // kGreaterEqual: equality was answered above
        return order >= 0;
    }
  }

  const Json& root_;
  bool too_deep_ = false;
};

std::string Fragment(const Step& step) {
  if (step.kind == Step::Kind::kName) return "['" + step.name + "']";
  return "[" + std::to_string(step.index) + "]";
}

// The words of the library that the service uses (Jayway).
Error Missing(const Json& root, const std::vector<Step>& steps) {
  std::string upto = "$";
  const Json* at = &root;
  for (size_t i = 0; i < steps.size(); ++i) {
    upto += Fragment(steps[i]);
    at =
        steps[i].kind == Step::Kind::kName ? at->Find(steps[i].name) : AtIndex(*at, steps[i].index);
    if (at) continue;
    if (i + 1 < steps.size() && steps[i].kind == Step::Kind::kName)
      return Error{Code::kNotFound, "PathNotFound", "Missing property in path " + upto};
    for (size_t k = i + 1; k < steps.size(); ++k) upto += Fragment(steps[k]);
    break;
  }
  return Error{Code::kNotFound, "PathNotFound", "No results for path: " + upto};
}

Result<Json> PutAt(const Json& at, const std::vector<Step>& steps, size_t i, Json value,
                   const std::string& text) {
  if (i == steps.size()) return value;
  const Step& step = steps[i];
  if (step.kind == Step::Kind::kName) {
    if (!at.is_object() && !at.is_null())
      return Error{Code::kInvalid, "InvalidPath",
                   "Unable to apply ReferencePath " + text + ": " + Fragment(step) +
                       " is looked for in a value that is not an object"};
    const Json* inner = at.Find(step.name);
    MILL_TRY(Json changed, PutAt(inner ? *inner : Json(), steps, i + 1, std::move(value), text));
    return at.With(step.name, std::move(changed));
  }
  const Json* inner = AtIndex(at, step.index);
  if (!inner)
    return Error{Code::kInvalid, "InvalidPath",
                 "Unable to apply ReferencePath " + text + ": there is no item " + Fragment(step)};
  MILL_TRY(Json changed, PutAt(*inner, steps, i + 1, std::move(value), text));
  Json::Array items = at.items();
  items[static_cast<size_t>(step.index)] = std::move(changed);
  return Json(std::move(items));
}

}  // namespace

const Json* Path::Find(const Json& root) const {
  MILL_ASSERT(definite_);
  return FindFrom(root, *steps_);
}

Result<Json> Path::Evaluate(const Json& root) const {
  if (definite_) {
    if (const Json* found = FindFrom(root, *steps_)) return *found;
    return Missing(root, *steps_);
  }
  // ['a','b'] at the end of a path that is definite otherwise: an object of these members.
  const Step& last = steps_->back();
  if (last.kind == Step::Kind::kNames && !last.deep) {
    const std::vector<Step> before(steps_->begin(), steps_->end() - 1);
    if (IsDefinite(before)) {
      const Json* at = FindFrom(root, before);
      Json::Object picked;
      for (const std::string& name : last.names)
        if (at) picked.SetIf(name, at->Find(name));
      return Json(std::move(picked));
    }
  }
  MILL_TRY(Json::Array values, Collector(root).Run(root, *steps_));
  return Json(std::move(values));
}

Result<Json> Path::Put(const Json& root, Json value) const {
  MILL_ASSERT(reference_);
  return PutAt(root, *steps_, 0, std::move(value), text_);
}

}  // namespace stepmill::path
