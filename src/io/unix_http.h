#pragma once

#include <chrono>
#include <map>
#include <string>

#include "io/loop.h"

namespace stepmill::io {

struct UnixHttpRequest {
  std::string socket_path;
  std::string method = "GET";
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};
};
struct UnixHttpAnswer {
  int status = 0;
  std::string body;
};

/// One HTTP/1.1 request over a Unix socket. kUnavailable: nobody listens, or the connection broke
/// (the outcome is unknown); kTimeout; kLimit: an answer over 64 MiB.
Task<UnixHttpAnswer> UnixHttp(Loop& loop, UnixHttpRequest request);

}  // namespace stepmill::io
