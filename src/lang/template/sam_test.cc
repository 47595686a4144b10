#include "lang/template/sam.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/strings.h"
#include "base/test_paths.h"
#include "lang/template/document.h"

namespace stepmill::cfn {
namespace {

std::string FileText(const std::string& name) {
  std::ifstream file(SourceDir() + "/src/lang/template/cases/sam/" + name);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

Result<Json> Translated(const std::string& text) {
  MILL_TRY(const Json document, ParseDocument(text));
  return TranslateSam(document, SamOptions{});
}

void ExpectCase(const std::string& name) {
  const auto translated = Translated(FileText(name + ".yaml"));
  ASSERT_TRUE(translated) << translated.error().message;
  EXPECT_EQ(translated->PrintPretty() + "\n", FileText(name + ".json"));
}

TEST(Sam, TranslatesEveryPropertyAndEvent) { ExpectCase("everything"); }

TEST(Sam, KnowsThePolicyTemplates) { ExpectCase("policy_templates"); }

TEST(Sam, RefusesWithTheTextsOfAws) {
  const std::string text = FileText("errors.case");
  constexpr std::string_view kTemplate = "-- template --\n";
  constexpr std::string_view kError = "-- error --\n";
  size_t cases = 0;
  for (size_t at = text.find(kTemplate); at != std::string::npos; at = text.find(kTemplate, at)) {
    at += kTemplate.size();
    const size_t error = text.find(kError, at);
    const size_t end = std::min(text.find(kTemplate, error), text.size());
    const auto translated = Translated(text.substr(at, error - at));
    const std::string expected = text.substr(error + kError.size(), end - error - kError.size());
    EXPECT_EQ(translated ? translated->Print() : translated.error().message, Trim(expected));
    ++cases;
  }
  EXPECT_GT(cases, 30U);
}

TEST(Sam, OtherServerlessTypesAreNamed) {
  const auto translated =
      Translated("Resources:\n  A:\n    Type: AWS::Serverless::Api\n    Properties: {}\n");
  ASSERT_FALSE(translated);
  EXPECT_NE(translated.error().message.find("AWS::Serverless::Api"), std::string::npos);
}

TEST(Sam, DocumentErrorsSayWhere) {
  EXPECT_EQ(ParseDocument("a: [1\n").error().message,
            "Template format error: YAML not well-formed. (end of sequence flow not found at line "
            "2, column 1)");
  EXPECT_EQ(ParseDocument("{\"a\": 1").error().message.substr(0, 45),
            "Template format error: JSON not well-formed. ");
  EXPECT_EQ(ParseDocument("abc").error().message, "Template format error: unsupported structure.");
}

}  // namespace
}  // namespace stepmill::cfn
