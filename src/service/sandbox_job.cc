#include "service/sandbox_job.h"

#include "service/ports.h"

namespace stepmill {

Task<int> StartSandbox(Ports& ports, JobSpec spec) {
  const JobId job = spec.id;
  MILL_CO_CHECK(co_await ports.backend.Start(std::move(spec)));
  StepSpec first;
  first.sequence = 1;
  first.argv = {"/bin/sh", "-c", ":"};
  first.working_dir = std::string("/");
  MILL_CO_TRY(const StepResult up, co_await ports.backend.RunStep(job, std::move(first)));
  co_return up.exit_code;
}

Task<> StopSandbox(Ports& ports, JobId job, std::chrono::seconds grace) {
  const auto stopped = co_await ports.backend.Stop(job, grace);
  if (!stopped && stopped.error().code != Code::kNotFound) co_return stopped.error();
  co_return Result<>();
}

Task<> RemoveJob(Ports& ports, JobId job) {
  const Result<> removed = co_await ports.backend.Remove(job);
  if (!removed && removed.error().code != Code::kNotFound) co_return removed.error();
  co_return Result<>();
}

Task<> RemoveSandbox(Asker asker, JobId job, LogTarget target, std::vector<std::string> lines,
                     std::string effect_id) {
  if (!target.group.empty() && !lines.empty())
    (void)co_await PutLogLines(asker, target, std::move(lines), effect_id);
  MILL_CO_CHECK(co_await RemoveJob(asker.ports, job));
  Batch batch;
  ForgetLogPump(asker, job.value, batch);
  co_return co_await asker.ports.store.Commit(std::move(batch));
}

}  // namespace stepmill
