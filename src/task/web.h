#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "task/task.h"

namespace stepmill {

struct WebHeader {
  std::string name, value;
};

/// One request to a server somewhere else.
struct WebRequest {
  std::string method = "GET";
  std::string url;  ///< "https://HOST[:PORT]/PATH?QUERY", percent-encoded
  /// In their order; a name may come again. Host, Content-Length and Connection are the client's.
  std::vector<WebHeader> headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};  ///< of the whole exchange
  size_t body_bytes_max = 262'144;            ///< of the answer
};
struct WebAnswer {
  int status = 0;
  std::string reason;              ///< as the status line has it
  std::vector<WebHeader> headers;  ///< as they came
  std::string body;
};

/// Port: HTTPS to servers outside. io/ implements it; tests have one that answers from a table.
///
/// The server's certificate is verified. Redirects are not followed. Errors: kInvalid, the request
/// is none; kTimeout; kLimit, the body is over body_bytes_max; kUnavailable, the server cannot be
/// reached or trusted ("ConnectFailed", "TlsFailed": nothing was sent), or the connection broke.
/// Threads: loop thread. Calls may overlap.
class WebClient {
 public:
  virtual ~WebClient() = default;
  virtual Task<WebAnswer> Send(WebRequest request) = 0;
};

}  // namespace stepmill
