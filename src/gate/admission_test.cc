#include "gate/admission.h"

#include <gtest/gtest.h>

#include "task/fake_ports.h"

namespace stepmill {
namespace {

TEST(Admission, OneCallerDoesNotTakeThePlacesOfAnother) {
  FakeWorld world;
  Admission admission(world);
  std::vector<std::unique_ptr<Admission::Ticket>> tickets;
  const auto enter = [&](const std::string& caller) {
    auto ticket = admission.Enter(caller);
    if (!ticket) return ticket.error().name + ": " + ticket.error().message;
    tickets.push_back(*std::move(ticket));
    return std::string();
  };
  for (size_t i = 0; i < Admission::kCallsMax; ++i) ASSERT_EQ(enter("flood"), "");
  EXPECT_EQ(enter("flood"), "ThrottlingException: Rate exceeded");
  EXPECT_EQ(enter("other"), "");
  tickets.erase(tickets.begin() + 17);  // one has ended
  EXPECT_EQ(enter("flood"), "");
  EXPECT_EQ(enter("flood"), "ThrottlingException: Rate exceeded");
  // What has been under way for so long waits for something else.
  (void)world.Await(world.SleepUntil(world.Now() + Admission::kShort + Millis(1)));
  for (size_t i = 0; i < Admission::kCallsMax; ++i) ASSERT_EQ(enter("flood"), "");
  EXPECT_EQ(enter("flood"), "ThrottlingException: Rate exceeded");
  tickets.clear();
  EXPECT_EQ(enter("flood"), "");
}

}  // namespace
}  // namespace stepmill
