#include "algorithm/xgboost/serve.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <thread>

#include "algorithm/xgboost/hyperparameters.h"
#include "algorithm/xgboost/predict.h"
#include "base/strings.h"

namespace stepmill::xgboost {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr uint64_t kBodyMaxDefault = 6ull << 20;
constexpr std::ptrdiff_t kConnectionsMax = 64;

/// What the connections share.
struct Shared {
  Booster booster;
  bool is_batch = false;
  uint64_t body_max = kBodyMaxDefault;
  std::mutex mutex;  ///< of the booster
  std::counting_semaphore<kConnectionsMax> places{kConnectionsMax};
};

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response Make(const Request& request, Reply reply) {
  Response response{static_cast<http::status>(reply.status), request.version()};
  response.set(http::field::content_type, reply.type);
  response.keep_alive(request.keep_alive());
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

Response Handle(Shared& shared, const Request& request) {
  const std::string target(request.target().substr(0, request.target().find('?')));
  const bool is_get = request.method() == http::verb::get;
  if (target == "/ping" && is_get) return Make(request, {200, "text/plain", ""});
  if (target == "/execution-parameters" && is_get) {
    const unsigned workers = std::max(1U, std::thread::hardware_concurrency());
    return Make(request, {200, "application/json",
                          "{\"MaxConcurrentTransforms\": " + std::to_string(workers) +
                              ", \"BatchStrategy\": \"MULTI_RECORD\", \"MaxPayloadInMB\": 6}"});
  }
  if (target != "/invocations") return Make(request, {404, "text/plain", "not found"});
  if (request.method() != http::verb::post)
    return Make(request, {405, "text/plain", "method not allowed"});
  const std::string type(request[http::field::content_type]);
  const std::string accept(request[http::field::accept]);
  const std::lock_guard lock(shared.mutex);
  return Make(request, Predict(shared.booster, type, accept, request.body(), shared.is_batch));
}

void Talk(Shared& shared, tcp::socket socket) {
  beast::flat_buffer buffer;
  beast::error_code error;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(shared.body_max);
    http::read(socket, buffer, parser, error);
    if (error == http::error::body_limit) {
      Response response =
          Make(parser.get(), {413, "text/plain", "the request's body is too large"});
      response.keep_alive(false);
      http::write(socket, response, error);
      break;
    }
    if (error) break;
    const Response response = Handle(shared, parser.get());
    http::write(socket, response, error);
    if (error || !parser.get().keep_alive()) break;
  }
  socket.shutdown(tcp::socket::shutdown_both, error);  // the other side may be gone: nothing to do
  shared.places.release();
}

/// The model: xgboost-model, or the one file that there is.
Result<std::string> FindModel(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;  // no folder: no files
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(error) && !name.starts_with('.')) files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) return UserError("there is no model in " + folder);
  const auto usual = std::find(files.begin(), files.end(), "xgboost-model");
  return folder + "/" + (usual == files.end() ? files.front() : *usual);
}

void EndNow(int) { std::_Exit(0); }

}  // namespace

Result<> Serve(const std::string& folder, int port, bool is_batch) {
  ::signal(SIGTERM, EndNow);
  MILL_TRY(const std::string path, FindModel(folder));
  static Shared shared;  // outlives the connections' threads
  MILL_TRY(shared.booster, Booster::Load(path));
  shared.is_batch = is_batch;
  MILL_CHECK(shared.booster.Set("nthread", "1"));
  if (const char* most = std::getenv("MAX_CONTENT_LENGTH"))
    shared.body_max =
        static_cast<uint64_t>(ParseInt(most).value_or(static_cast<int64_t>(kBodyMaxDefault)));
  asio::io_context context;
  beast::error_code error;
  tcp::acceptor acceptor(context);
  const tcp::endpoint endpoint(tcp::v4(), static_cast<uint16_t>(port));
  acceptor.open(endpoint.protocol(), error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return AlgorithmError("port " + std::to_string(port) + ": " + error.message());
  std::printf("Model loaded successfully from %s\n", path.c_str());
  std::fflush(stdout);
  for (;;) {
    shared.places.acquire();
    tcp::socket socket(context);
    acceptor.accept(socket, error);
    if (error) {
      shared.places.release();
      continue;
    }
    std::thread(Talk, std::ref(shared), std::move(socket)).detach();
  }
}

}  // namespace stepmill::xgboost
