// What functions write, on its way to CloudWatch Logs.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "service/lambda/contract.h"
#include "service/lambda/environment.h"
#include "service/lambda/limits.h"
#include "service/log_pump.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr size_t kLinesAtOnce = 5000;
constexpr int kLooksMax = 16;  ///< what is written beyond comes with the next look
constexpr size_t kLineBytesMax = 200 * 1024;

/// The file's bytes behind `offset`, at most kLogReadMax.
std::string ReadFrom(const std::string& path, uint64_t offset) {
  std::error_code error;  // a file that is not there (any more) has nothing to say
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error || size <= offset) return "";
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(std::min<uint64_t>(size - offset, kLogReadMax), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

/// An error is one event of several lines: the runtimes part them by carriage returns.
std::string Event(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  const bool is_error = line.starts_with("[ERROR]") || line.find("\tERROR\t") != line.npos ||
                        line.find("\tINFO\t") != line.npos;
  std::string text = is_error ? ReplaceAll(line, "\r", "\n") : std::string(line);
  return std::string(TruncateUtf8(text, kLineBytesMax));
}

}  // namespace

std::vector<std::string> Fleet::ReadLines(const EnvironmentPtr& environment) {
  std::string bytes;
  if (HasLogFile(environment->config)) {
    const auto path = ports_.backend.HostPath(environment->job, kLogFile);
    for (int look = 0; path && look < kLooksMax; ++look) {
      const std::string more = ReadFrom(*path, environment->log_offset);
      environment->log_offset += more.size();
      bytes += more;
      if (more.size() < kLogReadMax) break;
    }
    if (path && environment->log_offset > kLogFileBytesMax && !environment->is_delivered) {
      std::error_code error;  // it is appended to: emptied, it goes on from its begin
      std::filesystem::resize_file(*path, 0, error);
      if (!error) environment->log_offset = 0;
    }
  } else {
    bytes = std::move(environment->log_output);
    environment->log_output.clear();
  }
  environment->log_rest += bytes;
  std::vector<std::string> lines;
  size_t from = 0;
  for (size_t end; (end = environment->log_rest.find('\n', from)) != std::string::npos;
       from = end + 1)
    lines.push_back(Event(std::string_view(environment->log_rest).substr(from, end - from)));
  environment->log_rest.erase(0, from);
  // The rest of a line: its end may never come.
  if (!environment->log_rest.empty() &&
      (environment->reply || environment->end || environment->log_rest.size() > kLineBytesMax)) {
    lines.push_back(Event(environment->log_rest));
    environment->log_rest.clear();
  }
  return lines;
}

void Fleet::Log(const EnvironmentPtr& environment, std::vector<std::string> lines) {
  for (std::string& line : lines) environment->log_queue.push_back(std::move(line));
  if (environment->log_queue.empty() || environment->is_flushing) return;
  environment->is_flushing = true;
  ports_.spawner.Spawn("log of " + environment->job.value, Flush(shared_from_this(), environment));
}

Task<> Fleet::Flush(Self self, EnvironmentPtr environment) {
  const auto principal = RolePrincipal(environment->config.StringOr("Role", ""), environment->name);
  const LogTarget target{environment->config["LoggingConfig"].StringOr("LogGroup", ""),
                         environment->log_stream};
  while (principal && !environment->log_queue.empty()) {
    std::vector<std::string> lines;
    while (!environment->log_queue.empty() && lines.size() < kLinesAtOnce) {
      lines.push_back(std::move(environment->log_queue.front()));
      environment->log_queue.pop_front();
    }
    const Asker asker{self->ports_, *principal, environment->account, environment->region};
    const Result<> put = co_await PutLogLines(asker, target, std::move(lines), "");
    if (put) continue;
    MILL_LOG(kWarn, "lambda: log of " + environment->name + ": " + put.error().message);
    break;
  }
  environment->is_flushing = false;
  co_return Result<>();
}

Task<> Fleet::Pump(Self self, EnvironmentPtr environment) {
  uint64_t offset = 0;
  for (;;) {
    const auto chunk = co_await self->ports_.backend.ReadLog(environment->job, offset);
    if (!chunk || chunk->is_end) co_return Result<>();
    offset = chunk->offset + chunk->bytes.size();
    environment->log_output += chunk->bytes;
  }
}

}  // namespace stepmill::lambda
