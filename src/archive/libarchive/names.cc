#include "archive/libarchive/names.h"

#include <algorithm>

#include "base/strings.h"

namespace stepmill::archives {

Result<std::string> CleanPath(std::string_view path) {
  const auto refuse = [path](const char* why) {
    return Error{Code::kInvalid, "InvalidArchive",
                 "the archive's member \"" + std::string(path) + "\" " + why};
  };
  if (path.empty() || path.find('\0') != std::string_view::npos)
    return refuse("has no usable name");
  if (path.front() == '/') return refuse("has an absolute path");
  std::string clean;
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return refuse("leads out of its folder");
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  return clean;
}

Result<> CheckLink(std::string_view path, std::string_view target) {
  const Error refusal{Code::kInvalid, "InvalidArchive",
                      "the archive's link \"" + std::string(path) + "\" leads to \"" +
                          std::string(target) + "\", which may be outside of its folder"};
  if (target.empty() || target.front() == '/') return refusal;
  const auto depth = std::count(path.begin(), path.end(), '/');
  int64_t ups = 0;
  bool is_named = false;
  for (const std::string_view part : Split(target, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      is_named = true;
      continue;
    }
    // Behind a name, ".." goes up from wherever that name leads, which no reading of text tells.
    if (is_named || ++ups > depth) return refusal;
  }
  return {};
}

}  // namespace stepmill::archives
