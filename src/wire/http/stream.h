#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstddef>
#include <memory>
#include <string_view>

namespace stepmill::wire {

namespace asio = boost::asio;

/// TCP and Unix sockets alike.
using Socket = asio::generic::stream_protocol::socket;

/// A connected byte stream, plain or TLS. Loop thread.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Bytes read; 0: the end, or the connection failed.
  virtual asio::awaitable<size_t> ReadSome(char* data, size_t size) = 0;
  /// False: the connection failed. `more` is written behind `bytes`, in the same call.
  virtual asio::awaitable<bool> Write(std::string_view bytes, std::string_view more = {}) = 0;
  /// Nothing more will be written.
  virtual asio::awaitable<void> EndWrite() = 0;
};

/// The socket outlives the stream and stays the owner of the connection.
std::unique_ptr<Stream> PlainStream(Socket& socket);
/// After the handshake as a server; null when that failed.
asio::awaitable<std::unique_ptr<Stream>> AcceptTls(Socket& socket, asio::ssl::context& context);

/// Copies both ways until both sides have ended.
asio::awaitable<void> Splice(Stream& a, Socket& a_socket, Stream& b, Socket& b_socket);

}  // namespace stepmill::wire
