#include "io/https_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdlib>
#include <deque>
#include <string_view>

#include "base/strings.h"

namespace stepmill::io {

namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr uint32_t kHeadersMax = 64 * 1024;
constexpr int kInterimMax = 8;  // answers of 1xx before the one that counts
constexpr int kExchangesMax =
    200;  // at a time; the others wait for their turn, before their time counts

constexpr const char* kSystemBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

Error Bad(const std::string& what) { return {Code::kInvalid, "InvalidRequest", what}; }

/// A value that would end its header early never leaves.
bool IsClean(const std::string& text) { return text.find_first_of("\r\n\0", 0, 3) == text.npos; }

Result<> CheckHeaders(const WebRequest& request) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const WebHeader& header : request.headers) {
    if (header.name.empty() || header.name.find_first_not_of(kToken) != std::string::npos)
      return Bad("the header name '" + header.name + "' is not valid");
    if (!IsClean(header.value)) return Bad("the header " + header.name + " has a line break");
  }
  if (request.method.empty() || request.method.find_first_not_of(kToken) != std::string::npos)
    return Bad("the method '" + request.method + "' is not valid");
  return {};
}

/// One exchange's connection; the timer that ends it shares it.
struct Connection {
  Connection(asio::io_context& context, asio::ssl::context& tls)
      : resolver(context), stream(context, tls) {}
  void End() {
    is_timed_out = true;
    resolver.cancel();
    ErrorCode ignored;  // it may be closed already
    stream.lowest_layer().close(ignored);
  }
  Tcp::resolver resolver;
  asio::ssl::stream<Tcp::socket> stream;
  bool is_timed_out = false;
};

Error Failed(const Connection& connection, const char* name, const std::string& what,
             const ErrorCode& error) {
  if (connection.is_timed_out) return {Code::kTimeout, "ConnectionTimeout", what + ": no answer"};
  if (error == http::error::body_limit)
    return {Code::kLimit, "AnswerTooLarge", what + ": the answer is too large"};
  return {Code::kUnavailable, name, what + ": " + error.message()};
}

auto Into(ErrorCode& error) { return asio::redirect_error(asio::use_awaitable, error); }

Task<> Connect(Connection& connection, const WebPlace& place) {
  ErrorCode error;
  const auto found =
      co_await connection.resolver.async_resolve(place.host, place.port, Into(error));
  if (error) co_return Failed(connection, "ConnectFailed", place.host_header, error);
  auto& socket = connection.stream.lowest_layer();
  co_await asio::async_connect(socket, found, Into(error));
  if (error) co_return Failed(connection, "ConnectFailed", place.host_header, error);
  socket.set_option(Tcp::no_delay(true), error);
  connection.stream.set_verify_mode(asio::ssl::verify_peer);
  connection.stream.set_verify_callback(asio::ssl::host_name_verification(place.host));
  ErrorCode not_an_address;
  asio::ip::make_address(place.host, not_an_address);
  if (not_an_address)  // RFC 6066: addresses have no server name
    SSL_set_tlsext_host_name(connection.stream.native_handle(), place.host.c_str());
  co_await connection.stream.async_handshake(asio::ssl::stream_base::client, Into(error));
  if (error) co_return Failed(connection, "TlsFailed", place.host_header, error);
  co_return Result<>();
}

using Parser = http::response_parser<http::string_body>;

WebAnswer Taken(Parser& parser) {
  WebAnswer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  answer.reason = std::string(parser.get().reason());
  if (answer.reason == "<unknown-status>") answer.reason.clear();
  for (const auto& field : parser.get())
    answer.headers.push_back({std::string(field.name_string().data(), field.name_string().size()),
                              std::string(field.value().data(), field.value().size())});
  answer.body = std::move(parser.get().body());
  return answer;
}

Task<WebAnswer> Receive(Connection& connection, const WebRequest& request, const WebPlace& place) {
  boost::beast::flat_buffer buffer;
  for (int i = 0; i < kInterimMax; ++i) {
    Parser parser;
    parser.body_limit(request.body_bytes_max);
    parser.header_limit(kHeadersMax);
    parser.skip(request.method == "HEAD");  // its Content-Length is that of a GET
    ErrorCode error;
    co_await http::async_read(connection.stream, buffer, parser, Into(error));
    // Many servers end a body without a length by closing the socket only.
    if (error == asio::ssl::error::stream_truncated && parser.is_header_done())
      parser.put_eof(error);
    if (error) co_return Failed(connection, "ConnectionError", place.host_header, error);
    if (parser.get().result_int() / 100 != 1) co_return Taken(parser);
  }
  co_return Error{Code::kUnavailable, "ConnectionError",
                  place.host_header + ": no end of interim answers"};
}

