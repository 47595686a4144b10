#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "app/test_world.h"
#include "base/strings.h"
#include "base/test_paths.h"
#include "blob/memory/memory_blobs.h"

namespace stepmill {

/// Blobs in memory with ids of their own, for worlds that need some.
class CaseBlobs final : public MemoryBlobs {
 public:
  CaseBlobs() : MemoryBlobs(counter_) {}

 private:
  struct Counter : Random {
    uint64_t Next() override { return ++count; }
    uint64_t count = 0;
  } counter_;
};

/// Whether `got` has everything of `wanted`: members of objects that `wanted` leaves out do not
/// count, "*" stands for any value, arrays have the same length.
inline bool Fits(const Json& wanted, const Json& got) {
  if (wanted.is_string() && wanted.AsString() == "*") return true;
  if (wanted.is_object()) {
    if (!got.is_object()) return false;
    for (const Json::Member& member : wanted.members()) {
      const Json* value = got.Find(member.name);
      if (!value || !Fits(member.value, *value)) return false;
    }
    return true;
  }
  if (wanted.is_array()) {
    if (!got.is_array() || got.size() != wanted.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i)
      if (!Fits(wanted.At(i), got.At(i))) return false;
    return true;
  }
  return wanted == got;
}

/// Runs a case file against one service. A line is a call, then what comes of it; '#' and empty
/// lines do not count, and a line that begins with a blank goes on the one before:
///
///   > PutParameter {"Name": "a", "Value": "1", "Type": "String"}
///   < {"Version": 1}
///   > GetParameter {"Name": "b"}
///   ! ParameterNotFound: message (the whole text behind "! ", or its beginning before "..."; "\n"
///   is a new line) = token $.NextToken        keeps a member of the last answer; {{token}} stands
///   for it later
inline void RunServiceCases(TestWorld& world, const std::string& service, const std::string& path) {
  std::ifstream file(SourceDir() + "/src/" + path);
  ASSERT_TRUE(file.is_open()) << path;
  std::vector<std::pair<int, std::string>> lines;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ' ' && !lines.empty())
      lines.back().second += line.substr(line.find_first_not_of(' ') - 1);
    else
      lines.emplace_back(number, line);
  }
  std::vector<std::pair<std::string, std::string>> kept;
  Result<Json> last = Json();
  for (auto& [at, line] : lines) {
    const std::string where = path + ":" + std::to_string(at);
    for (const auto& [name, value] : kept) line = ReplaceAll(line, "{{" + name + "}}", value);
    const std::string rest = line.substr(std::min<size_t>(2, line.size()));
    if (line[0] == '>') {
      const size_t blank = rest.find(' ');
      const auto input = ParseJson(blank == std::string::npos ? "{}" : rest.substr(blank + 1));
      ASSERT_TRUE(input) << where << ": " << input.error().message;
      last = world.Ask(service, rest.substr(0, blank), *input);
    } else if (line[0] == '<') {
      const auto wanted = ParseJson(rest);
      ASSERT_TRUE(wanted) << where << ": " << wanted.error().message;
      ASSERT_TRUE(last) << where << ": " << last.error().name << ": " << last.error().message;
      EXPECT_TRUE(Fits(*wanted, *last))
          << where << "\n wanted " << rest << "\n got    " << last->Print();
    } else if (line[0] == '!') {
      const std::string wanted_text = ReplaceAll(rest, "\\n", "\n");
      ASSERT_FALSE(last) << where << ": accepted: " << last->Print();
      const std::string got = last.error().name + ": " + last.error().message;
      if (wanted_text.ends_with("...")) {
        const size_t length = wanted_text.size() - 3;
        EXPECT_EQ(got.substr(0, length), wanted_text.substr(0, length)) << where;
      } else {
        EXPECT_EQ(got, wanted_text) << where;
      }
    } else if (line[0] == '=') {
      const size_t blank = rest.find(' ');
      ASSERT_TRUE(last) << where;
      Json value = *last;
      const std::string member_path = rest.substr(blank + 3);
      for (const std::string_view part : Split(member_path, '.')) {
        const Json next =
            value.is_array() ? value.At(static_cast<size_t>(*ParseInt(part))) : value[part];
        value = next;
      }
      ASSERT_TRUE(value.is_string()) << where << ": " << last->Print();
      kept.emplace_back(rest.substr(0, blank), value.AsString());
    } else {
      FAIL() << where << ": " << line;
    }
  }
}

}  // namespace stepmill
