#include "lang/workflow/trigger.h"

#include <array>

#include "base/strings.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/workflow.h"

namespace stepmill::workflow {
namespace {

/// Backtracking matcher; `?` and `+` bind to the atom before them.
class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text) : pattern_(pattern), text_(text) {}
  bool Run() { return At(0, 0); }

 private:
  struct Atom {
    size_t end = 0;  ///< behind it in the pattern
    bool is_set = false;
  };

  Atom AtomAt(size_t p) const {
    if (pattern_[p] == '\\' && p + 1 < pattern_.size()) return {p + 2};
    if (pattern_[p] == '[')
      if (const size_t close = pattern_.find(']', p + 2); close != std::string_view::npos)
        return {close + 1, true};
    return {p + 1};
  }
  bool MatchesAtom(size_t p, const Atom& atom, char c) const {
    if (!atom.is_set) return pattern_[atom.end - 1] == c;
    const std::string_view set = pattern_.substr(p + 1, atom.end - p - 2);
    for (size_t i = 0; i < set.size(); ++i) {
      if (i + 2 < set.size() && set[i + 1] == '-') {
        if (set[i] <= c && c <= set[i + 2]) return true;
        i += 2;
      } else if (set[i] == c) {
        return true;
      }
    }
    return false;
  }

  bool At(size_t p, size_t t) {
    if (++steps_ > kPatternStepsMax) return false;
    if (p == pattern_.size()) return t == text_.size();
    if (pattern_[p] == '*') {
      const bool crosses = p + 1 < pattern_.size() && pattern_[p + 1] == '*';
      const size_t next = p + (crosses ? 2 : 1);
      // "**/x" also matches "x".
      if (crosses && next < pattern_.size() && pattern_[next] == '/' &&
          (t == 0 || text_[t - 1] == '/') && At(next + 1, t))
        return true;
      for (;; ++t) {
        if (At(next, t)) return true;
        if (t >= text_.size() || (!crosses && text_[t] == '/')) return false;
      }
    }
    const Atom atom = AtomAt(p);
    const char quantity = atom.end < pattern_.size() ? pattern_[atom.end] : '\0';
    const bool is_here = t < text_.size() && MatchesAtom(p, atom, text_[t]);
    if (quantity == '?') return (is_here && At(atom.end + 1, t + 1)) || At(atom.end + 1, t);
    if (quantity == '+') return is_here && (At(p, t + 1) || At(atom.end + 1, t + 1));
    return is_here && At(atom.end, t + 1);
  }

  std::string_view pattern_, text_;
  size_t steps_ = 0;
};

/// `include` and `ignore` names of one filter; true when there is neither.
bool Passes(const Json& filters, const char* include, const char* ignore, std::string_view text) {
  if (filters.Has(include)) return PatternsMatch(filters[include], text);
  if (filters.Has(ignore)) return !PatternsMatch(filters[ignore], text);
  return true;
}

bool PassesPaths(const Json& filters, const Happening& happening) {
  if (!happening.paths) return true;
  const bool has_include = filters.Has("paths"), has_ignore = filters.Has("paths-ignore");
  if (!has_include && !has_ignore) return true;
  for (const std::string& path : *happening.paths)
    if (Passes(filters, "paths", "paths-ignore", path)) return true;
  return false;
}

bool WantsPush(const Json& filters, const Happening& happening) {
  const bool names_branches = filters.Has("branches") || filters.Has("branches-ignore");
  const bool names_tags = filters.Has("tags") || filters.Has("tags-ignore");
  std::string_view ref = happening.ref;
  if (ref.starts_with("refs/tags/")) {
    if (names_branches && !names_tags) return false;
    return Passes(filters, "tags", "tags-ignore", ref.substr(10));  // paths do not filter tags
  }
  if (ref.starts_with("refs/heads/")) ref.remove_prefix(11);
  if (names_tags && !names_branches) return false;
  return Passes(filters, "branches", "branches-ignore", ref) && PassesPaths(filters, happening);
}

bool WantsPullRequest(const Json& filters, const Happening& happening) {
  const Json types = filters.Has("types") ? filters["types"]
                                          : Json(Json::Array{"opened", "synchronize", "reopened"});
  bool is_type = false;
  for (const Json& type : types.items()) is_type = is_type || type == Json(happening.action);
  return is_type && Passes(filters, "branches", "branches-ignore", happening.base_branch) &&
         PassesPaths(filters, happening);
}

}  // namespace

bool PatternMatch(std::string_view pattern, std::string_view text) {
  return Matcher(pattern, text).Run();
}

bool PatternsMatch(const Json& patterns, std::string_view text) {
  if (!patterns.is_array()) return false;
  bool is_in = false;
  for (const Json& item : patterns.items()) {
    const std::string& pattern = item.AsString();
    if (pattern.starts_with('!')) {
      if (PatternMatch(std::string_view(pattern).substr(1), text)) is_in = false;
    } else if (PatternMatch(pattern, text)) {
      is_in = true;
    }
  }
  return is_in;
}

bool Wants(const Json& on, const Happening& happening) {
  const Json* filters = on.Find(happening.event);
  if (!filters) return false;
  if (happening.event == "push") return WantsPush(*filters, happening);
  if (happening.event == "pull_request" || happening.event == "pull_request_target")
    return WantsPullRequest(*filters, happening);
  return true;
}

bool SkipsWorkflows(std::string_view message) {
  constexpr std::array<std::string_view, 5> kWords = {"[skip ci]", "[ci skip]", "[no ci]",
                                                      "[skip actions]", "[actions skip]"};
  const std::string text = ToLower(message);
  for (const auto word : kWords)
    if (text.find(word) != std::string::npos) return true;
  for (const auto line : Split(text, '\n'))
    if (Trim(line) == "skip-checks: true" || Trim(line) == "skip-checks:true") return true;
  return false;
}

Json GroupOf(const Json& concurrency) {
  const Json& named = concurrency.is_object() ? concurrency["group"] : concurrency;
  const std::string group = named.is_null() ? "" : ToLower(ToText(named));
  if (group.empty()) return Json();
  const bool cancels =
      concurrency.is_object() && ToText(concurrency["cancel-in-progress"]) == "true";
  return Json::Object{{"group", group}, {"cancels", cancels}};
}

}  // namespace stepmill::workflow
