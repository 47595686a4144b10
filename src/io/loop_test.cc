#include "io/loop.h"

#include <gtest/gtest.h>

namespace stepmill::io {
namespace {

Task<> Sleeper(Loop& loop, Time at, std::vector<int>& order, int mark) {
  MILL_CO_CHECK(co_await loop.clock().SleepUntil(at));
  order.push_back(mark);
  if (order.size() == 2) loop.Stop();
  co_return Result<>();
}

TEST(Loop, WakesInOrderOfTime) {
  Loop loop(1);
  const Time now = loop.clock().Now();
  std::vector<int> order;
  loop.spawner().Spawn("second", Sleeper(loop, now + Millis(2), order, 2));
  loop.spawner().Spawn("first", Sleeper(loop, now + Millis(1), order, 1));
  const uint64_t never = loop.clock().WakeAt(now, [&order] { order.push_back(9); });
  loop.clock().Cancel(never);
  loop.Run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

Task<> Computer(Loop& loop, int& out) {
  const auto work = [] { return Result<int>(41); };
  MILL_CO_TRY(const int value, co_await Offload(loop.pool(), work));
  out = value + 1;
  loop.Stop();
  co_return Result<>();
}

TEST(Loop, OffloadComesBackWithTheResult) {
  Loop loop(1);
  int out = 0;
  loop.spawner().Spawn("compute", Computer(loop, out));
  loop.Run();
  EXPECT_EQ(out, 42);
}

TEST(Loop, ChanceDiffers) {
  Loop loop(1);
  EXPECT_NE(loop.random().Next(), loop.random().Next());
  EXPECT_EQ(loop.random().NewUuid().size(), 36u);
}

}  // namespace
}  // namespace stepmill::io
