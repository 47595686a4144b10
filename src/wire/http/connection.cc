#include "wire/http/connection.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <optional>

#include "base/log.h"
#include "base/strings.h"
#include "wire/http/limits.h"

namespace stepmill::wire {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 64 * 1024;

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// "Host: name:4566" -> name; "[::1]:80" -> [::1].
std::string HostName(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
    host = host.substr(0, colon);
  return ToLower(host);
}

int PortOf(std::string_view host, int other) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return other;
  const auto port = ParseInt(host.substr(colon + 1));
  return port && *port > 0 && *port < 65536 ? static_cast<int>(*port) : other;
}

std::string StatusLine(int status) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason.data(), reason.size()) +
         "\r\n";
}

}  // namespace

/// A connection's unparsed bytes and the parser of its present request.
struct Connection::Reader {
  boost::beast::flat_buffer buffer;
  std::optional<http::request_parser<http::buffer_body>> parser;
  bool is_failed = false;

  void Begin() {
    parser.emplace();
    parser->header_limit(kHeaderBytesMax);
    parser->body_limit(boost::none);
    parser->eager(false);
  }

  /// Gives the parser what is there. False: it needs more bytes, has no room for more, or failed.
  bool Put(error_code& error) {
    error = {};
    const size_t used = parser->put(buffer.data(), error);
    buffer.consume(used);
    if (error == http::error::need_more || error == http::error::need_buffer) return false;
    if (error) is_failed = true;
    return !error;
  }

  asio::awaitable<bool> Fill(Stream& stream) {
    const auto room = buffer.prepare(kReadBytes);
    const size_t count = co_await stream.ReadSome(static_cast<char*>(room.data()), room.size());
    buffer.commit(count);
    co_return count > 0;
  }
};

/// The body of the present request; reads from the connection when asked to.
class Connection::Body : public ByteSource {
 public:
  Body(Connection& connection, Reader& reader, bool expects_continue)
      : connection_(connection), reader_(reader), expects_continue_(expects_continue) {}

  Task<std::string> Read() override {
    auto& parser = *reader_.parser;
    if (parser.is_done()) co_return std::string();
    if (expects_continue_) {
      expects_continue_ = false;
      const bool is_sent = co_await connection_.stream_->Write("HTTP/1.1 100 Continue\r\n\r\n");
      if (!is_sent) co_return Failed();
    }
    const auto left = parser.content_length_remaining();
    std::string out(left ? std::min<uint64_t>(*left, kChunkBytes) : kReadBytes, '\0');
    auto& body = parser.get().body();
    body.data = out.data();
    body.size = out.size();
    body.more = true;
    while (!parser.is_done() && body.size > 0) {
      error_code error;
      const size_t before = reader_.buffer.size();
      const bool has_advanced = before > 0 && reader_.Put(error);
      if (reader_.is_failed) co_return Failed();
      if (error == http::error::need_buffer) break;
      if (has_advanced ||
          (before > 0 && reader_.buffer.size() < before && reader_.buffer.size() > 0))
        continue;
      if (parser.is_done()) break;
      connection_.ExpectProgress(kStallMax);
      const bool is_filled = co_await reader_.Fill(*connection_.stream_);
      if (!is_filled) co_return Failed();
      connection_.deadline_ = Time::max();  // the handler's turn again
    }
    out.resize(out.size() - body.size);
    if (out.empty() && !parser.is_done()) co_return co_await Read();
    co_return out;
  }

  bool expects_continue() const { return expects_continue_; }

 private:
  Error Failed() {
    reader_.is_failed = true;
    return Error{Code::kUnavailable, "RequestTimeout",
                 "Your socket connection to the server was not read from or written to within the "
                 "timeout period, or was closed early."};
  }

  Connection& connection_;
  Reader& reader_;
  bool expects_continue_;
};

Connection::Connection(ConnectionOwner& owner, Socket socket, std::string peer_ip, bool is_relay)
    : owner_(owner), socket_(std::move(socket)), peer_ip_(std::move(peer_ip)), is_relay_(is_relay) {
  stream_ = PlainStream(socket_);
  ExpectProgress(kIdleMax);
}

Connection::~Connection() = default;

