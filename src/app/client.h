#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "io/http_client.h"
#include "json/json.h"

namespace stepmill {

/// Whom the command line talks to and as whom: AWS_ENDPOINT_URL (else http://127.0.0.1:4566), keys
/// and region from the environment, else from a shared credentials file.
struct ClientSettings {
  std::string host = "127.0.0.1";
  uint16_t port = 4566;
  std::string access_key_id;
  Secret secret;
  std::string session_token;
  std::string region = "us-east-1";
};
/// `data_dir`: where a server keeps its `credentials`; "" : only the environment and
/// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), then the container's credentials endpoint.
Result<ClientSettings> FindClientSettings(io::Loop& loop, const std::string& data_dir);

/// A client of a stepmill server for the command line (`sam deploy`, `status`, `logs`, `call`):
/// signs requests, speaks JSON, Query and, for S3, plain PUT and HEAD. When the server is away (a
/// restart) it tries again for half a minute, so repeat only what may be repeated.
class Client {
 public:
  Client(io::Loop& loop, ClientSettings settings) : loop_(loop), settings_(std::move(settings)) {}
  const ClientSettings& settings() const { return settings_; }

  /// An operation of a JSON service. Errors have AWS's name and message.
  Task<Json> Ask(std::string signing_name, std::string target, std::string json_version,
                 Json input);
  /// An operation of a Query service (cloudformation, sts, iam); the answer's XML as it came.
  Task<std::string> AskQuery(std::string signing_name, std::string operation, std::string version,
                             std::vector<std::pair<std::string, std::string>> parameters);
  struct Object {
    std::string bucket, key;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  /// false: no such object (or bucket, by the error NoSuchBucket of a HEAD on the bucket).
  Task<bool> HeadObject(std::string bucket, std::string key);
  Task<> PutObject(Object object);

 private:
  struct Message {
    std::string method = "POST", path = "/", body, signing_name;
    std::map<std::string, std::string> headers;
  };
  Task<io::ClientAnswer> Send(Message message);
  io::ClientRequest SignedRequest(const Message& message) const;

  io::Loop& loop_;
  ClientSettings settings_;
};

}  // namespace stepmill
