#include "wire/http/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "base/log.h"
#include "wire/http/connection.h"
#include "wire/http/limits.h"

namespace stepmill::wire {

namespace {
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kSweepEvery{5};
constexpr std::chrono::milliseconds kAcceptPause{50};  // out of file descriptors: breathe
}  // namespace

/// Shared: connections and accept loops hold it until they have ended.
class HttpServer::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& context, Parts parts) : owner_{parts, context}, sweep_timer_(context) {}

  template <class Acceptor>
  static asio::awaitable<void> Accept(std::shared_ptr<Core> core,
                                      std::shared_ptr<Acceptor> acceptor, bool is_relay) {
    while (acceptor->is_open()) {
      auto [error, socket] = co_await acceptor->async_accept(kAsTuple);
      if (error == asio::error::operation_aborted || !acceptor->is_open()) co_return;
      if (error) {
        asio::steady_timer pause(core->owner_.context, kAcceptPause);
        co_await pause.async_wait(kAsTuple);
        continue;
      }
      if (core->connections_.size() >= kConnectionsMax) continue;  // closes it
      core->Begin(std::move(socket), is_relay);
    }
  }

  void Begin(asio::ip::tcp::socket socket, bool is_relay) {
    boost::system::error_code ignored;  // both only cost speed or a log field
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto peer = socket.remote_endpoint(ignored);
    Begin(Socket(std::move(socket)), peer.address().to_string(), is_relay);
  }
  void Begin(asio::local::stream_protocol::socket socket, bool is_relay) {
    Begin(Socket(std::move(socket)), "", is_relay);
  }
  void Begin(Socket socket, std::string peer_ip, bool is_relay) {
    auto connection =
        std::make_unique<Connection>(owner_, std::move(socket), std::move(peer_ip), is_relay);
    connections_.insert(connection.get());
    if (connections_.size() == 1) Sweep();
    asio::co_spawn(owner_.context, Serve(shared_from_this(), std::move(connection)),
                   asio::detached);
  }

  static asio::awaitable<void> Serve(std::shared_ptr<Core> core,
                                     std::unique_ptr<Connection> connection) {
    try {
      co_await connection->Run();
    } catch (const std::exception& e) {  // one connection's fault must not end the server
      MILL_LOG(kError, std::string("a connection failed: ") + e.what());
    }
    core->connections_.erase(connection.get());
    if (core->connections_.empty()) {
      core->sweep_timer_.cancel();
      if (core->owner_.is_draining) core->idle_.Set();
    }
  }

  /// Closes what is overdue, every few seconds, while there are connections.
  void Sweep() {
    sweep_timer_.expires_after(kSweepEvery);
    sweep_timer_.async_wait([core = shared_from_this()](const boost::system::error_code& error) {
      if (error || core->connections_.empty()) return;
      const Time now = core->owner_.parts.clock.Now();
      for (Connection* connection : core->connections_)
        if (connection->deadline() < now) connection->Close();
      core->Sweep();
    });
  }

  void StopAccepting() {
    owner_.is_draining = true;
    boost::system::error_code ignored;  // closing a listening socket has nothing to lose
    for (const auto& acceptor : tcp_) acceptor->close(ignored);
    for (const auto& acceptor : unix_) acceptor->close(ignored);
    for (Connection* connection : connections_)
      if (connection->is_idle()) connection->Close();
  }

  ConnectionOwner owner_;
  std::set<Connection*> connections_;
  std::vector<std::shared_ptr<asio::ip::tcp::acceptor>> tcp_;
  std::vector<std::shared_ptr<asio::local::stream_protocol::acceptor>> unix_;
  asio::steady_timer sweep_timer_;
  Signal idle_;
};

HttpServer::HttpServer(asio::io_context& context, Parts parts)
    : core_(std::make_shared<Core>(context, parts)) {}
HttpServer::~HttpServer() {
  core_->StopAccepting();
  for (Connection* connection : core_->connections_) connection->Close();
}

Result<int> HttpServer::ListenTcp(const std::string& address, int port) {
  const std::string place = address + ":" + std::to_string(port);
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) return Error{Code::kInvalid, "InvalidAddress", place + ": no IP address"};
  if (!ip.is_loopback())
    return Error{Code::kInvalid, "InvalidAddress",
                 place + ": policies are not evaluated yet, so only loopback is served"};
  const asio::ip::tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
  auto acceptor = std::make_shared<asio::ip::tcp::acceptor>(core_->owner_.context);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return Error{Code::kUnavailable, "CannotListen", place + ": " + error.message()};
  const int bound = acceptor->local_endpoint().port();
  core_->tcp_.push_back(acceptor);
  asio::co_spawn(core_->owner_.context, Core::Accept(core_, acceptor, false), asio::detached);
  return bound;
}

Result<> HttpServer::ListenUnix(const std::string& path, bool is_relay) {
  using Protocol = asio::local::stream_protocol;
  ::unlink(path.c_str());  // left by a server that was killed
  boost::system::error_code error;
  auto acceptor = std::make_shared<Protocol::acceptor>(core_->owner_.context);
  if (path.size() > 100)
    return Error{Code::kInvalid, "CannotListen", path + ": too long for a Unix socket"};
  acceptor->open(Protocol(), error);
  if (!error) acceptor->bind(Protocol::endpoint(path), error);
  if (!error && ::chmod(path.c_str(), 0600) != 0) error = asio::error::access_denied;
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return Error{Code::kUnavailable, "CannotListen", path + ": " + error.message()};
  core_->unix_.push_back(acceptor);
  asio::co_spawn(core_->owner_.context, Core::Accept(core_, acceptor, is_relay), asio::detached);
  return Result<>();
}

Task<> HttpServer::Drain(Time deadline) {
  core_->StopAccepting();
  const std::shared_ptr<Core> core = core_;
  if (core->connections_.empty()) co_return Result<>();
  const uint64_t handle = core->owner_.parts.clock.WakeAt(deadline, [core] { core->idle_.Set(); });
  MILL_CO_CHECK(co_await core->idle_.Wait());
  core->owner_.parts.clock.Cancel(handle);
  co_return Result<>();
}

}  // namespace stepmill::wire
