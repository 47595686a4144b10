#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "wire/http/server.h"
#include "wire/http/stream.h"

namespace stepmill::wire {

/// What a connection needs of its server.
struct ConnectionOwner {
  HttpServer::Parts parts;
  asio::io_context& context;
  bool is_draining = false;
};

/// One connection from its first byte to its last. Owned by its coroutine (Run); the server keeps a
/// pointer to close it when it is overdue.
class Connection {
 public:
  Connection(ConnectionOwner& owner, Socket socket, std::string peer_ip, bool is_relay);
  ~Connection();
  asio::awaitable<void> Run();

  Time deadline() const { return deadline_; }
  bool is_idle() const { return is_idle_; }
  void Close();

 private:
  class Body;
  struct Reader;

  asio::awaitable<bool> ReadRelayLine();
  asio::awaitable<bool> StartTls(std::string name);
  asio::awaitable<bool> DetectTls();
  asio::awaitable<void> ServeRequests();
  asio::awaitable<bool> ServeOne(Reader& reader);
  asio::awaitable<bool> Connect(HttpRequest& request);
  asio::awaitable<void> Forward(HttpRequest& request, const std::string& host, int port);
  asio::awaitable<void> Tunnel(const std::string& host, int port, std::string first_bytes,
                               bool is_connect, ByteSource* body);
  asio::awaitable<bool> WriteResponse(HttpResponse response, bool is_head, bool is_http10,
                                      bool is_kept);
  asio::awaitable<bool> WriteStream(ByteSource& source, bool is_chunked);
  asio::awaitable<void> Linger(ByteSource& body);
  asio::awaitable<void> Refuse(int status, std::string text);
  void ExpectProgress(std::chrono::seconds limit);

  ConnectionOwner& owner_;
  Socket socket_;
  std::unique_ptr<Stream> stream_;
  std::string peer_ip_, job_id_, tls_name_;
  int relay_port_ = 0;
  bool is_relay_ = false, is_tls_ = false, is_idle_ = false;
  Time deadline_{};
};

}  // namespace stepmill::wire
