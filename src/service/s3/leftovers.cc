#include "service/s3/leftovers.h"

#include <algorithm>
#include <memory>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/log.h"
#include "blob/owned_blobs.h"
#include "service/s3/documents.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::s3 {
namespace {

constexpr int kScanPage = 1000;
/// Parts become objects, objects earlier versions, and these objects again: in this order what
/// moves meanwhile is met.
constexpr std::string_view kScanned[] = {"part", "object", "version", "object"};

/// What this process stores while a search is on. Of the loop thread.
struct Writers {
  uint64_t last_serial = 0;
  std::set<uint64_t> active;
  std::unordered_set<std::string> finished;
  int searches = 0;  ///< as many as run; `finished` is kept only while one does
};
Writers& AllWriters() {
  static Writers writers;
  return writers;
}

Key KindPrefix(const std::string& account, std::string_view kind) {
  return MakeKey({account, "aws-global", "s3", kind}) + "/";  // see documents.h
}

/// Takes out of `unnamed` what documents under `prefix` name.
Task<> Scan(Store& store, Key prefix, std::unordered_set<std::string>& unnamed) {
  Key from = prefix;
  while (!unnamed.empty()) {
    MILL_CO_TRY(const std::vector<Document> page,
                co_await store.Range(from, PrefixEnd(prefix), Direction::kForward, kScanPage));
    for (const Document& document : page) {
      for (const std::string& blob : BlobsOf(document.body)) unnamed.erase(blob);
      unnamed.erase(document.body.StringOr("Blob", ""));  // a part's
    }
    if (page.size() < kScanPage) break;
    from = page.back().key + '\0';
  }
  co_return Result<>();
}

/// Whose buckets there are.
Task<std::set<std::string>> Accounts(Store& store) {
  std::set<std::string> accounts;
  const Key prefix = NameKey("");
  Key from = prefix;
  while (true) {
    MILL_CO_TRY(const std::vector<Document> page,
                co_await store.Range(from, PrefixEnd(prefix), Direction::kForward, kScanPage));
    for (const Document& document : page) accounts.insert(document.body.StringOr("Account", ""));
    if (page.size() < kScanPage) co_return accounts;
    from = page.back().key + '\0';
  }
}

Task<> Search(Ports& ports) {
  MILL_CO_TRY(const std::vector<BlobId> all, co_await ports.blobs.List());
  std::unordered_set<std::string> unnamed;
  for (const BlobId& id : all)
    if (OwnerOf(id) == kBlobOwner) unnamed.insert(id.value);
  // A blob may be in the list although its writer has not heard so yet.
  const std::set<uint64_t> active = AllWriters().active;
  const auto are_active = [&active] {
    return std::any_of(active.begin(), active.end(),
                       [](uint64_t serial) { return AllWriters().active.contains(serial); });
  };
  while (are_active()) {
    const Time later = ports.clock.Now() + std::chrono::seconds(1);
    MILL_CO_CHECK(co_await ports.clock.SleepUntil(later));
  }
  for (const std::string& blob : AllWriters().finished) unnamed.erase(blob);
  MILL_CO_TRY(const std::set<std::string> accounts, co_await Accounts(ports.store));
  for (const std::string& account : accounts) {
    for (const std::string_view kind : kScanned) {
      MILL_CO_CHECK(co_await Scan(ports.store, KindPrefix(account, kind), unnamed));
    }
  }
  for (const std::string& blob : unnamed) {
    const BlobId id{blob};
    MILL_CO_CHECK(co_await ports.blobs.Remove(id));
  }
  if (!unnamed.empty())
    MILL_LOG(kInfo, "s3: removed " + std::to_string(unnamed.size()) +
                        " blobs that an earlier run stored and never named");
  co_return Result<>();
}

/// A search that is on, as long as its coroutine lives.
struct Searching {
  Searching() { ++AllWriters().searches; }
  ~Searching() {
    if (--AllWriters().searches == 0) AllWriters().finished.clear();
  }
  Searching(const Searching&) = delete;
  Searching& operator=(const Searching&) = delete;
};

Task<> SearchOnce(Ports& ports, std::shared_ptr<Searching>) { co_return co_await Search(ports); }

}  // namespace

Storing::Storing() : serial_(++AllWriters().last_serial) { AllWriters().active.insert(serial_); }
Storing::~Storing() { AllWriters().active.erase(serial_); }
void Storing::Finished(const std::string& blob) {
  if (AllWriters().searches > 0) AllWriters().finished.insert(blob);
}

void SearchLeftovers(Ports& ports) {
  ports.spawner.Spawn("s3: search for leftovers", SearchOnce(ports, std::make_shared<Searching>()));
}

}  // namespace stepmill::s3
