#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "gate/door.h"
#include "gate/principal.h"
#include "service/ports.h"

namespace stepmill {

struct BlobInfo;

/// Somebody for whom a performer asks through the door.
struct Asker {
  Ports& ports;
  Principal principal;
  std::string account, region;
};

/// One call of another service, as a user would make it; the output. `effect_id` makes a repeat
/// answer what the first one answered (writes only: the answer is kept).
Task<Json> AskService(Asker asker, std::string service, std::string operation, Json input,
                      std::string effect_id = "");
/// What another service keeps for this call, in the call's own transaction: runs an operation of it
/// as this service's principal and adds its writes to the call's batch.
Task<Json> AskWithin(Call& call, std::string service, std::string operation, Json input);
/// For performers that bring a sandbox up: what cannot be had after `attempt` tries, or never, is
/// an error of its own and no longer kUnavailable, so that the engine does not try for ever.
Error FinalError(Error error, int attempt);
/// Names of parameters -> their values (SecureString decrypted), in one or more GetParameters.
/// kNotFound names the first that does not exist.
Task<std::map<std::string, Secret>> ReadParameters(Asker asker, std::vector<std::string> names);
/// "id[:json-key[:version-stage[:version-id]]]" as CodeBuild writes it.
Task<Secret> ReadSecret(Asker asker, std::string reference);
/// GetObject: what it says of an object, and its bytes.
Task<Answer> OpenObject(Asker asker, std::string bucket, std::string key);
/// An object of S3 as a blob, which the caller removes; its hashes are not computed.
Task<BlobInfo> FetchBlob(Asker asker, std::string bucket, std::string key);
/// An object of S3 as the file `to_path`.
Task<> FetchObject(Asker asker, std::string bucket, std::string key, std::string to_path);
/// The file at `path` (which is taken away) as an object. Returns its {"md5", "sha256", "size"}.
Task<Json> StoreObject(Asker asker, std::string path, std::string bucket, std::string key,
                       std::string content_type, std::string effect_id);

}  // namespace stepmill
