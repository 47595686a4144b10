#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/loop.h"
#include "service/ports.h"

namespace stepmill {

struct Service;

struct WorldOptions {
  std::string data_dir;
  std::string account = "000000000000";
  std::string region = "us-east-1";
  bool are_jobs_unlimited = false;
};

/// Everything but the wire: the store, the blobs, the repositories, the backend, the engine and the
/// door with all services, on one data folder. The folder is locked while it lives.
///
/// Layout of the folder: store/, blobs/, git/, jobs/, engine/, run/ (sockets), ca/, tmp/
/// (emptied at start), key (32 bytes, mode 0600: the vault's), credentials, lock.
class World {
 public:
  /// `failed`: called once when the store has failed for good; the process must end.
  static Result<std::unique_ptr<World>> Open(io::Loop& loop, WorldOptions options,
                                             std::function<void(const Error&)> failed);
  ~World();
  Ports& ports();
  /// Goes on with everything that is due; then calls may come in.
  Task<> Recover();
  /// Takes up nothing new and returns when what was issued is durable.
  Task<> Drain();

 private:
  struct Parts;
  explicit World(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace stepmill
