#include "lang/buildspec/cache.h"

#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "lang/buildspec/glob.h"
#include "lang/buildspec/script.h"

namespace stepmill::buildspec {
namespace {

constexpr std::string_view kWildcards = "*?[";
constexpr std::string_view kHashCall = "$(codebuild-hash-files ";

bool IsAbsolute(std::string_view pattern) { return pattern.starts_with('/'); }

std::string WithoutEndSlash(std::string text) {
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool CacheTakes(const Json& cache, std::string_view path, bool is_absolute) {
  for (const Json& item : ItemsOf(cache["paths"])) {
    std::string pattern = WithoutEndSlash(item.AsString());
    if (IsAbsolute(pattern) != is_absolute) continue;
    if (is_absolute) pattern.erase(0, 1);
    if (GlobMatch(pattern, path)) return true;
    const bool is_plain = pattern.find_first_of(kWildcards) == std::string::npos;
    if (is_plain && GlobMatch(pattern + "/**", path)) return true;
  }
  return false;
}

std::vector<std::string> CacheBases(const Json& cache, std::string_view own_folder) {
  std::vector<std::string> bases;
  for (const Json& item : ItemsOf(cache["paths"])) {
    std::string base = WithoutEndSlash(item.AsString());
    if (!IsAbsolute(base)) continue;
    if (const size_t wild = base.find_first_of(kWildcards); wild != std::string::npos)
      base = Parent(base.substr(0, wild));
    const std::string own(own_folder);
    const bool holds_own = base == "/" || own == base || own.starts_with(base + "/");
    const bool climbs = ("/" + base + "/").find("/../") != std::string::npos;
    if (holds_own || climbs || std::find(bases.begin(), bases.end(), base) != bases.end()) continue;
    bases.push_back(std::move(base));
  }
  return bases;
}

std::string CacheSaveScript(const Json& cache, std::string_view to_folder,
                            std::string_view own_folder) {
  const std::string to = std::string(to_folder) + "/abs";
  std::string script = "rm -rf " + ShellQuote(to_folder) + "\n";
  for (const std::string& base : CacheBases(cache, own_folder))
    script += "if [ -e " + ShellQuote(base) + " ]; then mkdir -p " + ShellQuote(to + Parent(base)) +
              " && cp -a " + ShellQuote(base) + " " + ShellQuote(to + Parent(base) + "/") +
              "; fi\n";
  return script;
}

std::string CacheRestoreScript(const Json& cache, std::string_view from_folder,
                               std::string_view source_folder, std::string_view own_folder) {
  std::string script;
  for (const std::string& base : CacheBases(cache, own_folder)) {
    const std::string from = ShellQuote(std::string(from_folder) + "/abs" + base);
    script += "if [ -d " + from + " ]; then mkdir -p " + ShellQuote(base) + " && cp -a " + from +
              "/. " + ShellQuote(base) + "; elif [ -e " + from + " ]; then mkdir -p " +
              ShellQuote(Parent(base)) + " && cp -a " + from + " " + ShellQuote(base) + "; fi\n";
  }
  const std::string relative = ShellQuote(std::string(from_folder) + "/rel");
  script += "if [ -d " + relative + " ]; then cp -a " + relative + "/. " +
            ShellQuote(source_folder) + "; fi\n";
  return script + "rm -rf " + ShellQuote(from_folder) + "\n";
}

std::string CachePathsText(const Json& cache) {
  std::vector<std::string> paths;
  for (const Json& item : ItemsOf(cache["paths"])) paths.push_back(item.AsString());
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const std::string& path : paths) text += path + "\n";
  return text;
}

std::vector<std::vector<std::string>> HashCalls(std::string_view key, std::string& replaced) {
  std::vector<std::vector<std::string>> calls;
  replaced.clear();
  while (!key.empty()) {
    const size_t at = key.find(kHashCall);
    const size_t end = at == key.npos ? at : key.find(')', at);
    if (end == key.npos) break;
    std::vector<std::string> patterns;
    const std::string_view inside = key.substr(at + kHashCall.size(), end - at - kHashCall.size());
    for (std::string_view word : Split(inside, ' ')) {
      while (!word.empty() && (word.front() == '"' || word.front() == '\'')) word.remove_prefix(1);
      while (!word.empty() && (word.back() == '"' || word.back() == '\'')) word.remove_suffix(1);
      if (!word.empty()) patterns.emplace_back(word);
    }
    replaced += std::string(key.substr(0, at)) + "@" + std::to_string(calls.size()) + "@";
    calls.push_back(std::move(patterns));
    key.remove_prefix(end + 1);
  }
  replaced += key;
  return calls;
}

}  // namespace stepmill::buildspec
