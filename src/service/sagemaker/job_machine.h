#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "service/sagemaker/job_kind.h"

namespace stepmill::sagemaker {

/// The document of a job that instance `instance_id` ("sagemaker/ACCOUNT/REGION/TYPE/NAME") owns.
Key JobKey(std::string_view account, std::string_view region, const JobKind& kind,
           std::string_view name);

/// "SageMaker TITLE State Change" with the document as its detail; times are shown as milliseconds.
Json StateChange(const std::string& title, const std::string& instance_id, const Json& arn,
                 const Json& document);

/// The life that processing, training and transform jobs share, one event of it: hosts are brought
/// up, their output is copied, their ends are awaited; the first failure is the job's reason and
/// stops the others; at the end all is cleaned up. A machine of a kind derives from it, calls what
/// it needs for its event, and answers `Done()`.
///
/// Effects are "WHAT:HOST" (hosts from 0), "stop:HOST:ROUND" and "clean". Of the machine's state it
/// keeps "job", "epoch" (seconds; names log streams), lists of hosts, "stops", "reason" and
/// "isStopped". Pure, as all machines are.
class JobMachine {
 protected:
  /// `instance_id` and `event` must outlive it.
  JobMachine(const JobKind& kind, const std::string& instance_id, const Json& state,
             const Event& event);
  virtual ~JobMachine() = default;
  virtual int HostCount() const = 0;

  Step Done() { return {state_.With("job", job_), std::move(turn_)}; }

  /// Takes the job from the first event; `lists`: of hosts that have got so far, all empty.
  void Begin(std::initializer_list<const char*> lists);
  /// A result of a host's effect. Empty: of another one ("clean" ends the instance).
  struct HostResult {
    std::string what;  ///< "run", "log", ...
    Json host;
    Json output;
    std::string failure;  ///< "": it went well
  };
  std::optional<HostResult> TakeHostResult();
  /// After "run": performs `follows` of the host. One that could not be brought up is marked as
  /// done with all of `marks`, and false.
  bool FollowRun(const HostResult& run, std::initializer_list<const char*> follows,
                 std::initializer_list<const char*> marks);
  /// Posted "stop": the job is told to end; false when it is on its way already.
  bool OnStop();
  /// The first reason counts, and not once the job is stopping: true when it is this one. Of
  /// several hosts all are stopped then.
  bool Fail(const std::string& reason);
  /// Ends the job: Stopped, Failed with its reason, or Completed; and cleans up.
  void Finish();

  /// Hosts [from, to) are told to stop, one round for all of them.
  void StopHosts(int from, int to);
  void StopHosts() { StopHosts(0, HostCount()); }

  std::string status() const { return job_.StringOr(kind_.Member("JobStatus"), ""); }
  std::string Account() const { return Part(1); }
  std::string Region() const { return Part(2); }
  bool HasAll(std::initializer_list<const char*> lists) const;
  int Count(std::string_view list) const { return static_cast<int>(state_[list].size()); }
  void Mark(std::string_view list, const Json& host);
  void KeepDigest(const Json& output);
  /// What a performer is given.
  Json What(int host) const;
  void Perform(const std::string& what, int host);
  void Clean();
  void Save();
  void SetStatus(std::string_view status);
  void Tell();

  const JobKind& kind_;
  const std::string& id_;
  Json state_, job_;
  const Event& event_;
  Turn turn_;

 private:
  std::string Part(size_t index) const;
};

}  // namespace stepmill::sagemaker
