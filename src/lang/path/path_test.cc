#include "lang/path/path.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "base/test_paths.h"

namespace stepmill::path {
namespace {

// A line of a case file: PATH => RESULT, where RESULT is JSON, "error TEXT" (the message contains
// TEXT) or "put VALUE => RESULT".
struct Row {
  std::string path, want;
};

std::string Read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

void Check(const Json& data, const std::string& line) {
  SCOPED_TRACE(line);
  const size_t arrow = line.find(" => ");
  ASSERT_NE(arrow, std::string::npos);
  std::string text = line.substr(0, arrow);
  const std::string want = line.substr(arrow + 4);
  const size_t put = text.find(" := ");
  std::string value;
  if (put != std::string::npos) {
    value = text.substr(put + 4);
    text = text.substr(0, put);
  }
  Result<Path> path = Path::Compile(text);
  Result<Json> got = path ? Result<Json>(Json()) : Result<Json>(path.error());
  if (path && put != std::string::npos) {
    ASSERT_TRUE(path->is_reference());
    got = path->Put(data, ParseJson(value).value());
  } else if (path) {
    got = path->Evaluate(data);
  }
  if (want.starts_with("error ")) {
    ASSERT_FALSE(got.has_value()) << got->Print();
    EXPECT_NE(got.error().message.find(want.substr(6)), std::string::npos) << got.error().message;
  } else {
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->Print(), ParseJson(want).value().Print());
  }
}

TEST(Path, Cases) {
  int count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(SourceDir() + "/src/lang/path/cases")) {
    SCOPED_TRACE(file.path().filename().string());
    Json data;
    std::string section;
    std::string data_text;
    const std::string text = Read(file.path());
    for (const std::string_view line_view : Split(text, '\n')) {
      const std::string line(line_view);
      if (line.starts_with("-- ")) {
        section = line;
        if (section == "-- paths --") data = ParseJson(data_text).value();
      } else if (section == "-- data --") {
        data_text += line + "\n";
      } else if (section == "-- paths --" && !line.empty()) {
        Check(data, line);
        ++count;
      }
    }
  }
  EXPECT_GT(count, 40);
}

TEST(Path, ReferencePathsHaveOnlyNamesAndIndexes) {
  for (const char* text : {"$", "$.a", "$.a[0].b", "$['a b']"})
    EXPECT_TRUE(Path::Compile(text)->is_reference()) << text;
  for (const char* text : {"$..a", "$.a[*]", "$.a[0:1]", "$.a[?(@.b)]", "$['a','b']", "$.a[-1]"})
    EXPECT_FALSE(Path::Compile(text)->is_reference()) << text;
}

TEST(Path, LongAndDeepTextsAreRefused) {
  EXPECT_FALSE(Path::Compile("$" + std::string(20000, 'x')));
  std::string deep = "$[?(";
  for (int i = 0; i < 5000; ++i) deep += "(";
  EXPECT_FALSE(Path::Compile(deep));
  std::string nested = "$";
  for (int i = 0; i < 3000; ++i) nested += "[?(@";
  EXPECT_FALSE(Path::Compile(nested));
}

}  // namespace
}  // namespace stepmill::path
