#include <map>

#include "base/strings.h"
#include "json/each.h"
#include "lang/report/limits.h"
#include "lang/report/walk.h"

namespace stepmill::report {
namespace {

struct Counts {
  int64_t lines = 0, lines_missed = 0, branches = 0, branches_missed = 0;
};

Json ToJson(const std::string& path, const Counts& counts) {
  return Json::Object{{"filePath", std::string(TruncateUtf8(path, kNameBytesMax))},
                      {"linesCovered", counts.lines},
                      {"linesMissed", counts.lines_missed},
                      {"branchesCovered", counts.branches},
                      {"branchesMissed", counts.branches_missed}};
}

Error NotA(std::string_view what, const xml::Element& root) {
  return {Code::kInvalid, "InvalidReport",
          "expected " + std::string(what) + ", not <" + root.name + ">"};
}

/// Statements, methods and conditionals of a file's metrics.
Result<Items> ReadClover(const xml::Element& root) {
  if (root.name != "coverage") return NotA("<coverage>", root);
  Items items;
  Each(root, "file", [&](const xml::Element& file) {
    Counts counts;
    if (const xml::Element* metrics = file.Find("metrics")) {
      counts.lines = Count(*metrics, "coveredstatements") + Count(*metrics, "coveredmethods");
      counts.lines_missed = std::max<int64_t>(
          0, Count(*metrics, "statements") + Count(*metrics, "methods") - counts.lines);
      counts.branches = Count(*metrics, "coveredconditionals");
      counts.branches_missed =
          std::max<int64_t>(0, Count(*metrics, "conditionals") - counts.branches);
    }
    const std::string path = Attribute(file, "path");
    items.Add(ToJson(path.empty() ? Attribute(file, "name") : path, counts), kFilesMax);
  });
  return items;
}

/// A file may have several classes: their lines are counted together, each once.
Result<Items> ReadCobertura(const xml::Element& root) {
  if (root.name != "coverage") return NotA("<coverage>", root);
  struct Line {
    int64_t hits = 0, branches = 0, branches_missed = 0;
  };
  std::map<std::string, std::map<std::string, Line>> files;
  Each(root, "class", [&](const xml::Element& type) {
    auto& lines = files[Attribute(type, "filename")];
    Each(type, "line", [&](const xml::Element& found) {
      Line& line = lines[Attribute(found, "number")];
      line.hits = std::max(line.hits, Count(found, "hits"));
      // condition-coverage="50% (1/2)"
      const std::string condition = Attribute(found, "condition-coverage");
      const size_t open = condition.find('('), slash = condition.find('/');
      if (open == std::string::npos || slash == std::string::npos || slash < open) return;
      const int64_t covered =
          ParseInt(std::string_view(condition).substr(open + 1, slash - open - 1)).value_or(0);
      const size_t close = condition.find(')', slash);
      const int64_t all =
          close == std::string::npos
              ? 0
              : ParseInt(std::string_view(condition).substr(slash + 1, close - slash - 1))
                    .value_or(0);
      line.branches = std::max(line.branches, covered);
      line.branches_missed = std::max<int64_t>(0, all - line.branches);
    });
  });
  Items items;
  for (const auto& [path, lines] : files) {
    Counts counts;
    for (const auto& [number, line] : lines) {
      (line.hits > 0 ? counts.lines : counts.lines_missed) += 1;
      counts.branches += line.branches;
      counts.branches_missed += line.branches_missed;
    }
    items.Add(ToJson(path, counts), kFilesMax);
  }
  return items;
}

Result<Items> ReadJacoco(const xml::Element& root) {
  if (root.name != "report") return NotA("<report>", root);
  Items items;
  Each(root, "package", [&](const xml::Element& package) {
    for (const xml::Element& file : package.children) {
      if (file.name != "sourcefile") continue;
      Counts counts;
      for (const xml::Element& counter : file.children) {
        if (counter.name != "counter") continue;
        const std::string type = Attribute(counter, "type");
        if (type == "LINE") {
          counts.lines = Count(counter, "covered");
          counts.lines_missed = Count(counter, "missed");
        } else if (type == "BRANCH") {
          counts.branches = Count(counter, "covered");
          counts.branches_missed = Count(counter, "missed");
        }
      }
      items.Add(ToJson(Attribute(package, "name") + "/" + Attribute(file, "name"), counts),
                kFilesMax);
    }
  });
  return items;
}

}  // namespace

Result<Items> ReadCoverage(std::string_view format, const xml::Element& root) {
  if (format == "CLOVERXML") return ReadClover(root);
  if (format == "COBERTURAXML") return ReadCobertura(root);
  return ReadJacoco(root);
}

/// .resultset.json: {COMMAND: {"coverage": {PATH: [hits or null] or {"lines": [...]}}}}; coverage
/// of several commands adds up.
Result<Items> ReadSimpleCov(const Json& document) {
  if (!document.is_object())
    return Error{Code::kInvalid, "InvalidReport", "expected an object of commands"};
  std::map<std::string, std::vector<int64_t>> files;  // hits, -1: no code
  for (const auto& command : document.members()) {
    for (const auto& file : MembersOf(command.value["coverage"])) {
      const Json& lines = file.value.is_array() ? file.value : file.value["lines"];
      auto& hits = files[file.name];
      if (hits.size() < lines.size()) hits.resize(lines.size(), -1);
      for (size_t i = 0; i < lines.size(); ++i) {
        if (!lines.At(i).is_number()) continue;
        const double count = lines.At(i).AsDouble();
        hits[i] = std::max<int64_t>(0, hits[i]) + (count > 0 ? 1 : 0);
      }
    }
  }
  Items items;
  for (const auto& [path, hits] : files) {
    Counts counts;
    for (const int64_t count : hits) {
      counts.lines += count > 0 ? 1 : 0;
      counts.lines_missed += count == 0 ? 1 : 0;
    }
    items.Add(ToJson(path, counts), kFilesMax);
  }
  return items;
}

}  // namespace stepmill::report