Task<WebAnswer> Exchange(Connection& connection, const WebRequest& request, const WebPlace& place) {
  MILL_CO_CHECK(co_await Connect(connection, place));
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(place.target);
  message.insert(http::field::host, place.host_header);
  for (const WebHeader& header : request.headers) message.insert(header.name, header.value);
  message.set(http::field::connection, "close");
  message.body() = request.body;
  message.prepare_payload();
  ErrorCode error;
  co_await http::async_write(connection.stream, message, Into(error));
  if (error) co_return Failed(connection, "ConnectionError", place.host_header, error);
  co_return co_await Receive(connection, request, place);
}

}  // namespace

Result<WebPlace> PlaceOf(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const auto refuse = [&](const char* why) { return Bad("'" + url + "' " + why); };
  if (!EqualsIgnoreCase(std::string_view(url).substr(0, kScheme.size()), kScheme))
    return refuse("is not an https URL");
  for (const char c : url)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7F)
      return refuse("has characters that a URL cannot have");
  const size_t end = std::min(url.find_first_of("/?#", kScheme.size()), url.size());
  std::string_view authority(url.data() + kScheme.size(), end - kScheme.size());
  if (authority.find('@') != authority.npos) return refuse("has a user");
  WebPlace place;
  place.host_header = std::string(authority);
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  place.port = "443";
  if (colon != authority.npos && (bracket == authority.npos || colon > bracket)) {
    place.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
    const auto port = ParseInt(place.port);
    if (!port || *port < 1 || *port > 65535) return refuse("has no valid port");
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  if (authority.empty()) return refuse("has no host");
  place.host = std::string(authority);
  place.target = url.substr(end, url.find('#', end) - end);
  if (!place.target.starts_with('/')) place.target.insert(0, "/");
  return place;
}

struct HttpsClient::Parts {
  std::unique_ptr<asio::ssl::context> tls;
  int open = 0;
  std::deque<std::shared_ptr<Signal>> waiting;

  Task<> Enter() {
    if (open < kExchangesMax) {
      ++open;
      co_return Result<>();
    }
    const auto turn = std::make_shared<Signal>();
    waiting.push_back(turn);
    co_return co_await turn->Wait();
  }
  /// The place goes on to who waits longest.
  void Leave() {
    if (waiting.empty()) {
      --open;
      return;
    }
    waiting.front()->Set();
    waiting.pop_front();
  }

  /// What cannot be read is missing: a certificate under it then does not verify.
  asio::ssl::context& Tls() {
    if (tls) return *tls;
    tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    ErrorCode ignored;
    tls->set_default_verify_paths(ignored);
    // OpenSSL takes SSL_CERT_FILE in place of the system's file, not besides it.
    if (std::getenv("SSL_CERT_FILE") || std::getenv("SSL_CERT_DIR"))
      for (const char* bundle : kSystemBundles) tls->load_verify_file(bundle, ignored);
    return *tls;
  }
};

HttpsClient::HttpsClient(Loop& loop) : loop_(loop), parts_(std::make_unique<Parts>()) {}
HttpsClient::~HttpsClient() = default;

Task<WebAnswer> HttpsClient::Send(WebRequest request) {
  MILL_CO_TRY(const WebPlace place, PlaceOf(request.url));
  MILL_CO_CHECK(CheckHeaders(request));
  MILL_CO_CHECK(co_await parts_->Enter());
  const auto connection = std::make_shared<Connection>(loop_.context(), parts_->Tls());
  const uint64_t timer = loop_.clock().WakeAt(loop_.clock().Now() + request.timeout,
                                              [connection] { connection->End(); });
  Result<WebAnswer> answer = co_await Exchange(*connection, request, place);
  loop_.clock().Cancel(timer);
  parts_->Leave();
  co_return answer;
}

}  // namespace stepmill::io
