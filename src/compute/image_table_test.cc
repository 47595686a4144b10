#include "compute/image_table.h"

#include <gtest/gtest.h>

namespace stepmill {
namespace {

TEST(ImageTable, PatternsAndNames) {
  EXPECT_TRUE(MatchesImageName("ubuntu-*", "ubuntu-22.04"));
  EXPECT_TRUE(MatchesImageName("aws/codebuild/*", "aws/codebuild/standard:5.0"));
  EXPECT_TRUE(MatchesImageName("*a*b", "xaxxb"));
  EXPECT_FALSE(MatchesImageName("ubuntu-*", "ubuntu"));
  EXPECT_EQ(FullImageName("python:3.8"), "docker.io/library/python:3.8");
  EXPECT_EQ(FullImageName("a/b"), "docker.io/a/b:latest");
  EXPECT_EQ(FullImageName("localhost/x"), "localhost/x:latest");
  EXPECT_EQ(FullImageName("host:5000/x@sha256:00"), "host:5000/x@sha256:00");
}

TEST(ImageTable, EcrNames) {
  const auto image = ParseEcrImage("000000000000.dkr.ecr.us-east-1.amazonaws.com/a/b:dev");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->account, "000000000000");
  EXPECT_EQ(image->region, "us-east-1");
  EXPECT_EQ(image->repository, "a/b");
  EXPECT_EQ(image->tag, "dev");
  EXPECT_EQ(ParseEcrImage("000000000000.dkr.ecr.us-east-1.amazonaws.com/a")->tag, "latest");
  EXPECT_FALSE(ParseEcrImage("python:3.8"));
  EXPECT_FALSE(ParseEcrImage("example.com/dkr.ecr"));
}

TEST(ImageTable, RefusesWhatItDoesNotKnow) {
  const Json json =
      ParseJson(R"({"image": [{"names": ["x"], "reference": "y", "tag": "z"}]})").value();
  const auto table = ImageTableFromJson(json);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().message, "images.toml: [[image]]: unknown key 'tag'");
}

}  // namespace
}  // namespace stepmill
