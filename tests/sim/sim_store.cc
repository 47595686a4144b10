#include "sim_store.h"

namespace stepmill::sim {
namespace {

constexpr uint64_t kErrorOneIn = 400;  // groups, in runs with disk errors
constexpr uint64_t kSlowOneIn = 40;

}  // namespace

Task<> SimStore::Commit(Batch batch) {
  Batch kept = batch;
  MILL_CO_CHECK(co_await live_.Commit(std::move(batch)));
  if (!next_) next_ = std::make_shared<Group>();
  next_->batches.push_back(std::move(kept));
  const std::shared_ptr<Group> mine = next_;
  if (!writing_) side_.Spawn("write", Write());
  MILL_CO_CHECK(co_await mine->done.Wait());
  if (mine->has_failed)
    co_return Error{Code::kUnavailable, "StoreFailed", "the disk refused a write"};
  co_return Result<>();
}

Task<> SimStore::Write() {
  if (writing_) co_return Result<>();
  while (next_) {
    writing_ = std::move(next_);
    next_.reset();
    const int64_t ms = chance_.OneIn(kSlowOneIn) ? chance_.Between(50, 900) : chance_.Between(0, 6);
    const Time at = side_.Now() + Millis(ms);
    MILL_CO_CHECK(co_await side_.SleepUntil(at));
    if (has_errors_ && chance_.OneIn(kErrorOneIn)) {
      writing_->has_failed = true;
      failed_();
      writing_->done.Set();
      co_return Result<>();  // nothing is written any more
    }
    for (Batch& batch : writing_->batches) {
      Batch copy = batch;
      const auto written = co_await durable_.Commit(std::move(copy));
      MILL_ASSERT(written.has_value());  // it was checked in this order
    }
    writing_->batches.clear();
    writing_->done.Set();
    writing_.reset();
  }
  co_return Result<>();
}

std::vector<Batch> SimStore::TakeSurvivors() {
  std::vector<Batch> waiting;
  for (const auto& group : {writing_, next_})
    if (group) waiting.insert(waiting.end(), group->batches.begin(), group->batches.end());
  waiting.resize(waiting.empty() ? 0 : chance_.Below(waiting.size() + 1));
  return waiting;
}

Task<> SimStore::Settle() {
  const std::shared_ptr<Group> last = next_ ? next_ : writing_;
  if (last) MILL_CO_CHECK(co_await last->done.Wait());
  co_return Result<>();
}

/// The loop's other work may come between a read and its answer.
Task<> SimStore::Pause() {
  if (!chance_.OneIn(8)) co_return Result<>();
  const Time at = side_.Now() + Millis(chance_.Between(0, 2));
  co_return co_await side_.SleepUntil(at);
}

Task<std::optional<Document>> SimStore::Get(Key key) {
  auto found = co_await live_.Get(std::move(key));
  MILL_CO_CHECK(co_await Pause());
  co_return found;
}

Task<std::vector<Document>> SimStore::Range(Key from, Key to, Direction direction, int limit) {
  auto found = co_await live_.Range(std::move(from), std::move(to), direction, limit);
  MILL_CO_CHECK(co_await Pause());
  co_return found;
}

Task<std::vector<Record>> SimStore::Read(std::string stream, uint64_t from, Direction direction,
                                         int limit) {
  auto found = co_await live_.Read(std::move(stream), from, direction, limit);
  MILL_CO_CHECK(co_await Pause());
  co_return found;
}

Task<std::vector<Due>> SimStore::FindDue(Time after_at, std::string after_id, int limit) {
  auto found = co_await live_.FindDue(after_at, std::move(after_id), limit);
  MILL_CO_CHECK(co_await Pause());
  co_return found;
}

}  // namespace stepmill::sim
