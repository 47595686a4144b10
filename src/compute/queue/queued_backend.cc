#include "compute/queue/queued_backend.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "base/digest.h"
#include "base/log.h"
#include "base/strings.h"
#include "io/files.h"
#include "json/each.h"

namespace stepmill {

// DIR/queue/<first digits of the unit's SHA-256>, one file for each job or group that has asked for
// room and is not over: {"unit", "number": its place, "line", "cpus", "memory_mib": of all hosts,
// "is_stopped", "jobs": [ids that have asked]}. Written durably before the one who asked waits.

namespace {

constexpr double kNothing = 1e-6;
constexpr int64_t kMibOfGib = 1024;

struct Ticket {
  std::string unit;
  int64_t number = 0;
  JobSpec::Line line = JobSpec::Line::kJobs;
  double cpus = 0;
  int64_t memory_mib = 0;
  bool is_stopped = false;
  std::set<std::string> jobs;
  // In memory only:
  bool has_room = false;
  std::shared_ptr<Signal> changed = std::make_shared<Signal>();
};

Json ToJson(const Ticket& ticket) {
  Json::Array jobs(ticket.jobs.begin(), ticket.jobs.end());
  return Json::Object{{"unit", ticket.unit},
                      {"number", ticket.number},
                      {"line", static_cast<int64_t>(ticket.line)},
                      {"cpus", ticket.cpus},
                      {"memory_mib", ticket.memory_mib},
                      {"is_stopped", ticket.is_stopped},
                      {"jobs", std::move(jobs)}};
}

Ticket TicketOf(const Json& json) {
  Ticket ticket;
  ticket.unit = json.StringOr("unit", "");
  ticket.number = json.IntOr("number", 0);
  ticket.line = static_cast<JobSpec::Line>(json.IntOr("line", 1));
  ticket.cpus = json["cpus"].is_number() ? json["cpus"].AsDouble() : 0;
  ticket.memory_mib = json.IntOr("memory_mib", 0);
  ticket.is_stopped = json.BoolOr("is_stopped", false);
  for (const Json& job : ItemsOf(json["jobs"])) ticket.jobs.insert(job.AsString());
  return ticket;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}
std::string Gib(int64_t mib) {
  return Number(static_cast<double>(mib) / static_cast<double>(kMibOfGib));
}

}  // namespace

Capacity MachineCapacity() {
  struct sysinfo info {};
  Capacity capacity;
  capacity.cpus = std::max(1u, std::thread::hardware_concurrency());
  if (::sysinfo(&info) == 0)
    capacity.memory_mib = static_cast<int64_t>(info.totalram * info.mem_unit >> 20);
  return capacity;
}

class QueuedBackend::Lines {
 public:
  Lines(Backend& inner, Spawner& spawner, std::string folder, Capacity capacity)
      : inner_(inner), spawner_(spawner), folder_(std::move(folder)), capacity_(capacity) {}
  using Self = std::shared_ptr<Lines>;

  static Task<> Recover(Self self);
  static Task<> AwaitRoom(Self self, JobSpec spec);
  static Task<> Watch(Self self, JobId id);
  /// Null: it has not asked, or is over.
  std::shared_ptr<Ticket> Find(const JobId& id) const;
  Result<> Stop(Ticket& ticket);
  /// The job has ended, or is given up. Room that its unit had is free when its last job is over.
  Result<> Leave(const JobId& id);
  std::string WaitsFor(const Ticket& ticket) const;
  static void WatchEnd(Self self, const JobId& id);

 private:
  Result<std::shared_ptr<Ticket>> Join(const JobSpec& spec);
  void GiveRoom();
  Capacity FreeIn(JobSpec::Line line) const;
  std::string FileOf(const Ticket& ticket) const {
    constexpr size_t kDigits = 32;
    return folder_ + "/" + Hex(Sha256(ticket.unit)).substr(0, kDigits);
  }
  Result<> Write(const Ticket& ticket) const {
    return io::WriteFile(FileOf(ticket), ToJson(ticket).Print(), true);
  }

