#include "lang/asl/template.h"

#include "lang/asl/limits.h"
#include "lang/asl/query.h"

namespace stepmill::asl {
namespace {

// The failing place grows from the inside out.
Error Within(const std::string& step, Error error) {
  if (error.name == kQueryFailed) error.fields[1].second.insert(0, step);
  return error;
}

// Step Functions: "Transforming data with JSONata", reserved variable: which of its members a field
// offers. Everything else has no context item to stand on.
void CheckReferences(const Query& query, const QueryOffers& offers, const std::string& location,
                     const std::string& pointer, std::vector<TemplateProblem>& problems) {
  constexpr std::string_view kCode = "UNSUPPORTED_JSONATA_EXPRESSION";
  const std::string& reference = query.expression().context_reference();
  if (!reference.empty())
    problems.push_back(
        {std::string(kCode),
         "Reference to '" + reference +
             (reference == "$$" ? "' is not supported." : "' at the top level is not supported."),
         location, pointer});
  for (const std::string& member : query.expression().members_of("states")) {
    const bool is_offered = member.empty() || member == "input" || member == "context" ||
                            (member == "result" && offers.result) ||
                            (member == "errorOutput" && offers.error_output);
    if (!is_offered)
      problems.push_back({std::string(kCode), "Field '$states." + member + "' does not exist.",
                          location, pointer});
  }
}

}  // namespace

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
        Result<Json> made = value.Evaluate(scope);
        if (!made) return Within("/" + name, made.error());
        object.Add(name, *std::move(made));
      }
      return Json(std::move(object));
    }
    case Kind::kArray: {
      Json::Array array;
      array.reserve(items_.size());
      for (size_t i = 0; i < items_.size(); ++i) {
        Result<Json> made = items_[i].Evaluate(scope);
        if (!made) return Within("[" + std::to_string(i) + "]", made.error());
        array.push_back(*std::move(made));
      }
      return Json(std::move(array));
    }
    case Kind::kQuery: return query_->Evaluate(scope);
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

Template Template::CompileQueries(const Json& source, const QueryOffers& offers,
                                  std::vector<TemplateProblem>& problems) {
  return QueriesAt(source, offers, 0, "", "", problems);
}

Template Template::QueriesAt(const Json& source, const QueryOffers& offers, int depth,
                             const std::string& location, const std::string& pointer,
                             std::vector<TemplateProblem>& problems) {
  Template out;
  out.constant_ = source;
  if (depth > kTemplateDepthMax) {
    problems.push_back({"", "The template is nested too deeply", location, pointer});
    return out;
  }
  if (source.is_string()) {
    const std::string& text = source.AsString();
    if (!IsQueryText(text)) {
      if (text.starts_with("{%"))
        problems.push_back(
            {"", "JSONata string must start with {% and end with %}", location, pointer});
      return out;
    }
    Result<Query> query = Query::Compile(text);
    if (!query) {
      problems.push_back({"INVALID_JSONATA_EXPRESSION", query.error().message, location, pointer});
      return out;
    }
    CheckReferences(*query, offers, location, pointer, problems);
    out.kind_ = Kind::kQuery;
    out.query_ = std::make_shared<const Query>(*std::move(query));
    return out;
  }
  bool is_constant = true;
  if (source.is_object()) {
    out.kind_ = Kind::kObject;
    for (const Json::Member& member : source.members()) {
      Template inner = QueriesAt(member.value, offers, depth + 1, location + "/" + member.name,
                                 PointerAppend(pointer, member.name), problems);
      is_constant = is_constant && inner.is_constant();
      out.members_.emplace_back(member.name, std::move(inner));
    }
  } else if (source.is_array()) {
    out.kind_ = Kind::kArray;
    for (size_t i = 0; i < source.size(); ++i) {
      const std::string number = std::to_string(i);
      Template inner = QueriesAt(source.At(i), offers, depth + 1, location + "[" + number + "]",
                                 pointer + "/" + number, problems);
      is_constant = is_constant && inner.is_constant();
      out.items_.push_back(std::move(inner));
    }
  }
  if (is_constant) {
    out.kind_ = Kind::kConstant;
    out.items_.clear();
    if (depth > 0) out.members_.clear();
  }
  return out;
}

std::string Template::ShownExpression() const {
  return kind_ == Kind::kQuery ? query_->text() : constant_.Print();
}

void Template::CollectVariables(std::vector<std::string>& names) const {
  for (const Expression& expression : expression_) expression.CollectVariables(names);
  for (const auto& [name, value] : members_) value.CollectVariables(names);
  for (const Template& item : items_) item.CollectVariables(names);
  if (query_) query_->CollectVariables(names);
}

}  // namespace stepmill::asl
