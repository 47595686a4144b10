// How many turns a second the store makes durable, beside a bare log of records of the same size
// and number a sync on the same disk, taken alternately. Prints one line of JSON.
//
//   stepmill_store_bench DIR [SECONDS=2]
//
// A turn is what the engine writes: a record of about 300 bytes, a document of about 300 bytes that
// changes, a due that goes and one that comes.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "floor.h"
#include "store/journal/journal_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

using bench::Median;
using bench::SecondsSince;
using bench::Steady;
constexpr size_t kRecordBytes = 300;
constexpr int kRuns = 3;

struct Load {
  Store& store;
  Steady::time_point end;
  size_t turns = 0;
};

/// One execution after the other, a turn a commit, each waiting for its own.
Task<> Chain(Load& load, int chain) {
  const std::string text(kRecordBytes - 40, 'x');
  for (int turn = 0, execution = 0; Steady::now() < load.end; ++turn) {
    if (turn % 10 == 0) ++execution;
    const std::string id = std::to_string(chain) + "/" + std::to_string(execution);
    Batch batch;
    batch.AppendTo("x/" + id, Json::Object{{"turn", turn}, {"text", text}});
    batch.PutDocument("document/" + id, Json::Object{{"turn", turn}, {"text", text}});
    batch.due_removals.push_back("due/" + id + "/" + std::to_string(turn));
    batch.dues.push_back({"due/" + id + "/" + std::to_string(turn + 1), TimeFromMillis(turn),
                          "effect", Json::Object{{"turn", turn}}});
    MILL_CO_CHECK(co_await load.store.Commit(std::move(batch)));
    ++load.turns;
  }
  co_return Result<>();
}

/// Turns a second with `chains` of them in flight.
double Turns(const std::string& folder, int chains, double seconds) {
  const std::string path = folder + "/bench";
  std::filesystem::remove_all(path);
  asio::io_context context;
  auto store = JournalStore::OpenFolder(context.get_executor(), path, nullptr);
  if (!store) std::abort();
  const auto start = Steady::now();
  Load load{**store, start + std::chrono::duration_cast<Steady::duration>(
                                 std::chrono::duration<double>(seconds))};
  for (int chain = 0; chain < chains; ++chain)
    asio::co_spawn(context, Chain(load, chain), [](std::exception_ptr, const Result<>& result) {
      if (!result) std::abort();
    });
  context.run();
  return static_cast<double>(load.turns) / SecondsSince(start);
}

int Run(const std::string& folder, double seconds) {
  std::printf("[");
  const char* comma = "";
  for (const int chains : {1, 64}) {
    std::vector<double> store, floor;
    for (int run = 0; run < kRuns; ++run) {
      floor.push_back(
          bench::BareLog(folder, kRecordBytes, static_cast<size_t>(chains), seconds).records_per_s);
      store.push_back(Turns(folder, chains, seconds));
    }
    std::printf("%s{\"in_flight\": %d, \"turns_per_s\": %.0f, \"bare_log_records_per_s\": %.0f}",
                comma, chains, Median(store), Median(floor));
    comma = ", ";
  }
  std::printf("]\n");
  return 0;
}

}  // namespace
}  // namespace stepmill

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: stepmill_store_bench DIR [SECONDS]\n");
    return 2;
  }
  return stepmill::Run(argv[1], argc > 2 ? std::strtod(argv[2], nullptr) : 2);
}
