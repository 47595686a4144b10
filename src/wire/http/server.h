#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "task/ports.h"
#include "wire/http/http.h"

namespace stepmill::wire {

/// Certificates for names, made on demand. Implemented by wire/proxy.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;
  /// A server context whose certificate is for exactly `name`; lives as long as the source.
  virtual Result<asio::ssl::context*> ContextFor(const std::string& name) = 0;
};

/// Where a proxied connection (CONNECT, or a request for another host) goes.
struct Route {
  enum class Kind { kAnswer, kTunnel, kRefuse } kind = Kind::kRefuse;
  std::string reason;  ///< kRefuse: the text of the 403
};
class ProxyRouter {
 public:
  virtual ~ProxyRouter() = default;
  virtual Route RouteFor(const std::string& host, int port, const std::string& job_id) = 0;
};

/// HTTP/1.1 over TCP (loopback) and Unix sockets, and an HTTP proxy on the same ports. A connection
/// that begins with a TLS hello is taken as TLS. One coroutine a connection, on the loop thread.
class HttpServer {
 public:
  struct Parts {
    HttpHandler& handler;
    Clock& clock;
    Random& random;
    CertificateSource* certificates = nullptr;  ///< nullptr: no TLS
    ProxyRouter* router = nullptr;              ///< nullptr: no proxying
  };
  HttpServer(asio::io_context& context, Parts parts);
  ~HttpServer();

  /// Listens on a loopback address; port 0 takes a free one. Gives the port.
  Result<int> ListenTcp(const std::string& address, int port);
  /// `is_relay`: every connection begins with "STEPMILL-RELAY <job id> <port>\n".
  Result<> ListenUnix(const std::string& path, bool is_relay);

  /// Takes no new connection, lets requests under way finish, closes idle connections. Returns when
  /// all are gone, or at `deadline`.
  Task<> Drain(Time deadline);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace stepmill::wire
