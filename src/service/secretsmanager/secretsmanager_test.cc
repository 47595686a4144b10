#include "service/secretsmanager/secretsmanager.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"

namespace stepmill::secretsmanager {
namespace {

class SecretsManagerTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
};

TEST_F(SecretsManagerTest, AnswersAsTheCasesSay) {
  RunServiceCases(world, "secretsmanager", "service/secretsmanager/cases/secrets.case");
}

TEST_F(SecretsManagerTest, KeepsValuesOutOfTheStoreAndVersionsBounded) {
  const auto ask = [&](const char* operation, Json input) {
    const auto answer = world.Ask("secretsmanager", operation, std::move(input));
    EXPECT_TRUE(answer) << answer.error().message;
  };
  ask("CreateSecret", Json::Object{{"Name", "s"}, {"SecretString", "the word"}});
  for (int i = 0; i < 30; ++i)
    ask("PutSecretValue",
        Json::Object{{"SecretId", "s"}, {"SecretString", "the word " + std::to_string(i)}});
  const auto all = world.Run(world.ports().store.Range("", "~", Direction::kForward, 100));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 21u) << "the secret and twenty versions";
  for (const Document& document : *all)
    EXPECT_EQ(document.body.Print().find("the word"), std::string::npos) << document.key;
}

}  // namespace
}  // namespace stepmill::secretsmanager
