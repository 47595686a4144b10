#include "app/backup_commands.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "app/backup.h"
#include "app/data_check.h"
#include "app/serve.h"

namespace stepmill {
namespace {

using Args = std::vector<std::string>;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

struct Options {
  std::string data_dir = UsualDataFolder();
  std::string other;  ///< TO or FROM
};

/// An exit code when there is nothing more to do. `other`: the name of the other folder, or null.
std::optional<int> Read(const Args& args, CLI::App& app, const char* other, const char* about,
                        Options& options) {
  app.add_option("--data", options.data_dir, "the data folder")->capture_default_str();
  if (other) app.add_option(other, options.other, about)->required();
  try {
    app.parse(Args(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  options.data_dir = std::filesystem::absolute(options.data_dir).lexically_normal().string();
  while (options.data_dir.ends_with("/") && options.data_dir.size() > 1)
    options.data_dir.pop_back();
  ::umask(0077);
  return std::nullopt;
}

int Fail(const char* command, const std::string& message) {
  std::fprintf(stderr, "stepmill %s: %s\n", command, message.c_str());
  return kFailed;
}

/// Prints what was found; true: no problem.
bool Show(const DataReport& report) {
  for (const std::string& problem : report.problems) std::printf("%s\n", problem.c_str());
  for (const std::string& note : report.notes)
    std::printf("%s: the next start removes it\n", note.c_str());
  const auto number = [](uint64_t count) { return static_cast<unsigned long long>(count); };
  std::printf(
      "%llu documents, %llu streams with %llu records, %llu dues, %llu large texts, "
      "%llu named blobs: %llu problems\n",
      number(report.counts.documents), number(report.counts.streams), number(report.counts.records),
      number(report.counts.dues), number(report.counts.payloads), number(report.blobs),
      number(report.problems.size()));
  return report.problems.empty();
}

/// Checks a folder that was copied.
Result<> CheckCopy(const std::string& folder) {
  MILL_TRY(const DataReport report, CheckData(folder));
  if (Show(report)) return {};
  return Error{Code::kInternal, "StoreDamaged", "the copy in " + folder + " is not whole"};
}

}  // namespace

int CheckCommand(const Args& args) {
  CLI::App app("Verifies a data folder that no server uses.", "stepmill check");
  Options options;
  if (const auto code = Read(args, app, nullptr, "", options)) return *code;
  std::error_code failure;
  if (!std::filesystem::is_directory(options.data_dir + "/store", failure))
    return Fail("check", options.data_dir + " holds no store");
  DataLock lock;
  if (const Result<> taken = lock.Take(options.data_dir); !taken)
    return Fail("check", taken.error().message +
                             ": stop it, or take a backup, which is checked as it is made");
  const auto report = CheckData(options.data_dir);
  if (!report) return Fail("check", report.error().message);
  if (Show(*report)) return kDone;
  return Fail(
      "check",
      options.data_dir + " is damaged: move it away and `stepmill restore` a backup to its place");
}

int BackupCommand(const Args& args) {
  CLI::App app("Copies a data folder, also while its server runs, and checks the copy.",
               "stepmill backup");
  Options options;
  if (const auto code = Read(args, app, "TO", "a folder that is not there or empty", options))
    return *code;
  Result<> done = BackUpData(options.data_dir, options.other);
  if (done) done = CheckCopy(options.other);
  if (!done) return Fail("backup", done.error().message);
  std::printf("backup of %s in %s\n", options.data_dir.c_str(), options.other.c_str());
  return kDone;
}

int RestoreCommand(const Args& args) {
  CLI::App app("Makes a data folder from a backup.", "stepmill restore");
  Options options;
  if (const auto code = Read(args, app, "FROM", "a folder that stepmill backup made", options))
    return *code;
  Result<> done = RestoreData(options.other, options.data_dir);
  if (done) done = CheckCopy(options.data_dir);
  if (!done) return Fail("restore", done.error().message);
  std::printf("restored %s to %s\n", options.other.c_str(), options.data_dir.c_str());
  return kDone;
}

}  // namespace stepmill
