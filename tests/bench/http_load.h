#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "floor.h"

// A client that measures: HTTP/1.1 over kept connections to loopback, one request at a time on
// each, on one thread. Requests are whole texts made beforehand.
namespace stepmill::bench {

/// Bytes of the first whole message in `text` that has a Content-Length (0 without); 0: not yet
/// whole.
inline size_t MessageSize(std::string_view text) {
  const size_t head = text.find("\r\n\r\n");
  if (head == text.npos) return 0;
  size_t body = 0;
  for (size_t at = 0; at < head; at = text.find("\r\n", at) + 2) {
    constexpr std::string_view kLength = "content-length:";
    if (strncasecmp(text.data() + at, kLength.data(), kLength.size()) == 0)
      body = std::strtoul(text.data() + at + kLength.size(), nullptr, 10);
  }
  const size_t size = head + 4 + body;
  return text.size() >= size ? size : 0;
}

inline void AddToPoll(int poll, int fd, void* with) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = with;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) Fail("epoll_ctl");
}

/// Waits for readable descriptors, at most until `until` (to the microsecond).
inline int WaitReadable(int poll, epoll_event* events, int max, Steady::time_point until) {
  const auto left =
      std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(until - Steady::now()));
  timespec timeout{};
  timeout.tv_sec = left.count() / 1'000'000'000;
  timeout.tv_nsec = left.count() % 1'000'000'000;
  const int count = epoll_pwait2(poll, events, max, &timeout, nullptr);
  if (count < 0 && errno != EINTR) Fail("epoll_pwait2");
  return std::max(count, 0);
}

struct Connection {
  int fd = -1;
  std::string in;
  size_t job = 0;              ///< what the answer is for
  Steady::time_point begun{};  ///< when it was sent, or should have been
  bool is_busy = false;
};

/// A set of connections to 127.0.0.1:port.
class HttpLoad {
 public:
  /// Called with the connection and the answer (head and body); the connection is free again.
  using Answered = std::function<void(Connection&, std::string_view)>;
  /// Called when the peer has gone away (is_busy: without the answer); without it that ends the
  /// program.
  using Lost = std::function<void(Connection&)>;

  HttpLoad(int port, size_t connections, Answered answered, Lost lost = {})
      : port_(port),
        poll_(epoll_create1(EPOLL_CLOEXEC)),
        answered_(std::move(answered)),
        lost_(std::move(lost)) {
    prctl(PR_SET_TIMERSLACK, 1);  // nanosecond: wake-ups come when they were asked for
    for (size_t i = 0; i < connections; ++i) {
      all_.push_back(std::make_unique<Connection>());
      if (!Connect(*all_.back())) Fail("cannot connect to port " + std::to_string(port));
    }
  }
  ~HttpLoad() {
    for (const auto& each : all_)
      if (each->fd >= 0) close(each->fd);
    close(poll_);
  }
  HttpLoad(const HttpLoad&) = delete;
  HttpLoad& operator=(const HttpLoad&) = delete;

  const std::vector<std::unique_ptr<Connection>>& connections() const { return all_; }

  /// False: nobody listens.
  bool Connect(Connection& connection) {
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      close(connection.fd);
      connection.fd = -1;
      return false;
    }
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    AddToPoll(poll_, connection.fd, &connection);
    return true;
  }

  void Send(Connection& connection, const std::string& request, size_t job,
            Steady::time_point begun) {
    connection.job = job;
    connection.begun = begun;
    connection.is_busy = true;
    const ssize_t sent = send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(request.size())) return;
    Lose(connection, "cannot send a request");
  }

  /// Reads what has come until `until`, or until something has.
  void Poll(Steady::time_point until) {
    epoll_event events[64];
    const int count = WaitReadable(poll_, events, 64, until);
    for (int i = 0; i < count; ++i) Read(*static_cast<Connection*>(events[i].data.ptr));
  }

 private:
  void Read(Connection& connection) {
    char buffer[64 * 1024];
    const ssize_t got = recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return Lose(connection, "the server closed a connection");
    connection.in.append(buffer, static_cast<size_t>(got));
    const size_t size = MessageSize(connection.in);
    if (size == 0) return;
    if (connection.in.size() != size) Fail("more than one answer to one request");
    std::string answer;
    answer.swap(connection.in);
    connection.is_busy = false;
    answered_(connection, answer);
    if (connection.in.empty()) {  // its memory is used again
      answer.clear();
      connection.in.swap(answer);
    }
  }

  void Lose(Connection& connection, const char* why) {
    close(connection.fd);
    connection.fd = -1;
    connection.in.clear();
    if (!lost_) Fail(why);
    lost_(connection);
    connection.is_busy = false;
  }

  int port_;
  int poll_;
  Answered answered_;
  Lost lost_;
  std::vector<std::unique_ptr<Connection>> all_;
};

/// The least that a server can do: answers each request at once with a fixed text. On the calling
/// thread, for ever.
inline void RespondForEver(int listener, const std::string& answer) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  AddToPoll(poll, listener, nullptr);
  std::vector<std::unique_ptr<Connection>> all;
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(poll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (!connection) {
        all.push_back(std::make_unique<Connection>());
        all.back()->fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const int on = 1;
        setsockopt(all.back()->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        AddToPoll(poll, all.back()->fd, all.back().get());
        continue;
      }
      char buffer[16 * 1024];
      const ssize_t got = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) {
        epoll_ctl(poll, EPOLL_CTL_DEL, connection->fd, nullptr);
        close(connection->fd);
        continue;
      }
      connection->in.append(buffer, static_cast<size_t>(got));
      if (MessageSize(connection->in) == 0) continue;
      connection->in.clear();
      if (send(connection->fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) continue;
    }
  }
}

/// A socket that listens on a free port of loopback.
inline int ListenOnLoopback(int& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      listen(listener, 256) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    Fail("cannot listen on loopback");
  port = ntohs(at.sin_port);
  return listener;
}

}  // namespace stepmill::bench
