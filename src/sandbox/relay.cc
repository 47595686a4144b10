#include "sandbox/relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <thread>

#include "base/strings.h"

namespace stepmill::sandbox {

namespace {

constexpr int kConnectionsMax = 512;  ///< of one job at a time; more are refused
constexpr int kListenBacklog = 128;
constexpr auto kServerAwayMax = std::chrono::seconds(30);
constexpr auto kServerRetry = std::chrono::milliseconds(100);
constexpr size_t kBufferBytes = 64 * 1024;
constexpr char kCredentialsAddress[] = "169.254.170.2";

int Complain(const std::string& what) {
  std::fprintf(stderr, "stepmill-sandbox relay: %s: %s\n", what.c_str(), std::strerror(errno));
  return 1;
}

bool EnterNamespace(int pid, const char* kind, int flag) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_in = ::setns(fd, flag) == 0;
  ::close(fd);
  return is_in;
}

/// The loopback device up, with a second address.
bool PrepareLoopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool is_done = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags |= IFF_UP;
  is_done = is_done && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  const auto set = [&](unsigned long what, const char* address) {
    ifreq alias{};
    std::strcpy(alias.ifr_name, "lo:1");
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &in.sin_addr);
    std::memcpy(&alias.ifr_addr, &in, sizeof(in));
    return ::ioctl(fd, what, &alias) == 0;
  };
  is_done = is_done && set(SIOCSIFADDR, kCredentialsAddress);
  is_done = is_done && set(SIOCSIFNETMASK, "255.255.255.255");
  ::close(fd);
  return is_done;
}

int Listen(const char* address, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, address, &in.sin_addr);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&in), sizeof(in)) == 0 &&
      ::listen(fd, kListenBacklog) == 0)
    return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

/// Connects to the server; waits for one that is being restarted. -1: it did not come.
int ConnectToServer(const sockaddr_un& address) {
  const auto until = std::chrono::steady_clock::now() + kServerAwayMax;
  for (;;) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
    ::close(fd);
    if (std::chrono::steady_clock::now() >= until) return -1;
    std::this_thread::sleep_for(kServerRetry);  // a missing socket cannot be waited for otherwise
  }
}

bool WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

/// Copies what is there from one to the other. False: broken. Sets `is_over` at the end.
bool CopySome(int from, int to, std::string& buffer, bool& is_over) {
  const ssize_t count = ::recv(from, buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count > 0) return WriteAll(to, buffer.data(), static_cast<size_t>(count));
  is_over = true;
  ::shutdown(to, SHUT_WR);
  return true;
}

/// Connects to what listens inside. -1: nothing does.
int ConnectInside(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&in), sizeof(in)) == 0) return fd;
  ::close(fd);
  return -1;
}

int ListenUnix(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd < 0 || path.size() >= sizeof(address.sun_path)) return -1;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ::unlink(path.c_str());  // of a relay before this one
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      ::listen(fd, kListenBacklog) == 0)
    return fd;
  ::close(fd);
  return -1;
}

/// One connection, on a thread of its own: blocking, so that each side slows the other down.
/// `address`: the server's; nullopt: what listens inside, at `port`.
void Carry(int client, std::optional<sockaddr_un> address, int port, std::string preface,
           std::atomic<int>& open) {
  const int server = address ? ConnectToServer(*address) : ConnectInside(port);
  std::string buffer(kBufferBytes, '\0');
  bool is_fine = server >= 0 && WriteAll(server, preface.data(), preface.size());
  bool is_client_over = false, is_server_over = false;
  while (is_fine && !(is_client_over && is_server_over)) {
    pollfd fds[] = {{is_client_over ? -1 : client, POLLIN, 0},
                    {is_server_over ? -1 : server, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[0].revents) is_fine = CopySome(client, server, buffer, is_client_over);
    if (is_fine && fds[1].revents) is_fine = CopySome(server, client, buffer, is_server_over);
  }
  if (server >= 0) ::close(server);
  ::close(client);
  --open;
}

}  // namespace

