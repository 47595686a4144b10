#include "wire/http/stream.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <vector>

namespace stepmill::wire {

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kSpliceBytes = 64 * 1024;

/// `Layer` is Socket& or an ssl::stream over one.
template <class Layer>
asio::awaitable<size_t> ReadFrom(Layer& layer, char* data, size_t size) {
  const auto [error, count] = co_await layer.async_read_some(asio::buffer(data, size), kAsTuple);
  co_return error ? 0 : count;
}

template <class Layer>
asio::awaitable<bool> WriteTo(Layer& layer, std::string_view bytes, std::string_view more) {
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(bytes), asio::buffer(more)};
  const auto [error, count] = co_await asio::async_write(layer, buffers, kAsTuple);
  co_return !error && count == bytes.size() + more.size();
}

class Plain : public Stream {
 public:
  explicit Plain(Socket& socket) : socket_(socket) {}
  asio::awaitable<size_t> ReadSome(char* data, size_t size) override {
    return ReadFrom(socket_, data, size);
  }
  asio::awaitable<bool> Write(std::string_view bytes, std::string_view more) override {
    return WriteTo(socket_, bytes, more);
  }
  asio::awaitable<void> EndWrite() override {
    boost::system::error_code ignored;  // the other side may be gone already
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }

 private:
  Socket& socket_;
};

class Tls : public Stream {
 public:
  Tls(Socket& socket, asio::ssl::context& context) : layer_(socket, context) {}
  asio::awaitable<bool> Handshake() {
    const auto [error] = co_await layer_.async_handshake(asio::ssl::stream_base::server, kAsTuple);
    co_return !error;
  }
  asio::awaitable<size_t> ReadSome(char* data, size_t size) override {
    return ReadFrom(layer_, data, size);
  }
  asio::awaitable<bool> Write(std::string_view bytes, std::string_view more) override {
    // One TLS record for head and body of small answers.
    if (bytes.size() + more.size() > 16 * 1024) return WriteTo(layer_, bytes, more);
    joined_.assign(bytes).append(more);
    return WriteTo(layer_, joined_, {});
  }
  asio::awaitable<void> EndWrite() override {
    // The close-notify of the other side is not waited for: its socket is about to be closed.
    SSL_shutdown(layer_.native_handle());
    boost::system::error_code ignored;
    layer_.next_layer().shutdown(Socket::shutdown_send, ignored);
    co_return;
  }

 private:
  asio::ssl::stream<Socket&> layer_;
  std::string joined_;
};

asio::awaitable<void> Pump(Stream& from, Stream& to, Socket& from_socket, Socket& to_socket) {
  std::vector<char> buffer(kSpliceBytes);
  while (const size_t count = co_await from.ReadSome(buffer.data(), buffer.size())) {
    const bool is_written = co_await to.Write(std::string_view(buffer.data(), count));
    if (!is_written) {
      boost::system::error_code ignored;  // both sides end together
      from_socket.close(ignored);
      to_socket.close(ignored);
      co_return;
    }
  }
  co_await to.EndWrite();
}

}  // namespace

std::unique_ptr<Stream> PlainStream(Socket& socket) { return std::make_unique<Plain>(socket); }

asio::awaitable<std::unique_ptr<Stream>> AcceptTls(Socket& socket, asio::ssl::context& context) {
  auto stream = std::make_unique<Tls>(socket, context);
  const bool is_done = co_await stream->Handshake();
  if (!is_done) co_return nullptr;
  co_return stream;
}

asio::awaitable<void> Splice(Stream& a, Socket& a_socket, Stream& b, Socket& b_socket) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT: operator&& below
  co_await (Pump(a, b, a_socket, b_socket) && Pump(b, a, b_socket, a_socket));
}

}  // namespace stepmill::wire
