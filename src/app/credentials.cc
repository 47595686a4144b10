#include "app/credentials.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "engine/engine.h"
#include "service/iam/iam.h"

namespace stepmill {

Task<> EnsureCredentials(Ports& ports) {
  const std::string path = ports.data_dir + "/credentials";
  if (::access(path.c_str(), F_OK) == 0) co_return Result<>();
  Batch batch;
  const Principal root = iam::RootPrincipal(ports.account);
  const iam::NewKey key =
      iam::AddAccessKey(batch, ports.vault, ports.random, root, ports.clock.Now());
  // The key is durable before the file that names it; a crash between makes another one.
  MILL_CO_CHECK(co_await ports.engine.Commit(std::move(batch)));
  const std::string text = "[default]\naws_access_key_id = " + key.id +
                           "\naws_secret_access_key = " + key.secret.Reveal() + "\n";
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool is_written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!is_written || ::rename(temporary.c_str(), path.c_str()) != 0)
    co_return Error{Code::kUnavailable, "DataFolder", path + ": " + std::strerror(errno)};
  co_return Result<>();
}

}  // namespace stepmill