int RunRelay(const RelayOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);
  sockaddr_un server{};
  server.sun_family = AF_UNIX;
  // A socket's address holds 107 bytes; data folders may lie deeper. So: its folder, then its name.
  const size_t slash = options.socket_path.rfind('/');
  if (slash != std::string::npos && slash > 0 &&
      ::chdir(options.socket_path.substr(0, slash).c_str()) != 0)
    return Complain(options.socket_path);
  const std::string name =
      slash == std::string::npos ? options.socket_path : options.socket_path.substr(slash + 1);
  std::strncpy(server.sun_path, name.c_str(), sizeof(server.sun_path) - 1);

  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, options.pid, 0));
  if (pidfd < 0) return Complain("process " + std::to_string(options.pid));
  if (options.enters_namespace) {
    // An ordinary user's container has a user namespace around its network.
    if (::geteuid() != 0) EnterNamespace(options.pid, "user", CLONE_NEWUSER);
    if (!EnterNamespace(options.pid, "net", CLONE_NEWNET)) return Complain("network namespace");
    if (!PrepareLoopback()) return Complain("loopback");
  }
  // What is listened at, and where a connection goes: a port of ours, or one inside.
  struct Place {
    int fd, port;
    bool is_inward;
  };
  std::vector<Place> places;
  if (!options.is_inward_only) {
    const int service = Listen("127.0.0.1", options.service_port);
    if (service < 0) return Complain("127.0.0.1:" + std::to_string(options.service_port));
    places.push_back({service, 4566, false});
    const int credentials = Listen(options.enters_namespace ? kCredentialsAddress : "127.0.0.1",
                                   options.credentials_port);
    if (credentials < 0) return Complain("port " + std::to_string(options.credentials_port));
    places.push_back({credentials, 80, false});
  }
  for (const auto& [port, path] : options.inward) {
    const int inward = ListenUnix(path);
    if (inward < 0) return Complain(path);
    places.push_back({inward, port, true});
  }
  if (options.ready_fd >= 0) {
    (void)!::write(options.ready_fd, "ready\n", 6);  // the one who waited may be gone
    ::close(options.ready_fd);
  }

  std::atomic<int> open = 0;
  for (;;) {
    std::vector<pollfd> fds{{pidfd, POLLIN, 0}};
    for (const Place& place : places) fds.push_back({place.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return Complain("poll");
    if (fds[0].revents) {
      for (const auto& [port, path] : options.inward) ::unlink(path.c_str());
      ::_exit(0);  // the container is gone, and every connection with it
    }
    for (size_t i = 0; i < places.size(); ++i) {
      if (!fds[i + 1].revents) continue;
      const int client = ::accept4(places[i].fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      if (open >= kConnectionsMax) {
        ::close(client);
        continue;
      }
      ++open;
      std::optional<sockaddr_un> address;
      std::string preface;
      if (!places[i].is_inward) {
        address = server;
        preface = "STEPMILL-RELAY " + options.job_id + " " + std::to_string(places[i].port) + "\n";
      }
      std::thread(Carry, client, address, places[i].port, std::move(preface), std::ref(open))
          .detach();
    }
  }
}

int RelayCommand(const std::vector<std::string>& arguments) {
  RelayOptions options;
  for (size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--pid")
      options.pid = static_cast<int>(ParseInt(arguments[i + 1]).value_or(0));
    if (arguments[i] == "--job") options.job_id = arguments[i + 1];
    if (arguments[i] == "--ready-fd")
      options.ready_fd = static_cast<int>(ParseInt(arguments[i + 1]).value_or(-1));
    if (arguments[i] == "--socket") options.socket_path = arguments[i + 1];
    if (arguments[i] == "--inward-only") options.is_inward_only = arguments[i + 1] == "yes";
    if (arguments[i] == "--inward") {
      const size_t colon = arguments[i + 1].find(':');
      const auto port = ParseInt(arguments[i + 1].substr(0, colon));
      if (port && colon != std::string::npos)
        options.inward[static_cast<int>(*port)] = arguments[i + 1].substr(colon + 1);
    }
  }
  if (options.pid <= 0 || options.job_id.empty() || options.socket_path.empty()) {
    std::fprintf(stderr,
                 "usage: stepmill-sandbox relay --pid N --job ID --socket PATH [--ready-fd N] "
                 "[--inward PORT:PATH]... [--inward-only yes]\n");
    return 2;
  }
  return RunRelay(options);
}

}  // namespace stepmill::sandbox
