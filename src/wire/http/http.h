#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "blob/blob_store.h"
#include "json/json.h"
#include "task/task.h"

namespace stepmill::wire {

/// Header fields in their order. Requests carry lower-case names.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// Replaces every field of this name.
  void Set(std::string name, std::string value);
  /// The first value; empty when there is none (see Has). Names compare without case.
  std::string_view Get(std::string_view name) const;
  /// All values of a name, joined with ", ": some clients send one Accept a line.
  std::string Joined(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// One request as it came, with its body still to be read.
struct HttpRequest {
  std::string method;
  std::string target;  ///< as sent: path and query
  std::string path;    ///< as sent, still percent-encoded, without the query
  std::string query;   ///< without '?', still encoded
  Headers headers;
  std::string host;            ///< the Host header without its port, lower case
  std::string scheme;          ///< "http" or "https"
  std::string peer_ip;         ///< "127.0.0.1"; empty for Unix sockets
  std::string job_id;          ///< not empty: came through the relay of this job
  int relay_port = 0;          ///< 4566, or 80: the container credentials endpoint
  ByteSource* body = nullptr;  ///< never null
  std::optional<uint64_t> content_length;

  /// The decoded value of a query parameter; nullopt: not there ("?x" and "?x=" are both "").
  std::optional<std::string> Query(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;                    ///< when there is no stream
  std::unique_ptr<ByteSource> stream;  ///< chunked, unless `stream_length` is known
  std::optional<uint64_t> stream_length;
  /// The answer to HEAD: this length is announced, nothing is sent.
  std::optional<uint64_t> head_length;
};

/// Answers requests. Never fails: an error is a response.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual asio::awaitable<HttpResponse> Handle(HttpRequest& request) = 0;
};

/// text/plain, for front ends that speak to people or to git.
HttpResponse TextResponse(int status, std::string text);
HttpResponse JsonResponse(int status, const Json& body,
                          std::string content_type = "application/json");

}  // namespace stepmill::wire
