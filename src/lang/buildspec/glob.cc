#include "lang/buildspec/glob.h"

#include "base/strings.h"
#include "lang/buildspec/limits.h"

namespace stepmill::buildspec {
namespace {

/// One part against one part's pattern.
bool MatchPart(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    bool is_match = false;
    size_t width = 1;
    if (p < pattern.size()) {
      const char c = pattern[p];
      const size_t close = c == '[' ? pattern.find(']', p + 2) : std::string_view::npos;
      if (c == '?') {
        is_match = true;
      } else if (close != std::string_view::npos) {
        std::string_view set = pattern.substr(p + 1, close - p - 1);
        const bool is_negated = set[0] == '!' || set[0] == '^';
        if (is_negated) set.remove_prefix(1);
        bool is_in = false;
        for (size_t i = 0; i < set.size(); ++i) {
          if (i + 2 < set.size() && set[i + 1] == '-') {
            is_in = is_in || (set[i] <= text[t] && text[t] <= set[i + 2]);
            i += 2;
          } else {
            is_in = is_in || set[i] == text[t];
          }
        }
        is_match = is_in != is_negated;
        width = close - p + 1;
      } else {
        is_match = c == text[t];
      }
    }
    if (is_match) {
      p += width;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchParts(const std::vector<std::string_view>& pattern, size_t p,
                const std::vector<std::string_view>& path, size_t t, size_t& steps) {
  if (++steps > kGlobStepsMax) return false;
  while (p < pattern.size()) {
    if (pattern[p] == "**") {
      while (p < pattern.size() && pattern[p] == "**") ++p;
      if (p == pattern.size()) return t < path.size();
      for (; t < path.size(); ++t)
        if (MatchParts(pattern, p, path, t, steps)) return true;
      return false;
    }
    if (t >= path.size() || !MatchPart(pattern[p], path[t])) return false;
    ++p;
    ++t;
  }
  return t == path.size();
}

std::string_view Clean(std::string_view pattern) {
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  while (pattern.size() > 1 && pattern.ends_with('/')) pattern.remove_suffix(1);
  return pattern == "." ? std::string_view() : pattern;
}

/// How many parts of `path` the base directory (a path or a glob) takes; -1: not below it.
int BaseParts(std::string_view base, const std::vector<std::string_view>& path) {
  if (base.empty()) return 0;
  const auto pattern = Split(base, '/');
  size_t steps = 0;
  for (size_t n = 1; n < path.size(); ++n) {
    const std::vector<std::string_view> head(path.begin(), path.begin() + static_cast<long>(n));
    if (MatchParts(pattern, 0, head, 0, steps)) return static_cast<int>(n);
  }
  return -1;
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view path) {
  size_t steps = 0;
  return MatchParts(Split(Clean(pattern), '/'), 0, Split(path, '/'), 0, steps);
}

std::vector<Selected> SelectArtifacts(const Json& set, const std::vector<std::string>& paths) {
  std::vector<Selected> out;
  const std::string base_text = set.StringOr("baseDirectory", "");
  const std::string_view base = Clean(base_text);
  const bool discards_paths = set.BoolOr("discardPaths", false);
  for (const std::string& path : paths) {
    const auto parts = Split(path, '/');
    const int base_parts = BaseParts(base, parts);
    if (base_parts < 0) continue;
    std::string name;
    for (size_t i = static_cast<size_t>(base_parts); i < parts.size(); ++i)
      name += (name.empty() ? "" : "/") + std::string(parts[i]);
    bool is_in = false;
    for (const Json& pattern : set["files"].items())
      is_in = is_in || GlobMatch(pattern.AsString(), name);
    for (const Json& pattern : set["exclude"].items())
      is_in = is_in && !GlobMatch(pattern.AsString(), name);
    if (is_in) out.push_back({path, discards_paths ? std::string(parts.back()) : name});
  }
  return out;
}

}  // namespace stepmill::buildspec
