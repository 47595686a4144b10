#include <algorithm>

#include "json/each.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/workflow.h"

namespace stepmill::workflow {
namespace {

Error Fault(const std::string& what) { return Error{Code::kInvalid, "InvalidWorkflow", what}; }

/// Every member of `part` is in `whole` with the same value.
bool Contains(const Json& whole, const Json& part) {
  return std::all_of(part.members().begin(), part.members().end(), [&](const Json::Member& member) {
    const Json* value = whole.Find(member.name);
    return value && *value == member.value;
  });
}

Result<std::vector<Json>> Product(const Json& matrix) {
  std::vector<Json> out = {Json(Json::Object())};
  bool has_list = false;
  for (const auto& [name, values] : MembersOf(matrix)) {
    if (name == "include" || name == "exclude") continue;
    if (!values.is_array()) return Fault("matrix." + name + ": a sequence was expected");
    has_list = true;
    std::vector<Json> next;
    for (const Json& combination : out)
      for (const Json& value : ItemsOf(values)) {
        if (next.size() >= kMatrixMax * 16) return Fault("The matrix has too many combinations");
        next.push_back(combination.With(name, value));
      }
    out = std::move(next);
  }
  if (!has_list) out.clear();
  return out;
}

}  // namespace

Result<std::vector<Json>> ExpandMatrix(const Json& matrix) {
  if (matrix.is_null()) return std::vector<Json>{Json(Json::Object())};
  if (!matrix.is_object()) return Fault("matrix: a mapping was expected");
  MILL_TRY(std::vector<Json> jobs, Product(matrix));
  for (const char* list : {"exclude", "include"}) {
    const Json& entries = matrix[list];
    if (entries.is_null()) continue;
    if (!entries.is_array())
      return Fault(std::string("matrix.") + list + ": a sequence was expected");
    for (const Json& entry : ItemsOf(entries))
      if (!entry.is_object())
        return Fault(std::string("matrix.") + list + ": mappings were expected");
  }
  if (matrix.Has("exclude"))
    for (const Json& entry : ItemsOf(matrix["exclude"]))
      std::erase_if(jobs, [&](const Json& job) { return Contains(job, entry); });
  const std::vector<Json> originals = jobs;
  if (matrix.Has("include"))
    for (const Json& entry : ItemsOf(matrix["include"])) {
      bool is_added = false;
      for (size_t i = 0; i < originals.size(); ++i) {
        Json shared = Json::Object();
        for (const auto& member : MembersOf(entry))
          if (originals[i].Has(member.name)) shared = shared.With(member.name, member.value);
        if (!Contains(originals[i], shared)) continue;
        for (const auto& member : MembersOf(entry))
          jobs[i] = jobs[i].With(member.name, member.value);
        is_added = true;
      }
      if (!is_added) jobs.push_back(entry);
    }
  if (jobs.empty()) return Fault("Matrix vector does not contain any values");
  if (jobs.size() > kMatrixMax)
    return Error{Code::kLimit, "InvalidWorkflow",
                 "The matrix has " + std::to_string(jobs.size()) + " combinations, at most " +
                     std::to_string(kMatrixMax) + " are allowed"};
  return jobs;
}

}  // namespace stepmill::workflow
