// A history that an earlier release wrote replays to the decisions that were taken then: what an
// instance did after each of its records must come out again, or a restart with a newer program
// would do things twice, or never. tests/replay/README.md says how the recordings are made.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/services.h"
#include "app/test_world.h"
#include "app/wiring.h"
#include "base/strings.h"
#include "base/test_paths.h"
#include "engine/turns.h"
#include "lang/asl/history.h"
#include "store/journal/journal_store.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

constexpr int kPage = 1000;
constexpr size_t kRecordingBytesMax = 150'000;

Json ListOf(const std::vector<std::string>& texts) {
  Json::Array list;
  for (const std::string& text : texts) list.push_back(Json(text));
  return Json(std::move(list));
}

/// What an execution keeps of its history is packed; it is recorded as its events are read.
Json ReadableHistory(const Json& history) {
  if (!history.Has("e")) return history;
  Json::Array events;
  for (const asl::HistoryEvent& event : asl::UnpackHistory(history))
    events.push_back(asl::HistoryToJson(event));
  return Json(std::move(events));
}

/// What a turn decides, whatever is empty left out.
Json DecisionsOf(const Turn& turn) {
  Json::Object all;
  const auto add = [&](const char* name, Json::Array list) {
    if (!list.empty()) all.Set(name, Json(std::move(list)));
  };
  Json::Array effects, timers, subscriptions, puts, appends, dues, events;
  for (const Effect& effect : turn.effects)
    effects.push_back(
        Json::Object{{"tag", effect.tag}, {"performer", effect.performer}, {"what", effect.what}});
  for (const Turn::Timer& timer : turn.timers)
    timers.push_back(Json::Object{{"id", timer.id}, {"at", MillisSinceEpoch(timer.at)}});
  for (const Turn::Subscription& each : turn.subscriptions)
    subscriptions.push_back(Json::Object{{"id", each.id}, {"pattern", each.pattern}});
  for (const Batch::Put& put : turn.writes.puts)
    puts.push_back(Json::Object{{"key", put.key}, {"body", put.body}});
  for (const Batch::Append& append : turn.writes.appends)
    appends.push_back(Json::Object{{"stream", append.stream}, {"body", append.body}});
  for (const Due& due : turn.writes.dues)
    dues.push_back(Json::Object{
        {"id", due.id}, {"at", MillisSinceEpoch(due.at)}, {"kind", due.kind}, {"body", due.body}});
  for (const OutgoingEvent& event : turn.writes.events) events.push_back(event.Document());
  add("effects", effects);
  add("effectCancels", ListOf(turn.effect_cancels).items());
  add("timers", timers);
  add("timerCancels", ListOf(turn.timer_cancels).items());
  add("subscriptions", subscriptions);
  add("unsubscriptions", ListOf(turn.unsubscriptions).items());
  add("puts", puts);
  add("deletes", ListOf(turn.writes.deletes).items());
  add("appends", appends);
  add("dues", dues);
  add("events", events);
  add("notices", ListOf(turn.writes.notices).items());
  if (!turn.history.is_null()) all.Set("history", ReadableHistory(turn.history));
  if (turn.is_finished) all.Set("finished", true);
  return Json(std::move(all));
}

Event EventOf(const Json& record, const Json& shared) {
  Event event;
  event.kind = record.StringOr("k", "");
  event.at = TimeFromMillis(record.IntOr("at", 0));
  event.entropy = std::stoull(record["n"].NumberText());
  event.data = record["d"];
  event.shared = shared;
  return event;
}

bool NobodyWants(const Json&, const Json&) { return false; }

std::string Folder() { return SourceDir() + "/tests/replay"; }

TEST(Replay, HistoriesOfEarlierReleasesGiveTheirDecisionsAgain) {
  TestWorld world(AllServices(), nullptr, nullptr, NobodyWants);
  int count = 0;
  for (const auto& entry : fs::directory_iterator(Folder())) {
    if (entry.path().extension() != ".jsonl") continue;
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path());
    std::string line;
    ASSERT_TRUE(std::getline(file, line));
    const Json head = ParseJson(line).value();
    const Machine* machine = world.engine().FindMachine(head.StringOr("machine", ""));
    ASSERT_TRUE(machine) << head.Print();
    const auto instance = machine->Create(head.StringOr("instance", ""));
    for (int number = 2; std::getline(file, line); ++number) {
      const Json step = ParseJson(line).value();
      const Turn turn = instance->Advance(EventOf(step["record"], step["shared"]));
      EXPECT_EQ(DecisionsOf(turn).Print(), step["decisions"].Print()) << "line " << number;
    }
    ++count;
  }
  EXPECT_GT(count, 0);
}

/// Of each machine (of executions: of each state machine) the longest that is not too long. DATA: a
/// data folder whose server has stopped; the recordings go to the folder REPLAY_OUT.
TEST(Replay, DISABLED_Record) {
  const std::string data = std::getenv("DATA"), out = std::getenv("REPLAY_OUT");
  TestWorld world(AllServices(), nullptr, nullptr, NobodyWants);
  asio::io_context context;
  auto plain = JournalStore::OpenFolder(context.get_executor(), data + "/store", {});
  ASSERT_TRUE(plain) << plain.error().message;
  std::ostringstream key;
  key << std::ifstream(data + "/key", std::ios::binary).rdbuf();
  const Vault vault(Secret(key.str()));
  SealedStore store(**plain, vault, IsKeptSealed);
  std::map<std::string, std::string> best;  // recordings by what they are of
  Key from = InstanceKey("");
  const Key to = PrefixEnd(from);
  for (;;) {
    const auto page =
        RunBlocking(context, store.Range(from, to, Direction::kForward, kPage)).value();
    for (const Document& document : page) {
      const std::string id = KeyParts(document.key).back();
      const std::string name = document.body.StringOr("machine", "");
      const auto records =
          RunBlocking(context, store.Read("i/" + id, 1, Direction::kForward, kPage)).value();
      const auto instance = world.engine().FindMachine(name)->Create(id);
      std::string kind = name;
      std::string text =
          Json(Json::Object{{"machine", name}, {"instance", id}, {"release", "0.1"}}).Print() +
          "\n";
      for (const Record& record : records) {
        Json shared;
        if (const Json* shared_key = record.body.Find("s"))
          shared = RunBlocking(context, store.Get(shared_key->AsString())).value()->body;
        if (shared.Has("name")) kind = name + "-" + shared.StringOr("name", "");
        const Turn turn = instance->Advance(EventOf(record.body, shared));
        Json::Object line{{"record", record.body.Without("h")}, {"decisions", DecisionsOf(turn)}};
        if (!shared.is_null()) line.Set("shared", shared);
        text += Json(std::move(line)).Print() + "\n";
      }
      if (text.size() <= kRecordingBytesMax && text.size() > best[kind].size()) best[kind] = text;
    }
    if (page.size() < kPage) break;
    from = page.back().key + '\0';
  }
  for (const auto& [kind, text] : best)
    std::ofstream(out + "/" + ReplaceAll(kind, "/", "-") + ".jsonl") << text;
}

}  // namespace
}  // namespace stepmill
