#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stepmill {

/// For tests only: a text case (`*.case`).
///
///     why: one line that says what is at stake
///     -- input.yml --
///     lines of the part named input.yml
///     -- expect --
///     lines of the part named expect
///
/// Parts keep their order; a part's text ends with the newline before the next header.
struct TestCase {
  std::string name;  ///< file name without ".case"
  std::string path;
  std::string why;
  std::vector<std::pair<std::string, std::string>> parts;

  /// A part's text; empty when there is no such part.
  std::string Part(std::string_view part_name) const;
  bool Has(std::string_view part_name) const;
};

TestCase ParseTestCase(std::string_view text);
/// All cases of a folder below the source tree ("src/lang/buildspec/cases"), sorted by name.
std::vector<TestCase> ReadTestCases(const std::string& folder);
/// With STEPMILL_UPDATE_CASES set: writes `text` as the part `part` into the case's file and
/// returns true, so that expected output is rewritten and read in review.
bool UpdateTestCase(const TestCase& test, std::string_view part, std::string_view text);

}  // namespace stepmill
