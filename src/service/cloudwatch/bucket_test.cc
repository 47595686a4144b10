#include "service/cloudwatch/bucket.h"

#include <gtest/gtest.h>

namespace stepmill::cloudwatch {
namespace {

std::string Of(const Bucket& bucket, std::string_view name) {
  const auto statistic = Statistic::Parse(name);
  if (!statistic) return "no such";
  const auto value = statistic->Of(bucket);
  return value ? Json(*value).NumberText() : "none";
}

TEST(BucketTest, StatisticsOfOneToHundred) {
  Bucket bucket;
  for (int i = 100; i > 0; --i) bucket.Add(i, 1);
  const Bucket read = Bucket::FromJson(bucket.ToJson());
  EXPECT_EQ(Of(read, "SampleCount"), "100");
  EXPECT_EQ(Of(read, "Sum"), "5050");
  EXPECT_EQ(Of(read, "Average"), "50.5");
  EXPECT_EQ(Of(read, "Minimum"), "1");
  EXPECT_EQ(Of(read, "Maximum"), "100");
  EXPECT_EQ(Of(read, "p0"), "1");
  EXPECT_EQ(Of(read, "p50"), "50");
  EXPECT_EQ(Of(read, "p99"), "99");
  EXPECT_EQ(Of(read, "p99.9"), "100");
  EXPECT_EQ(Of(read, "p100"), "100");
  EXPECT_EQ(Of(read, "tm90"), "45.5");         // 1 to 90
  EXPECT_EQ(Of(read, "TM(10%:90%)"), "50.5");  // 11 to 90
  EXPECT_EQ(Of(read, "TM(:10)"), "5.5");
  EXPECT_EQ(Of(read, "tc90"), "90");
  EXPECT_EQ(Of(read, "TS(80:)"), "1810");  // 81 to 100
  EXPECT_EQ(Of(read, "IQM"), "50.5");
  EXPECT_EQ(Of(read, "PR(:25)"), "25");
  EXPECT_EQ(Of(read, "WM(10%:90%)"), "50.5");  // ten times 11, ten times 90
  for (const char* name : {"p101", "p", "average", "tm(1:2)", "TM()", "TM(90%:10%)", "PR(10%:20%)",
                           "pr50", "TM(10%:20)", "x99"})
    EXPECT_EQ(Of(read, name), "no such") << name;
}

TEST(BucketTest, SetsHaveNoPercentilesUnlessTheyAreValues) {
  Bucket bucket;
  bucket.Add(1, 3);
  bucket.AddSet(4, 20, 5, 5);
  EXPECT_EQ(Of(bucket, "p50"), "5");
  bucket.AddSet(1, 9, 9, 9);
  EXPECT_EQ(Of(bucket, "Maximum"), "9");
  EXPECT_EQ(Of(bucket, "p100"), "9");
  bucket.AddSet(2, 30, 10, 20);
  const Bucket read = Bucket::FromJson(bucket.ToJson());
  EXPECT_EQ(Of(read, "p50"), "none");
  EXPECT_EQ(Of(read, "SampleCount"), "10");
  EXPECT_EQ(Of(read, "Sum"), "62");
  EXPECT_EQ(Of(read, "Maximum"), "20");
  EXPECT_EQ(Of(Bucket{}, "Average"), "none");
}

TEST(BucketTest, TooManyValuesAreJoinedAndSumsStayRight) {
  Bucket bucket;
  const int count = 5000;
  for (int i = 1; i <= count; ++i) bucket.Add(i, 1);
  EXPECT_LE(bucket.values.size(), Bucket::kDistinctMax);
  EXPECT_EQ(Of(bucket, "Sum"), "12502500");
  EXPECT_EQ(Of(bucket, "Maximum"), "5000");
  EXPECT_NEAR(*Statistic::Parse("p50")->Of(bucket), count / 2, count * 0.01);
}

}  // namespace
}  // namespace stepmill::cloudwatch
