// How many turns a second the store makes durable, beside a bare log of records of the same size
// and number a sync on the same disk, taken alternately. Prints one line of JSON.
//
//   stepmill_store_bench DIR [SECONDS=2]
//
// A turn is what the engine writes: a record of about 300 bytes, a document of about 300 bytes that
// changes, a due that goes and one that comes.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

using Steady = std::chrono::steady_clock;
constexpr size_t kRecordBytes = 300;
constexpr int kRuns = 3;

double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

/// Records a second of a preallocated file that is written and synced, `batch` records at a time.
double BareLog(const std::string& folder, size_t batch, double seconds) {
  const std::string path = folder + "/floor.log";
  constexpr off_t kFileBytes = 64 << 20;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  const std::vector<char> zeros(1 << 20, 0);
  for (off_t at = 0; at < kFileBytes; at += static_cast<off_t>(zeros.size()))
    if (pwrite(fd, zeros.data(), zeros.size(), at) < 0) std::abort();
  fsync(fd);
  const std::vector<char> block(kRecordBytes * batch, 'x');
  off_t at = 0;
  size_t syncs = 0;
  const auto start = Steady::now();
  while (SecondsSince(start) < seconds) {
    if (pwrite(fd, block.data(), block.size(), at) < 0 || fdatasync(fd) != 0) std::abort();
    ++syncs;
    at += static_cast<off_t>(block.size());
    if (at + static_cast<off_t>(block.size()) > kFileBytes) at = 0;
  }
  const double rate = static_cast<double>(syncs * batch) / SecondsSince(start);
  close(fd);
  unlink(path.c_str());
  return rate;
}

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
  const std::string path = folder + "/bench.db";
  for (const char* tail : {"", "-wal", "-shm", "-lock"}) std::filesystem::remove(path + tail);
  asio::io_context context;
  auto store = SqliteStore::Open(context.get_executor(), path, nullptr);
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

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Run(const std::string& folder, double seconds) {
  std::printf("[");
  const char* comma = "";
  for (const int chains : {1, 64}) {
    std::vector<double> store, floor;
    for (int run = 0; run < kRuns; ++run) {
      floor.push_back(BareLog(folder, static_cast<size_t>(chains), seconds));
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