  Backend& inner_;
  Spawner& spawner_;
  const std::string folder_;
  const Capacity capacity_;
  int64_t last_number_ = 0;
  std::map<int64_t, std::shared_ptr<Ticket>> tickets_;  // by number; shared with those who wait
  std::map<std::string, int64_t> units_, jobs_;         // numbers
  std::set<std::string> watched_;
};

std::shared_ptr<Ticket> QueuedBackend::Lines::Find(const JobId& id) const {
  const auto number = jobs_.find(id.value);
  return number == jobs_.end() ? nullptr : tickets_.at(number->second);
}

Result<std::shared_ptr<Ticket>> QueuedBackend::Lines::Join(const JobSpec& spec) {
  const std::string unit = spec.group.empty() ? spec.id.value : spec.group;
  const auto known = units_.find(unit);
  const bool is_new = known == units_.end();
  const auto ticket = is_new ? std::make_shared<Ticket>() : tickets_.at(known->second);
  if (is_new) {
    const int hosts = std::max(1, spec.group_hosts);
    ticket->unit = unit;
    ticket->number = ++last_number_;
    ticket->line = spec.line;
    ticket->cpus = std::min(spec.cpus * hosts, capacity_.cpus);
    ticket->memory_mib = std::min(spec.memory_mib * hosts, capacity_.memory_mib);
  }
  ticket->jobs.insert(spec.id.value);
  MILL_CHECK(io::MakeFolders(folder_));
  MILL_CHECK(Write(*ticket));
  tickets_[ticket->number] = ticket;
  units_[unit] = jobs_[spec.id.value] = ticket->number;
  return ticket;
}

Capacity QueuedBackend::Lines::FreeIn(JobSpec::Line line) const {
  Capacity free = capacity_;
  for (const auto& [number, ticket] : tickets_) {
    if (ticket->line != line || !ticket->has_room) continue;
    free.cpus -= ticket->cpus;
    free.memory_mib -= ticket->memory_mib;
  }
  return free;
}

/// In order, up to the first that does not fit.
void QueuedBackend::Lines::GiveRoom() {
  for (const auto line : {JobSpec::Line::kJobs, JobSpec::Line::kBuilds}) {
    Capacity free = FreeIn(line);
    for (const auto& [number, ticket] : tickets_) {
      if (ticket->line != line || ticket->has_room || ticket->is_stopped) continue;
      if (ticket->cpus > free.cpus + kNothing || ticket->memory_mib > free.memory_mib) break;
      ticket->has_room = true;
      free.cpus -= ticket->cpus;
      free.memory_mib -= ticket->memory_mib;
      ticket->changed->Set();
    }
  }
}

Task<> QueuedBackend::Lines::Recover(Self self) {
  MILL_CO_TRY(const std::vector<JobId> begun, co_await self->inner_.List());
  std::set<std::string> begun_ids;
  for (const JobId& id : begun) begun_ids.insert(id.value);
  std::vector<JobId> under_way;
  std::error_code error;  // no folder yet: nobody ever waited
  for (const auto& entry : std::filesystem::directory_iterator(self->folder_, error)) {
    if (entry.path().extension() == ".new") continue;  // of a write that was interrupted
    MILL_CO_TRY(const std::string text, io::ReadFile(entry.path().string()));
    MILL_CO_TRY(const Json json, ParseJson(text));
    const auto ticket = std::make_shared<Ticket>(TicketOf(json));
    self->last_number_ = std::max(self->last_number_, ticket->number);
    self->tickets_[ticket->number] = ticket;
    self->units_[ticket->unit] = ticket->number;
    for (const std::string& job : ticket->jobs) {
      self->jobs_[job] = ticket->number;
      if (!begun_ids.contains(job)) continue;
      ticket->has_room = true;
      under_way.push_back(JobId{job});
    }
  }
  self->GiveRoom();
  // Once all are known: one that has ended leaves at once.
  for (const JobId& id : under_way) WatchEnd(self, id);
  co_return Result<>();
}

Task<> QueuedBackend::Lines::AwaitRoom(Self self, JobSpec spec) {
  const bool is_counted =
      spec.line != JobSpec::Line::kNone && (spec.cpus > 0 || spec.memory_mib > 0);
  if (!is_counted) co_return Result<>();
  std::shared_ptr<Ticket> ticket = self->Find(spec.id);
  if (!ticket) {
    // One that has begun is not to wait again when its start is repeated.
    MILL_CO_TRY(const std::vector<JobId> begun, co_await self->inner_.List());
    if (std::find(begun.begin(), begun.end(), spec.id) != begun.end()) co_return Result<>();
    MILL_CO_TRY(ticket, self->Join(spec));
    self->GiveRoom();
    if (!ticket->has_room) MILL_LOG(kInfo, "job " + spec.id.value + ": " + self->WaitsFor(*ticket));
  }
  while (!ticket->has_room && !ticket->is_stopped) {
    const auto changed = ticket->changed;
    MILL_CO_CHECK(co_await changed->Wait());
  }
  if (ticket->is_stopped)
    co_return Error{Code::kConflict, "JobStopped", "The job was stopped before it was started."};
  co_return Result<>();
}

Result<> QueuedBackend::Lines::Stop(Ticket& ticket) {
  ticket.is_stopped = true;
  MILL_CHECK(Write(ticket));
  ticket.changed->Set();
  GiveRoom();
  return {};
}

Result<> QueuedBackend::Lines::Leave(const JobId& id) {
  const std::shared_ptr<Ticket> ticket = Find(id);
  if (!ticket) return {};
  jobs_.erase(id.value);
  ticket->jobs.erase(id.value);
  if (!ticket->jobs.empty()) return Write(*ticket);
  units_.erase(ticket->unit);
  tickets_.erase(ticket->number);
  if (!ticket->has_room) {  // nobody is to wait for what is taken away
    ticket->is_stopped = true;
    ticket->changed->Set();
  }
  GiveRoom();
  return io::RemoveTree(FileOf(*ticket));
}

void QueuedBackend::Lines::WatchEnd(Self self, const JobId& id) {
  if (self->watched_.insert(id.value).second)
    self->spawner_.Spawn("room of " + id.value, Watch(self, id));
}

Task<> QueuedBackend::Lines::Watch(Self self, JobId id) {
  const auto ended = co_await self->inner_.Wait(id);
  self->watched_.erase(id.value);
  // Whoever cannot be asked keeps its room until it is removed.
  if (!ended && ended.error().code != Code::kNotFound) co_return ended.error();
  co_return self->Leave(id);
}

std::string QueuedBackend::Lines::WaitsFor(const Ticket& ticket) const {
  const Capacity free = FreeIn(ticket.line);
  int64_t before = 0;
  for (const auto& [number, other] : tickets_)
    before += number < ticket.number && other->line == ticket.line && !other->has_room &&
              !other->is_stopped;
  return "The machine is full: " + Number(ticket.cpus) + " vCPUs and " + Gib(ticket.memory_mib) +
         " GiB are needed, " + Number(std::max(0.0, free.cpus)) + " of " + Number(capacity_.cpus) +
         " vCPUs and " + Gib(free.memory_mib) + " of " + Gib(capacity_.memory_mib) +
         " GiB are free; " + std::to_string(before) + " before it in the queue.";
}

QueuedBackend::QueuedBackend(Backend& inner, Spawner& spawner, std::string folder,
                             Capacity capacity)
    : inner_(inner), lines_(std::make_shared<Lines>(inner, spawner, std::move(folder), capacity)) {}
QueuedBackend::~QueuedBackend() = default;

Task<> QueuedBackend::Recover() { return Lines::Recover(lines_); }

Task<> QueuedBackend::AwaitRoom(JobSpec spec) { return Lines::AwaitRoom(lines_, std::move(spec)); }

std::string QueuedBackend::WaitsFor(const JobId& id) const {
  const auto ticket = lines_->Find(id);
  return ticket && !ticket->has_room && !ticket->is_stopped ? lines_->WaitsFor(*ticket) : "";
}

Task<> QueuedBackend::Start(JobSpec spec) {
  const auto lines = lines_;
  const JobId id = spec.id;
  Backend& inner = inner_;
  MILL_CO_CHECK(co_await Lines::AwaitRoom(lines, spec));
  MILL_CO_CHECK(co_await inner.Start(std::move(spec)));
  if (lines->Find(id)) Lines::WatchEnd(lines, id);
  co_return Result<>();
}

Task<> QueuedBackend::Stop(JobId id, std::chrono::seconds grace) {
  const auto ticket = lines_->Find(id);
  if (ticket && !ticket->has_room) co_return lines_->Stop(*ticket);
  co_return co_await inner_.Stop(std::move(id), grace);
}

Task<> QueuedBackend::Remove(JobId id) {
  const auto lines = lines_;
  const Result<> removed = co_await inner_.Remove(id);
  if (removed || removed.error().code == Code::kNotFound) MILL_CO_CHECK(lines->Leave(id));
  co_return removed;
}

}  // namespace stepmill
