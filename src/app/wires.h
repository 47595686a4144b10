#pragma once

#include <memory>
#include <string>

#include "io/loop.h"
#include "service/ports.h"

namespace stepmill {

/// Everything of the wire, wired: the server with the AWS protocols, the front ends, the proxy and
/// the relay's socket, over one world's ports.
class Wires {
 public:
  static Result<std::unique_ptr<Wires>> Open(io::Loop& loop, Ports& ports);
  ~Wires();
  /// Takes calls from here on. "127.0.0.1:0" takes a free port; gives the address taken.
  Result<std::string> Listen(const std::string& address, int port);
  Task<> Drain(Time deadline);

 private:
  struct Parts;
  explicit Wires(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace stepmill
