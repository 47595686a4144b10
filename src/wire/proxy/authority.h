#pragma once

#include <map>
#include <memory>
#include <string>

#include "task/ports.h"
#include "wire/http/server.h"

namespace stepmill::wire {

/// The installation's own certificate authority (ECDSA P-256). Files, made at first start:
///
///   DIR/ca/ca.key      the key, PEM, mode 0600
///   DIR/ca/ca.crt      the certificate, PEM, ten years
///   DIR/ca/bundle.pem  the system's roots and ca.crt; written anew at each start
///
/// Leaf certificates are made in memory, for exactly one name each, and live as long as this.
class Authority : public CertificateSource {
 public:
  static Result<std::unique_ptr<Authority>> Open(const std::string& folder, Clock& clock,
                                                 Random& random);
  ~Authority() override;
  Result<asio::ssl::context*> ContextFor(const std::string& name) override;

 private:
  struct Parts;
  static int OnServerName(SSL* ssl, int*, void* self);
  explicit Authority(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace stepmill::wire
