#include "base/test_cases.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "base/test_paths.h"

namespace stepmill {
namespace {

std::string_view HeaderOf(std::string_view line) {
  if (line.size() < 7 || !line.starts_with("-- ") || !line.ends_with(" --")) return {};
  return line.substr(3, line.size() - 6);
}

}  // namespace

std::string TestCase::Part(std::string_view part_name) const {
  for (const auto& [name, text] : parts)
    if (name == part_name) return text;
  return "";
}

bool TestCase::Has(std::string_view part_name) const {
  for (const auto& part : parts)
    if (part.first == part_name) return true;
  return false;
}

TestCase ParseTestCase(std::string_view text) {
  TestCase test;
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (const std::string_view line : Split(text, '\n')) {
    if (const std::string_view header = HeaderOf(line); !header.empty()) {
      test.parts.emplace_back(header, "");
    } else if (!test.parts.empty()) {
      test.parts.back().second.append(line).push_back('\n');
    } else if (line.starts_with("why:")) {
      test.why = Trim(line.substr(4));
    }
  }
  return test;
}

std::vector<TestCase> ReadTestCases(const std::string& folder) {
  std::vector<TestCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator(SourceDir() + "/" + folder)) {
    if (entry.path().extension() != ".case") continue;
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    cases.push_back(ParseTestCase(text.str()));
    cases.back().name = entry.path().stem().string();
    cases.back().path = entry.path().string();
  }
  std::sort(cases.begin(), cases.end(),
            [](const TestCase& a, const TestCase& b) { return a.name < b.name; });
  return cases;
}

bool UpdateTestCase(const TestCase& test, std::string_view part, std::string_view text) {
  if (!std::getenv("STEPMILL_UPDATE_CASES")) return false;
  std::ofstream out(test.path);
  out << "why: " << test.why << "\n";
  for (const auto& [name, old] : test.parts)
    out << "-- " << name << " --\n" << (name == part ? std::string(text) : old);
  return true;
}

}  // namespace stepmill
