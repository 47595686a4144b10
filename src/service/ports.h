#pragma once

#include <string>

namespace stepmill {

class Archive;
class Backend;
class BlobStore;
class Clock;
class Door;
class Engine;
class Random;
class Repos;
class Spawner;
class Store;
class Vault;
class WebClient;

/// What handlers and performers reach the world by. Made by app/, lives as long as the server.
struct Ports {
  Store& store;
  BlobStore& blobs;
  Archive& archive;
  Repos& repos;
  Backend& backend;
  Engine& engine;
  Clock& clock;
  Random& random;
  Spawner& spawner;
  Vault& vault;
  WebClient& web;
  Door& door;
  std::string account;  ///< the installation's own (root) account and region
  std::string region;
  std::string data_dir;  ///< for temporary files: data_dir + "/tmp" exists and is emptied at start
};

}  // namespace stepmill
