#pragma once

#include <memory>

#include "io/loop.h"
#include "task/web.h"

namespace stepmill::io {

/// HTTPS by Beast and OpenSSL, one connection an exchange, so many at a time. Trusted are the
/// system's roots and what SSL_CERT_FILE and SSL_CERT_DIR name, read with the first request.
class HttpsClient final : public WebClient {
 public:
  explicit HttpsClient(Loop& loop);
  ~HttpsClient() override;
  Task<WebAnswer> Send(WebRequest request) override;

 private:
  struct Parts;
  Loop& loop_;
  std::unique_ptr<Parts> parts_;
};

/// The parts of a URL; kInvalid: not "https", a user, no host, or not percent-encoded.
struct WebPlace {
  std::string host;  ///< a name or an address (IPv6 without brackets)
  std::string port;  ///< "443" unless the URL says otherwise
  std::string host_header;
  std::string target;  ///< path and query
};
Result<WebPlace> PlaceOf(const std::string& url);

}  // namespace stepmill::io
