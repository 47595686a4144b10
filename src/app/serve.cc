#include "app/serve.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include "app/credentials.h"
#include "app/wires.h"
#include "app/world.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "io/loop.h"

namespace stepmill {

namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;
constexpr std::chrono::seconds kDrainMax{20};

struct ServeOptions {
  WorldOptions world;
  std::string listen = "127.0.0.1:4566";
  std::string address;
  int port = 0;
};

void PrintLog(LogLevel level, std::string_view line) {
  constexpr const char* kNames[] = {"debug", "info", "warn", "error"};
  if (level == LogLevel::kDebug) return;
  std::fprintf(stderr, "stepmill %s: %.*s\n", kNames[static_cast<int>(level)],
               static_cast<int>(line.size()), line.data());
}

/// "ADDR:PORT"; false: no such form.
bool SplitListen(ServeOptions& options) {
  const size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos) return false;
  options.address = options.listen.substr(0, colon);
  if (options.address == "localhost") options.address = "127.0.0.1";
  if (options.address.size() > 2 && options.address.front() == '[')
    options.address = options.address.substr(1, options.address.size() - 2);
  const auto port = ParseInt(options.listen.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return false;
  options.port = static_cast<int>(*port);
  return true;
}

/// Reads the command line; kDone and `is_ready`: go on.
int ReadOptions(const std::vector<std::string>& args, ServeOptions& options, bool& is_ready) {
  CLI::App app("Serves the AWS protocols on one port.", "stepmill serve");
  std::string iam = "off", jobs = "auto", store;
  options.world.data_dir = UsualDataFolder();
  app.add_option("--data", options.world.data_dir, "the data folder")->capture_default_str();
  app.add_option("--listen", options.listen, "ADDR:PORT, on loopback")->capture_default_str();
  app.add_option("--store", store, "only the data folder's own store is built");
  app.add_option("--jobs", jobs, "auto or container")->capture_default_str();
  app.add_flag("--jobs-unlimited", options.world.are_jobs_unlimited,
               "run jobs whose limits cannot be enforced here");
  app.add_option("--iam", iam, "off: identities are checked, policies are not")
      ->capture_default_str();
  app.add_option("--region", options.world.region)->capture_default_str();
  app.add_option("--account", options.world.account)->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  const auto refuse = [](const std::string& text) {
    std::fprintf(stderr, "stepmill serve: %s\n", text.c_str());
    return kUsage;
  };
  if (iam == "enforce" || iam == "report")
    return refuse("--iam " + iam +
                  " is not built: policies are not evaluated yet. The one mode is "
                  "off, on loopback only.");
  if (iam != "off") return refuse("--iam " + iam + ": enforce, report or off");
  if (!store.empty()) return refuse("--store " + store + " is not built: only the data folder is.");
  if (jobs != "auto" && jobs != "container")
    return refuse("--jobs " + jobs + " is not built: auto or container");
  if (options.world.account.size() != 12 || !ParseInt(options.world.account))
    return refuse("--account " + options.world.account + ": twelve digits");
  if (!SplitListen(options)) return refuse("--listen " + options.listen + ": ADDR:PORT");
  is_ready = true;
  return kDone;
}

/// From the first read of the store to the line that says so.
Task<> Start(World& world, Wires& wires, const ServeOptions& options) {
  // Jobs that go on during recovery find the server by this file.
  const std::string endpoint = world.ports().data_dir + "/run/endpoint";
  if (options.port != 0)
    std::ofstream(endpoint) << "http://" << options.listen << "\n" << world.ports().region << "\n";
  MILL_CO_CHECK(co_await world.Recover());
  MILL_CO_CHECK(co_await EnsureCredentials(world.ports()));
  MILL_CO_TRY(const std::string url, wires.Listen(options.address, options.port));
  std::ofstream(endpoint) << url << "\n" << world.ports().region << "\n";
  std::fprintf(stderr,
               "stepmill: identities are checked, policies are not evaluated yet "
               "(--iam off); serving loopback only\n");
  std::printf("stepmill ready on %s (data %s)\n", url.c_str(), options.world.data_dir.c_str());
  std::fflush(stdout);
  co_return Result<>();
}

Task<> StartOrStop(World& world, Wires& wires, const ServeOptions& options, io::Loop& loop,
                   int& exit_code) {
  const Result<> started = co_await Start(world, wires, options);
  if (started) co_return Result<>();
  std::fprintf(stderr, "stepmill serve: %s\n", started.error().message.c_str());
  exit_code = kFailed;
  loop.Stop();
  co_return Result<>();
}

/// SIGTERM: requests under way are answered, what was issued is durable, then the end.
Task<> Drain(World& world, Wires& wires, io::Loop& loop) {
  const Time deadline = loop.clock().Now() + kDrainMax;
  world.ports().engine.EndWaits();  // long polls answer that there is nothing
  MILL_CO_CHECK(co_await wires.Drain(deadline));
  MILL_CO_CHECK(co_await world.Drain());
  loop.Stop();
  co_return Result<>();
}

}  // namespace

