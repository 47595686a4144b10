#pragma once

#include <chrono>
#include <map>
#include <string>

#include "io/loop.h"

namespace stepmill::io {

/// One request to a server on this machine (the engine's socket, stepmill itself): whole bodies,
/// plain HTTP.
struct ClientRequest {
  std::string socket_path;  ///< a Unix socket; empty: `host` and `port`
  std::string host;
  uint16_t port = 0;
  std::string method = "GET";
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};
};
struct ClientAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One HTTP/1.1 exchange on a connection of its own. kUnavailable: nobody listens ("ConnectFailed":
/// nothing was sent), or the connection broke (the outcome is unknown); kTimeout; kLimit: an answer
/// over 64 MiB.
Task<ClientAnswer> SendRequest(Loop& loop, ClientRequest request);

}  // namespace stepmill::io
