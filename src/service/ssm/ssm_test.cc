#include "service/ssm/ssm.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"

namespace stepmill::ssm {
namespace {

class SsmTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("ssm", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *answer : Json();
  }
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
};

TEST_F(SsmTest, AnswersAsTheCasesSay) {
  RunServiceCases(world, "ssm", "service/ssm/cases/parameters.case");
}

TEST_F(SsmTest, KeepsAHundredVersionsAndRefusesToDropALabelledOne) {
  const Json put =
      Json::Object{{"Name", "x"}, {"Value", "v"}, {"Type", "String"}, {"Overwrite", true}};
  for (int i = 0; i < 101; ++i) Ask("PutParameter", put);
  EXPECT_EQ(world.Ask("ssm", "GetParameter", Json::Object{{"Name", "x:1"}}).error().name,
            "ParameterVersionNotFound");
  Ask("GetParameter", Json::Object{{"Name", "x:2"}});
  Ask("LabelParameterVersion",
      Json::Object{{"Name", "x"}, {"ParameterVersion", 2}, {"Labels", Json::Array{"keep"}}});
  const auto refused = world.Ask("ssm", "PutParameter", put);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "ParameterMaxVersionLimitExceeded");
}

TEST_F(SsmTest, TellsOfChangesAndKeepsSecretsOutOfTheStore) {
  Ask("PutParameter", Json::Object{{"Name", "s"}, {"Value", "the word"}, {"Type", "SecureString"}});
  ASSERT_EQ(world.events.size(), 1u);
  EXPECT_EQ(world.events[0].Print().find("the word"), std::string::npos);
  const auto all = world.Run(world.ports().store.Range("", "~", Direction::kForward, 100));
  ASSERT_TRUE(all);
  EXPECT_FALSE(all->empty());
  for (const Document& document : *all)
    EXPECT_EQ(document.body.Print().find("the word"), std::string::npos) << document.key;
}

TEST_F(SsmTest, RefusesLargeValuesByTier) {
  const std::string large(5000, 'x');
  const Json put = Json::Object{{"Name", "x"}, {"Value", large}, {"Type", "String"}};
  EXPECT_EQ(world.Ask("ssm", "PutParameter", put).error().name, "ValidationException");
  EXPECT_EQ(Ask("PutParameter", put.With("Tier", "Intelligent-Tiering")).StringOr("Tier", ""),
            "Advanced");
  const Json larger = put.With("Value", std::string(8193, 'x')).With("Overwrite", true);
  EXPECT_EQ(world.Ask("ssm", "PutParameter", larger).error().message,
            "Advanced tier parameters support a maximum parameter value of 8192 characters.");
}

}  // namespace
}  // namespace stepmill::ssm
