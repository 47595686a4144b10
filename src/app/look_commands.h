#pragma once

#include <string>

namespace stepmill {

struct LookOptions {
  std::string data_dir;       ///< where the server keeps its credentials; "" : the environment's
  std::string group;          ///< logs
  std::string stream_prefix;  ///< logs
  bool is_following = false;  ///< logs -f
};

/// `stepmill status`: what runs now and what ran last, as a table. 1: the server did not answer.
int StatusCommand(const LookOptions& options);
/// `stepmill logs [-f] GROUP`: the group's lines in the order of their time; with -f it goes on
/// until it is interrupted.
int LogsCommand(const LookOptions& options);

}  // namespace stepmill
