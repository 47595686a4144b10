#include "service/iam/iam.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"

namespace stepmill::iam {
namespace {

class IamTest : public testing::Test {
 protected:
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, [](const Json&, const Json&) { return false; }};
};

TEST_F(IamTest, Groups) { RunServiceCases(world, "iam", "service/iam/cases/groups.case"); }
TEST_F(IamTest, InstanceProfiles) {
  RunServiceCases(world, "iam", "service/iam/cases/instance_profiles.case");
}

}  // namespace
}  // namespace stepmill::iam
