#include "service/states/sweep.h"

namespace stepmill::states {
namespace {

constexpr int kSweepPage = 100;

Task<Json> Sweep(Ports& ports, Json what) {
  Key from = what.StringOr("prefix", "");
  const Key end = PrefixEnd(from);
  const std::string account = what.StringOr("account", "");
  const std::string region = what.StringOr("region", "");
  const std::string machine = what.StringOr("machine", "");
  for (;;) {
    MILL_CO_TRY(const auto page,
                co_await ports.store.Range(from, end, Direction::kForward, kSweepPage));
    Batch batch;
    for (const Document& entry : page) {
      const Key key = MakeKey(
          {account, region, "states", "execution", machine, entry.body.StringOr("name", "")});
      MILL_CO_TRY(const auto execution, co_await ports.store.Get(key));
      if (!execution || execution->body.StringOr("status", "") != "RUNNING") continue;
      if (execution->body.IntOr("startDate", 0) > what.IntOr("deletedAt", 0)) continue;
      ports.engine.Post(batch, execution->body.StringOr("executionArn", ""), "stop",
                        Json(Json::Object{}));
    }
    if (!batch.is_empty()) MILL_CO_CHECK(co_await ports.engine.Commit(std::move(batch)));
    if (page.size() < kSweepPage) co_return Json(Json::Object{});
    from = page.back().key + '\0';
  }
}

}  // namespace

Engine::Performer MakeSweepPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return Sweep(ports, std::move(performance.what));
  };
}

}  // namespace stepmill::states