std::string UsualDataFolder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data && *data) return std::string(data) + "/stepmill";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/var/lib") + "/.local/share/stepmill";
}

int ServeCommand(const std::vector<std::string>& args) {
  ServeOptions options;
  bool is_ready = false;
  const int usage = ReadOptions(args, options, is_ready);
  if (!is_ready) return usage;
  SetLogSink(PrintLog);
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  const int workers = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  io::Loop loop(workers);
  int exit_code = kDone;
  auto world = World::Open(loop, options.world, [](const Error& error) {
    // Recovery is the way back from a failed write: nothing more may be promised.
    std::fprintf(stderr, "stepmill: the store failed: %s\n", error.message.c_str());
    std::_Exit(kFailed);
  });
  if (!world) {
    std::fprintf(stderr, "stepmill serve: %s\n", world.error().message.c_str());
    return kFailed;
  }
  auto wires = Wires::Open(loop, (*world)->ports());
  if (!wires) {
    std::fprintf(stderr, "stepmill serve: %s\n", wires.error().message.c_str());
    return kFailed;
  }
  asio::signal_set signals(loop.context(), SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) loop.spawner().Spawn("drain", Drain(**world, **wires, loop));
  });
  loop.spawner().Spawn("start", StartOrStop(**world, **wires, options, loop, exit_code));
  loop.Run();
  return exit_code;
}

int EnvCommand(const std::vector<std::string>& args) {
  CLI::App app("Prints shell lines that point AWS tools at the running server.", "stepmill env");
  std::string data_dir = UsualDataFolder();
  bool has_proxy = false;
  app.add_option("--data", data_dir, "the server's data folder")->capture_default_str();
  app.add_flag("--proxy", has_proxy,
               "proxy and certificates too, for clients too old for AWS_ENDPOINT_URL");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  std::ifstream endpoint(data_dir + "/run/endpoint"), credentials(data_dir + "/credentials");
  std::string url, region, line, id, secret;
  std::getline(endpoint, url);
  std::getline(endpoint, region);
  while (std::getline(credentials, line)) {
    const size_t equals = line.find(" = ");
    if (line.rfind("aws_access_key_id", 0) == 0) id = line.substr(equals + 3);
    if (line.rfind("aws_secret_access_key", 0) == 0) secret = line.substr(equals + 3);
  }
  if (url.empty() || id.empty()) {
    std::fprintf(stderr,
                 "stepmill env: no server has run on %s: start `stepmill serve --data %s`\n",
                 data_dir.c_str(), data_dir.c_str());
    return kFailed;
  }
  std::printf(
      "export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\n"
      "export AWS_SECRET_ACCESS_KEY=%s\nexport AWS_DEFAULT_REGION=%s\n"
      "export AWS_REGION=%s\n",
      url.c_str(), id.c_str(), secret.c_str(), region.c_str(), region.c_str());
  if (!has_proxy) return kDone;
  std::printf("export HTTPS_PROXY=%s\nexport NO_PROXY=127.0.0.1,localhost\n", url.c_str());
  for (const char* name :
       {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"})
    std::printf("export %s=%s/ca/bundle.pem\n", name, data_dir.c_str());
  std::printf("export NODE_EXTRA_CA_CERTS=%s/ca/ca.crt\n", data_dir.c_str());
  return kDone;
}

}  // namespace stepmill
