#include "io/http_client.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/strings.h"

namespace stepmill::io {

namespace http = boost::beast::http;
using Socket = asio::generic::stream_protocol::socket;

namespace {

constexpr uint64_t kAnswerMax = 64ull << 20;

std::string HostHeader(const ClientRequest& request) {
  return request.host.empty() ? "localhost" : request.host + ":" + std::to_string(request.port);
}

std::string Where(const ClientRequest& request) {
  return request.socket_path.empty() ? HostHeader(request) : request.socket_path;
}

/// `host` is an address or "localhost": no names are looked up.
asio::generic::stream_protocol::endpoint EndpointOf(const ClientRequest& request,
                                                    boost::system::error_code& error) {
  if (!request.socket_path.empty())
    return asio::local::stream_protocol::endpoint(request.socket_path);
  const auto address =
      asio::ip::make_address(request.host == "localhost" ? "127.0.0.1" : request.host, error);
  return asio::ip::tcp::endpoint(address, request.port);
}

Error Broken(const ClientRequest& request, const boost::system::error_code& error,
             bool is_timed_out) {
  const Code code = is_timed_out                       ? Code::kTimeout
                    : error == http::error::body_limit ? Code::kLimit
                                                       : Code::kUnavailable;
  return Error{code, "ConnectionError",
               request.method + " " + request.target + ": " +
                   (is_timed_out ? std::string("no answer in time") : error.message())};
}

Task<ClientAnswer> Exchange(Socket& socket, const ClientRequest& request,
                            const bool& is_timed_out) {
  boost::system::error_code error;
  const asio::generic::stream_protocol::endpoint endpoint = EndpointOf(request, error);
  if (!error)
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  if (error)
    co_return Error{Code::kUnavailable, "ConnectFailed",
                    "could not connect to " + Where(request) + ": " + error.message()};
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, HostHeader(request));
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  message.prepare_payload();
  co_await http::async_write(socket, message, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return Broken(request, error, is_timed_out);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerMax);
  parser.skip(request.method == "HEAD");  // its Content-Length is that of a GET
  co_await http::async_read(socket, buffer, parser,
                            asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return Broken(request, error, is_timed_out);
  ClientAnswer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get())
    answer.headers[ToLower(std::string_view(
        field.name_string().data(), field.name_string().size()))] = std::string(field.value());
  answer.body = std::move(parser.get().body());
  co_return answer;
}

}  // namespace

Task<ClientAnswer> SendRequest(Loop& loop, ClientRequest request) {
  const auto socket = std::make_shared<Socket>(loop.context());
  const auto is_timed_out = std::make_shared<bool>(false);
  const auto give_up = [socket, is_timed_out] {
    *is_timed_out = true;
    boost::system::error_code ignored;  // it may be closed already
    socket->close(ignored);
  };
  const uint64_t timer = loop.clock().WakeAt(loop.clock().Now() + request.timeout, give_up);
  Result<ClientAnswer> answer = co_await Exchange(*socket, request, *is_timed_out);
  loop.clock().Cancel(timer);
  co_return answer;
}

}  // namespace stepmill::io
