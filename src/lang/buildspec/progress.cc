#include "lang/buildspec/progress.h"

#include <re2/re2.h>

#include <array>

#include "lang/buildspec/limits.h"

namespace stepmill::buildspec {
namespace {

constexpr std::array<std::string_view, 4> kCommandPhases = {"INSTALL", "PRE_BUILD", "BUILD",
                                                            "POST_BUILD"};

/// progress: {"phase", "list": "commands" | "finally", "next": index, "fault": text or "",
///            "attempt": N, "succeeding": bool, "failed": bool, "lastExit": N}
class Machine {
 public:
  Machine(const Json& spec, const Json& progress)
      : spec_(spec),
        phase_(progress.StringOr("phase", "")),
        list_(progress.StringOr("list", "commands")),
        next_(static_cast<size_t>(progress.IntOr("next", 0))),
        fault_(progress.StringOr("fault", "")),
        attempt_(progress.IntOr("attempt", 0)),
        is_succeeding_(progress.BoolOr("succeeding", true)),
        has_failed_(progress.BoolOr("failed", false)),
        last_exit_(static_cast<int>(progress.IntOr("lastExit", 0))) {}

  Step Run(const Event& event) {
    if (std::holds_alternative<Started>(event)) {
      Enter("INSTALL");
    } else if (const auto* ended = std::get_if<CommandEnded>(&event)) {
      OnCommand(ended->exit_code);
    } else {
      OnUpload(std::get<UploadEnded>(event));
    }
    return {Progress(), std::move(effects_)};
  }

 private:
  const Json& Phase() const { return spec_["phases"][phase_]; }
  const Json& List() const { return Phase()[list_]; }

  void Enter(std::string_view phase) {
    phase_ = phase;
    attempt_ = 0;
    effects_.push_back(EnterPhase{phase_});
    if (phase_ == "UPLOAD_ARTIFACTS") {
      effects_.push_back(Upload{});
      return;
    }
    Begin();
  }

  void Begin() {
    list_ = "commands";
    next_ = 0;
    fault_.clear();
    Continue();
  }

  /// Runs what is next in the list, or ends the list.
  void Continue() {
    while (true) {
      if (next_ < List().size()) {
        std::string run_as = Phase().StringOr("runAs", "");
        if (run_as.empty()) run_as = spec_.StringOr("runAs", "");
        effects_.push_back(RunCommand{phase_, List().At(next_).AsString(), std::move(run_as),
                                      is_succeeding_ && fault_.empty(), last_exit_});
        return;
      }
      if (list_ == "finally") return Leave();
      list_ = "finally";
      next_ = 0;
    }
  }

  void OnCommand(int exit_code) {
    if (next_ >= List().size()) return;  // a repeat of an event that was taken already
    const std::string command = List().At(next_).AsString();
    last_exit_ = exit_code;
    ++next_;
    if (exit_code != 0) {
      if (fault_.empty())
        fault_ = "Error while executing command: " + command + ". Reason: exit status " +
                 std::to_string(exit_code);
      next_ = List().size();  // the first failing command ends its list
    }
    Continue();
  }

  bool WantsRetry(const Json& on_failure) const {
    if (on_failure.StringOr("action", "") != "RETRY") return false;
    if (attempt_ >= on_failure.IntOr("retries", 0)) return false;
    const std::string pattern = on_failure.StringOr("pattern", "");
    return pattern.empty() || re2::RE2::PartialMatch(fault_, re2::RE2(pattern, re2::RE2::Quiet));
  }

  void Leave() {
    const bool is_succeeded = fault_.empty();
    const Json& on_failure = Phase()["onFailure"];
    if (!is_succeeded && WantsRetry(on_failure)) {
      ++attempt_;
      effects_.push_back(Note{"Retrying phase " + phase_ + ", attempt " + std::to_string(attempt_) +
                              " of " + std::to_string(on_failure.IntOr("retries", 0))});
      return Begin();
    }
    effects_.push_back(
        LeavePhase{phase_, is_succeeded, is_succeeded ? "" : "COMMAND_EXECUTION_ERROR", fault_});
    const std::string action = is_succeeded ? "" : on_failure.StringOr("action", "");
    if (!is_succeeded) {
      is_succeeding_ = false;
      if (action != "CONTINUE") has_failed_ = true;
    }
    fault_.clear();
    const bool goes_on = is_succeeded || action == "CONTINUE" ||
                         (action != "ABORT" && (phase_ == "BUILD" || phase_ == "POST_BUILD"));
    if (!goes_on) return End();
    for (size_t i = 0; i < kCommandPhases.size(); ++i)
      if (kCommandPhases[i] == phase_)
        return Enter(i + 1 < kCommandPhases.size() ? kCommandPhases[i + 1] : "UPLOAD_ARTIFACTS");
  }

  void OnUpload(const UploadEnded& ended) {
    if (phase_ != "UPLOAD_ARTIFACTS") return;  // a repeat
    effects_.push_back(LeavePhase{phase_, ended.is_done, ended.code, ended.message});
    if (!ended.is_done) {
      is_succeeding_ = false;
      has_failed_ = true;
    }
    End();
  }

  void End() {
    phase_ = "FINALIZING";
    effects_.push_back(EnterPhase{phase_});
    effects_.push_back(Finish{has_failed_ ? "FAILED" : "SUCCEEDED"});
  }

  Json Progress() const {
    return Json::Object{
        {"phase", phase_},       {"list", list_},         {"next", static_cast<int64_t>(next_)},
        {"fault", fault_},       {"attempt", attempt_},   {"succeeding", is_succeeding_},
        {"failed", has_failed_}, {"lastExit", last_exit_}};
  }

  const Json& spec_;
  std::string phase_, list_;
  size_t next_;
  std::string fault_;
  int64_t attempt_;
  bool is_succeeding_, has_failed_;
  int last_exit_;
  std::vector<Effect> effects_;
};

}  // namespace

std::string PhaseOf(const Json& progress) { return progress.StringOr("phase", ""); }

Step Advance(const Json& spec, const Json& progress, const Event& event) {
  return Machine(spec, progress).Run(event);
}

}  // namespace stepmill::buildspec
