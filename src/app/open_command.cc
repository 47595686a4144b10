#include "app/open_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "app/serve.h"
#include "base/strings.h"
#include "io/http_client.h"
#include "io/process.h"
#include "io/run_on.h"

namespace stepmill {
namespace {

constexpr char kConsole[] = "/console/";
constexpr std::chrono::seconds kAnswerMax{5};

/// Where the server of this data folder listens, or AWS_ENDPOINT_URL says.
std::string EndpointOf(const std::string& data_dir) {
  const char* given = std::getenv("AWS_ENDPOINT_URL");
  std::string url = given ? given : "";
  if (url.empty()) {
    std::ifstream file(data_dir + "/run/endpoint");
    std::getline(file, url);
  }
  while (url.ends_with("/")) url.pop_back();
  return url.empty() ? "http://127.0.0.1:4566" : url;
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "stepmill open: %s\n", message.c_str());
  return 1;
}

}  // namespace

int OpenCommand(const std::vector<std::string>& args) {
  CLI::App app("Opens the server's console in a browser.", "stepmill open");
  std::string data_dir = UsualDataFolder();
  app.add_option("--data", data_dir, "the server's data folder")->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const std::string endpoint = EndpointOf(data_dir);
  const size_t colon = endpoint.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : ParseInt(endpoint.substr(colon + 1));
  if (!endpoint.starts_with("http://") || !port || *port < 1 || *port > 65535)
    return Fail("the server's address must be http://ADDRESS:PORT, not '" + endpoint + "'");
  io::Loop loop(1);
  io::ClientRequest request;
  request.host = endpoint.substr(7, colon - 7);
  request.port = static_cast<uint16_t>(*port);
  request.target = kConsole;
  request.headers["Accept"] = "text/html";
  request.timeout = kAnswerMax;
  const auto answer = io::RunOn(loop, io::SendRequest(loop, std::move(request)));
  if (!answer)
    return Fail("no server answers at " + endpoint + ": start `stepmill serve --data " + data_dir +
                "`");
  const auto type = answer->headers.find("content-type");
  const bool is_page = answer->status == 200 && type != answer->headers.end() &&
                       type->second.starts_with("text/html");
  if (!is_page) return Fail("the console is not built in stepmill; the server is at " + endpoint);
  const std::string url = endpoint + kConsole;
  std::printf("%s\n", url.c_str());
  if (::isatty(STDOUT_FILENO) == 0) return 0;
  io::ProcessSpec spec;
  spec.argv = {"xdg-open", url};
  (void)io::RunOn(loop, io::RunChecked(loop, std::move(spec)));  // the address stands there anyway
  return 0;
}

}  // namespace stepmill