void Connection::Close() {
  error_code ignored;  // closing twice is fine
  socket_.close(ignored);
}

void Connection::ExpectProgress(std::chrono::seconds limit) {
  deadline_ = owner_.parts.clock.Now() + limit;
}

asio::awaitable<void> Connection::Run() {
  if (is_relay_) {
    const bool is_known = co_await ReadRelayLine();
    if (!is_known) co_return;
  }
  const bool is_ready = co_await DetectTls();
  if (is_ready) co_await ServeRequests();
}

asio::awaitable<bool> Connection::ReadRelayLine() {
  std::string line;
  char byte = 0;
  while (line.size() < kRelayLineMax) {
    const size_t count = co_await stream_->ReadSome(&byte, 1);
    if (count == 0) co_return false;
    if (byte == '\n') break;
    line += byte;
  }
  const auto words = Split(line, ' ');
  const auto port = words.size() == 3 ? ParseInt(words[2]) : std::nullopt;
  if (!port || words[0] != "STEPMILL-RELAY") co_return false;
  job_id_ = std::string(words[1]);
  relay_port_ = static_cast<int>(*port);
  co_return true;
}

asio::awaitable<bool> Connection::DetectTls() {
  if (!owner_.parts.certificates) co_return true;
  char first = 0;
  is_idle_ = true;
  const auto [error, count] =
      co_await socket_.async_receive(asio::buffer(&first, 1), Socket::message_peek, kAsTuple);
  is_idle_ = false;
  if (error || count == 0) co_return false;
  constexpr char kTlsHandshake = 0x16;
  if (first != kTlsHandshake) co_return true;
  co_return co_await StartTls("localhost");
}

asio::awaitable<bool> Connection::StartTls(std::string name) {
  const auto context = owner_.parts.certificates->ContextFor(name);
  if (!context) {
    MILL_LOG(kError, "no certificate for " + name + ": " + context.error().message);
    co_return false;
  }
  ExpectProgress(kStallMax);
  auto tls = co_await AcceptTls(socket_, **context);
  if (!tls) co_return false;
  stream_ = std::move(tls);
  is_tls_ = true;
  tls_name_ = std::move(name);
  co_return true;
}

asio::awaitable<void> Connection::ServeRequests() {
  Reader reader;
  while (true) {
    reader.Begin();
    is_idle_ = reader.buffer.size() == 0;
    ExpectProgress(kIdleMax);
    while (!reader.parser->is_header_done()) {
      error_code error;
      if (reader.buffer.size() > 0 && reader.Put(error)) continue;
      if (error == http::error::header_limit) {
        co_await Refuse(431, "The request's header is too large.");
        co_return;
      }
      if (reader.is_failed) {
        co_await Refuse(400, "The request could not be read: " + error.message());
        co_return;
      }
      if (owner_.is_draining && is_idle_) co_return;
      const bool is_filled = co_await reader.Fill(*stream_);
      if (!is_filled) co_return;
      if (is_idle_) ExpectProgress(kStallMax);
      is_idle_ = false;
    }
    const bool is_kept = co_await ServeOne(reader);
    if (!is_kept) co_return;
  }
}

