#include "gate/door.h"

#include <gtest/gtest.h>

#include "gate/audit.h"
#include "service/ports.h"
#include "store/events.h"
#include "store/memory/memory_store.h"
#include "task/fake_ports.h"

namespace stepmill {
namespace {

int g_runs = 0;  // of the handler, over all attempts

/// Counts a document up and announces it.
Task<Json> Count(Call& call) {
  ++g_runs;
  const Key key = call.KeyFor({"counter"});
  MILL_CO_TRY(const auto document, co_await call.ports.store.Get(key));
  const int64_t next = document ? document->body.AsInteger() + 1 : 1;
  if (document)
    call.batch.Replace(*document, next);
  else
    call.batch.Create(key, next);
  call.batch.events.push_back(
      MakeEvent("test", "Counted", call.account, call.region, {}, Json(next)));
  co_return Json::Object{{"count", next}};
}

Task<Json> Refuse(Call&) { co_return Error{Code::kNotFound, "ResourceNotFound", "no such thing"}; }

constexpr Operation kRows[] = {
    {.name = "Count", .handler = Count, .action = "test:Count", .is_internal = true},
    {.name = "Refuse",
     .handler = Refuse,
     .action = "test:Refuse",
     .access = Access::kRead,
     .is_internal = true},
};
const Service kService{.name = "test", .host = "test.example.com", .operations = kRows};

class DoorTest : public ::testing::Test {
 protected:
  DoorTest() { door.Add(kService), g_runs = 0; }

  Request Ask(std::string operation, std::string effect_id = "") {
    Request request;
    request.service = "test";
    request.operation = std::move(operation);
    request.principal = ServicePrincipal("test.example.com", "000000000000");
    request.account = "000000000000";
    request.region = "us-east-1";
    request.effect_id = std::move(effect_id);
    request.is_internal = true;
    return request;
  }
  Json Stored() {
    const auto document = world.Await(store.Get("000000000000/us-east-1/counter"));
    return document.value() ? (*document)->body : Json();
  }

  FakeWorld world;
  MemoryStore store;
  std::vector<Json> events;
  // What these rows do not reach is never looked at: a null reference would say so at once.
  template <class T>
  static T& None() {
    return *reinterpret_cast<T*>(alignof(std::max_align_t));
  }
  Ports ports{.store = store,
              .blobs = None<BlobStore>(),
              .archive = None<Archive>(),
              .repos = None<Repos>(),
              .backend = None<Backend>(),
              .engine = None<Engine>(),
              .clock = world,
              .random = world,
              .spawner = world,
              .vault = None<Vault>(),
              .web = None<WebClient>(),
              .door = door,
              .account = "000000000000",
              .region = "us-east-1",
              .data_dir = ""};
  Task<> Commit(Batch batch) {
    for (const OutgoingEvent& event : std::exchange(batch.events, {}))
      events.push_back(event.Document());
    co_return co_await store.Commit(std::move(batch));
  }
  Door door{ports, [this](Batch batch) { return Commit(std::move(batch)); }};
};

TEST_F(DoorTest, CommitsWritesEventsAndAuditTogether) {
  const auto answer = world.Await(door.Ask(Ask("Count")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->output["count"].AsInteger(), 1);
  EXPECT_EQ(Stored().AsInteger(), 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].StringOr("detail-type", ""), "Counted");
  const auto audit = world.Await(store.Read(kAuditStream, 1, Direction::kForward, 10));
  ASSERT_EQ(audit->size(), 1u);
  EXPECT_EQ((*audit)[0].body.StringOr("eventName", ""), "Count");
}

TEST_F(DoorTest, AnswersARepeatedEffectFromTheStore) {
  ASSERT_TRUE(world.Await(door.Ask(Ask("Count", "i1:t1"))));
  const auto repeat = world.Await(door.Ask(Ask("Count", "i1:t1")));
  ASSERT_TRUE(repeat);
  EXPECT_EQ(repeat->output["count"].AsInteger(), 1);
  EXPECT_EQ(g_runs, 1);
  EXPECT_EQ(Stored().AsInteger(), 1);
}

TEST_F(DoorTest, RunsAnewOnAConflict) {
  for (int i = 0; i < 5; ++i) {
    const auto ask = [](Door& door, Request request) -> Task<> {
      MILL_CO_CHECK(co_await door.Ask(std::move(request)));
      co_return Result<>();
    };
    world.Spawn("ask", ask(door, Ask("Count")));
  }
  world.Run();
  EXPECT_TRUE(world.errors.empty());
  EXPECT_EQ(Stored().AsInteger(), 5);
}

TEST_F(DoorTest, RefusesByName) {
  EXPECT_EQ(world.Await(door.Ask(Ask("Missing"))).error().name, "UnknownOperationException");
  Request wire = Ask("Count");
  wire.is_internal = false;
  EXPECT_EQ(world.Await(door.Ask(wire)).error().name, "UnknownOperationException");
  Request other = Ask("Count");
  other.account = "111111111111";
  EXPECT_EQ(world.Await(door.Ask(other)).error().name, "AccessDeniedException");
  EXPECT_EQ(world.Await(door.Ask(Ask("Refuse"))).error().name, "ResourceNotFound");
  EXPECT_TRUE(Stored().is_null());
}

TEST_F(DoorTest, AuditRecordsGoAfterTheirTime) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.Await(door.Ask(Ask("Count"))));
  const auto records = [&] {
    return world.Await(store.Read(kAuditStream, 1, Direction::kForward, 10))->size();
  };
  EXPECT_EQ(records(), 3U);
  ASSERT_TRUE(world.Await(TruncateAudit(store, world.Now() - std::chrono::hours(1))));
  EXPECT_EQ(records(), 3U);
  ASSERT_TRUE(world.Await(TruncateAudit(store, world.Now() + std::chrono::hours(1))));
  EXPECT_EQ(records(), 0U);
}

}  // namespace
}  // namespace stepmill
