#include "lang/asl/template.h"

#include "lang/asl/limits.h"

namespace stepmill::asl {

Result<Template> Template::Compile(const Json& source) { return CompileAt(source, 0); }

Result<Template> Template::CompileAt(const Json& source, int depth) {
  const auto bad = [](std::string_view field) {
    return Error{Code::kInvalid, "InvalidPath", std::string(field)};
  };
  if (depth > kTemplateDepthMax) return bad("nested too deeply");
  Template out;
  bool is_constant = true;
  if (source.is_object()) {
    for (const Json::Member& member : source.members()) {
      Template inner;
      std::string name = member.name;
      if (name.ends_with(".$")) {
        if (!member.value.is_string()) return bad(name);
        Result<Expression> expression = Expression::Compile(member.value.AsString());
        if (!expression) return bad(name);
        inner.kind_ = Kind::kExpression;
        inner.expression_.push_back(*std::move(expression));
        inner.field_ = name;
        name.resize(name.size() - 2);
      } else {
        MILL_TRY(inner, CompileAt(member.value, depth + 1));
      }
      for (const auto& [other, value] : out.members_)
        if (other == name) return bad(member.name);
      is_constant = is_constant && inner.is_constant();
      out.members_.emplace_back(std::move(name), std::move(inner));
    }
    out.kind_ = Kind::kObject;
  } else if (source.is_array()) {
    for (const Json& item : source.items()) {
      MILL_TRY(Template inner, CompileAt(item, depth + 1));
      is_constant = is_constant && inner.is_constant();
      out.items_.push_back(std::move(inner));
    }
    out.kind_ = Kind::kArray;
  }
  if (is_constant) {
    out.kind_ = Kind::kConstant;
    out.items_.clear();
    if (depth > 0) out.members_.clear();
  }
  out.constant_ = source;
  return out;
}

Result<Json> Template::Evaluate(const Scope& scope) const {
  switch (kind_) {
    case Kind::kConstant: return constant_;
    case Kind::kObject: {
      Json::Object object;
      object.members.reserve(members_.size());
      for (const auto& [name, value] : members_) {
        MILL_TRY(Json made, value.Evaluate(scope));
        object.Add(name, std::move(made));
      }
      return Json(std::move(object));
    }
    case Kind::kArray: {
      Json::Array array;
      array.reserve(items_.size());
      for (const Template& item : items_) {
        MILL_TRY(Json made, item.Evaluate(scope));
        array.push_back(std::move(made));
      }
      return Json(std::move(array));
    }
    case Kind::kExpression: break;
  }
  const Expression& expression = expression_[0];
  Result<Json> value = expression.Evaluate(scope);
  if (value || value.error().name != "PathNotFound") return value;
  const Json& root =
      expression.kind() == Expression::Kind::kContext ? scope.context.Context() : scope.input;
  return Error{Code::kInvalid, "States.Runtime",
               "The JSONPath '" + expression.text() + "' specified for the field '" + field_ +
                   "' could not be found in the input '" + root.Print() + "'"};
}

void Template::CollectVariables(std::vector<std::string>& names) const {
  for (const Expression& expression : expression_) expression.CollectVariables(names);
  for (const auto& [name, value] : members_) value.CollectVariables(names);
  for (const Template& item : items_) item.CollectVariables(names);
}

}  // namespace stepmill::asl
