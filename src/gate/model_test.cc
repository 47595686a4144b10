#include "gate/model.h"

#include <gtest/gtest.h>

#include "gate/constraint.h"

namespace stepmill {
namespace {

Result<Json> Check(const ServiceModel& model, std::string_view operation, std::string_view input) {
  const ModelOperation* row = model.Find(operation);
  MILL_ASSERT(row);
  return CheckInput(model, *row, *ParseJson(input));
}

TEST(Model, TablesAreComplete) {
  EXPECT_EQ(models::kSts.protocol, ServiceModel::Protocol::kQuery);
  const ModelOperation* put = models::kS3.Find("PutObject");
  ASSERT_TRUE(put);
  EXPECT_EQ(put->uri, "/{Bucket}/{Key+}");
  EXPECT_EQ(put->input_stream(), "Body");
  const ShapeMember* key = put->input->Find("Key");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->location, ShapeMember::Location::kUri);
  EXPECT_EQ(models::kIam.FindError("NoSuchEntity")->http_status, 404);
  EXPECT_EQ(models::kS3.Find("NoSuchOperation"), nullptr);
}

TEST(Model, UnknownAndNullMembersAreDropped) {
  const auto checked =
      Check(models::kIam, "GetRole", R"({"RoleName":"a","Strange":1,"Other":null})");
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->Print(), R"({"RoleName":"a"})");
}

TEST(Model, ConstraintsAreAwsTexts) {
  const auto missing = Check(models::kIam, "CreateRole", R"({"RoleName":"bad name"})");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().name, "ValidationError");
  EXPECT_EQ(missing.error().message,
            "2 validation errors detected: Value 'bad name' at 'roleName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+; Value null "
            "at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null");
  const auto small = Check(
      models::kSts, "AssumeRole",
      R"({"RoleArn":"arn:aws:iam::000000000000:role/r","RoleSessionName":"x1","DurationSeconds":1})");
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().message,
            "1 validation error detected: Value '1' at 'durationSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 900");
}

TEST(Model, WrongTypesAreSerializationExceptions) {
  const auto number = Check(models::kIam, "GetRole", R"({"RoleName":7})");
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().name, "SerializationException");
  EXPECT_EQ(number.error().message, "NUMBER_VALUE can not be converted to a String");
  const auto list = Check(models::kIam, "GetRole", R"({"RoleName":[]})");
  EXPECT_EQ(list.error().message, "Start of list found where not expected.");
}

TEST(Constraint, PatternsOfJavaAreRead) {
  EXPECT_TRUE(MatchesPattern(R"([\u0009\u000A\u0020-\u00FF]{1,2048})", "ok"));
  EXPECT_FALSE(MatchesPattern(R"([\u0009\u000A\u0020-\u00FF]{1,2048})", "日本"));
  EXPECT_TRUE(MatchesPattern("(?!x)a", "never read: the service answers"));
}

TEST(Model, MembersThatNoRowTakesAreRefusedByName) {
  const auto session = Check(
      models::kSts, "AssumeRole",
      R"({"RoleArn":"arn:aws:iam::000000000000:role/r","RoleSessionName":"s1","Policy":"{}"})");
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().name, "ValidationError");
  EXPECT_EQ(session.error().message, "Policy is not supported by stepmill (policy)");
  const auto target = Check(
      models::kEvents, "PutTargets",
      R"({"Rule":"r","Targets":[{"Id":"1","Arn":"a"},{"Id":"2","Arn":"b","KinesisParameters":{"PartitionKeyPath":"$.a"}}]})");
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().name, "ValidationException");
  EXPECT_EQ(target.error().message,
            "KinesisParameters is not supported by stepmill (targets.2.member.kinesisParameters)");
  const auto bucket =
      Check(models::kS3, "PutBucketVersioning",
            R"({"Bucket":"b","MFA":"1 2","VersioningConfiguration":{"Status":"Enabled"}})");
  ASSERT_FALSE(bucket);
  EXPECT_EQ(bucket.error().name, "NotImplemented");
}

TEST(Model, RefusedMembersThatAskForNothingAreDropped) {
  const auto checked =
      Check(models::kLogs, "DescribeLogGroups",
            R"({"includeLinkedAccounts":false,"accountIdentifiers":[],"limit":5})");
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->Print(), R"({"limit":5})");
  const auto asked = Check(models::kLogs, "DescribeLogGroups", R"({"includeLinkedAccounts":true})");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().name, "InvalidParameterException");
}

}  // namespace
}  // namespace stepmill