asio::awaitable<bool> Connection::ServeOne(Reader& reader) {
  const auto& message = reader.parser->get();
  HttpRequest request;
  request.method = std::string(View(message.method_string()));
  request.target = std::string(View(message.target()));
  for (const auto& field : message)
    request.headers.Add(ToLower(View(field.name_string())), std::string(View(field.value())));
  request.scheme = is_tls_ ? "https" : "http";
  request.peer_ip = peer_ip_;
  request.job_id = job_id_;
  request.relay_port = relay_port_;
  const auto length = reader.parser->content_length();
  if (length) request.content_length = *length;
  const bool is_http10 = message.version() < 11;
  bool is_kept = reader.parser->keep_alive() && !owner_.is_draining;
  const bool expects_continue =
      EqualsIgnoreCase(request.headers.Get("expect"), "100-continue") && !is_http10;
  Body body(*this, reader, expects_continue);
  request.body = &body;

  if (request.method == "CONNECT") {
    const bool is_inside = co_await Connect(request);
    reader.buffer.clear();
    co_return is_inside;
  }
  if (request.target.rfind("http://", 0) == 0) {  // absolute form: asked as a proxy
    const size_t slash = request.target.find('/', 7);
    const std::string authority = request.target.substr(7, slash - 7);
    request.target = slash == std::string::npos ? "/" : request.target.substr(slash);
    const std::string host = HostName(authority);
    const int port = PortOf(authority, 80);
    const Route route = owner_.parts.router
                            ? owner_.parts.router->RouteFor(host, port, job_id_)
                            : Route{Route::Kind::kRefuse, "This server is no proxy."};
    if (route.kind == Route::Kind::kRefuse) {
      co_await Refuse(403, route.reason);
      co_return false;
    }
    if (route.kind == Route::Kind::kTunnel) {
      co_await Forward(request, host, port);
      co_return false;
    }
    request.headers.Set("host", authority);
  }
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.host = HostName(request.headers.Get("host"));

  deadline_ = Time::max();  // a handler takes what it takes
  HttpResponse response = co_await owner_.parts.handler.Handle(request);
  if (reader.is_failed || body.expects_continue()) is_kept = false;
  for (size_t unread = 0; is_kept && !reader.parser->is_done();) {
    const auto left = reader.parser->content_length_remaining();
    if ((left && *left > kUnreadBytesMax) || unread > kUnreadBytesMax) {
      is_kept = false;
      break;
    }
    const auto bytes = co_await body.Read();
    if (!bytes) is_kept = false;
    if (bytes) unread += bytes->size();
  }
  if (owner_.is_draining) is_kept = false;
  const bool is_written =
      co_await WriteResponse(std::move(response), request.method == "HEAD", is_http10, is_kept);
  if (is_written && !is_kept) {
    co_await stream_->EndWrite();
    const bool is_half_read = !reader.parser->is_done() && !body.expects_continue();
    if (is_half_read && !is_tls_) co_await Linger(body);
  }
  co_return is_written&& is_kept;
}

/// Takes in what the client still sends: closing on it would reset the connection, and the client
/// would lose the answer.
asio::awaitable<void> Connection::Linger(ByteSource& body) {
  const Time end = owner_.parts.clock.Now() + kLingerMax;
  for (uint64_t total = 0; total < kLingerBytesMax;) {
    const auto bytes = co_await body.Read();
    if (!bytes || bytes->empty()) co_return;
    total += bytes->size();
    if (owner_.parts.clock.Now() > end) co_return;
  }
}

asio::awaitable<bool> Connection::WriteResponse(HttpResponse response, bool is_head, bool is_http10,
                                                bool is_kept) {
  std::string head = StatusLine(response.status);
  for (const auto& [name, value] : response.headers.fields()) {
    if (value.find_first_of("\r\n") != std::string::npos) continue;  // never split a response
    head += name + ": " + value + "\r\n";
  }
  if (!response.headers.Has("Date"))
    head += "Date: " + FormatTime(owner_.parts.clock.Now(), "%a, %d %b %Y %H:%M:%S GMT") + "\r\n";
  const bool has_no_body = response.status == 204 || response.status == 304;
  const bool is_chunked = response.stream && !response.stream_length && !is_http10;
  if (response.stream && !response.stream_length && is_http10) is_kept = false;
  if (has_no_body) {
    response.body.clear();
  } else if (is_head && response.head_length) {
    head += "Content-Length: " + std::to_string(*response.head_length) + "\r\n";
  } else if (is_chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (response.stream_length || !response.stream) {
    head +=
        "Content-Length: " + std::to_string(response.stream_length.value_or(response.body.size())) +
        "\r\n";
  }
  head += is_kept ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  ExpectProgress(kStallMax);
  const bool sends_body = !is_head && !has_no_body;
  const bool is_written = co_await stream_->Write(
      head, sends_body ? std::string_view(response.body) : std::string_view());
  if (!is_written || !sends_body || !response.stream) co_return is_written;
  const bool is_streamed = co_await WriteStream(*response.stream, is_chunked);
  co_return is_streamed && (is_kept || is_chunked || response.stream_length);
}

asio::awaitable<bool> Connection::WriteStream(ByteSource& source, bool is_chunked) {
  while (true) {
    deadline_ = Time::max();
    Result<std::string> bytes = co_await source.Read();
    if (!bytes) {
      MILL_LOG(kWarn, "an answer broke off: " + bytes.error().message);
      Close();  // the client must see that the answer is incomplete
      co_return false;
    }
    ExpectProgress(kStallMax);
    if (bytes->empty()) break;
    bool is_written = false;
    if (is_chunked) {
      char size[32];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes->size());
      bytes->append("\r\n");
      is_written = co_await stream_->Write(size, *bytes);
    } else {
      is_written = co_await stream_->Write(*bytes);
    }
    if (!is_written) co_return false;
  }
  if (!is_chunked) co_return true;
  co_return co_await stream_->Write("0\r\n\r\n");
}

asio::awaitable<void> Connection::Refuse(int status, std::string text) {
  HttpResponse response = TextResponse(status, std::move(text) + "\n");
  const bool is_written = co_await WriteResponse(std::move(response), false, false, false);
  if (is_written) co_await stream_->EndWrite();
}

/// CONNECT host:port. True: the connection is TLS now and carries requests for `host`.
asio::awaitable<bool> Connection::Connect(HttpRequest& request) {
  const std::string host = HostName(request.target);
  const int port = PortOf(request.target, 443);
  if (!owner_.parts.router || is_tls_) {
    co_await Refuse(405, "This server is no proxy.");
    co_return false;
  }
  const Route route = owner_.parts.router->RouteFor(host, port, job_id_);
  if (route.kind == Route::Kind::kRefuse) {
    co_await Refuse(403, route.reason);
    co_return false;
  }
  if (route.kind == Route::Kind::kTunnel) {
    co_await Tunnel(host, port, "", true, nullptr);
    co_return false;
  }
  const bool is_written = co_await stream_->Write("HTTP/1.1 200 Connection established\r\n\r\n");
  if (!is_written || !owner_.parts.certificates) co_return false;
  co_return co_await StartTls(host);
}

/// A plain request for another host: sent on with its path, then bytes both ways until the end.
asio::awaitable<void> Connection::Forward(HttpRequest& request, const std::string& host, int port) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.headers.fields()) {
    if (name == "connection" || name == "proxy-connection" || name == "expect") continue;
    if (name == "transfer-encoding" || name == "proxy-authorization") continue;
    head += name + ": " + value + "\r\n";
  }
  const bool is_chunked = request.headers.Has("transfer-encoding");
  if (is_chunked) {
    co_await Refuse(411, "A request that is sent on needs a Content-Length.");
    co_return;
  }
  head += "connection: close\r\n\r\n";
  co_await Tunnel(host, port, std::move(head), false, request.body);
}

asio::awaitable<void> Connection::Tunnel(const std::string& host, int port, std::string first_bytes,
                                         bool is_connect, ByteSource* body) {
  asio::ip::tcp::resolver resolver(owner_.context);
  deadline_ = owner_.parts.clock.Now() + kConnectMax;
  auto [resolve_error, places] =
      co_await resolver.async_resolve(host, std::to_string(port), kAsTuple);
  asio::ip::tcp::socket socket(owner_.context);
  error_code error = resolve_error;
  if (!error) {
    const auto [connect_error, place] = co_await asio::async_connect(socket, places, kAsTuple);
    error = connect_error;
  }
  if (error) {
    co_await Refuse(
        502, "No connection to " + host + ":" + std::to_string(port) + ": " + error.message());
    co_return;
  }
  Socket far_socket(std::move(socket));
  const std::unique_ptr<Stream> far = PlainStream(far_socket);
  deadline_ = Time::max();
  bool is_written = false;
  if (is_connect)
    is_written = co_await stream_->Write("HTTP/1.1 200 Connection established\r\n\r\n");
  else
    is_written = co_await far->Write(first_bytes);
  while (is_written && body) {
    const auto bytes = co_await body->Read();
    if (!bytes) co_return;
    if (bytes->empty()) break;
    is_written = co_await far->Write(*bytes);
  }
  if (is_written) co_await Splice(*stream_, socket_, *far, far_socket);
}

}  // namespace stepmill::wire
