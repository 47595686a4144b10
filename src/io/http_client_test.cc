#include "io/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace stepmill::io {
namespace {

Task<> Ask(Loop& loop, ClientRequest request, Result<ClientAnswer>& answer) {
  answer = co_await SendRequest(loop, std::move(request));
  loop.Stop();
  co_return Result<>();
}

/// What the client makes of one connection that answers with `text`.
Result<ClientAnswer> Answered(const std::string& method, const std::string& text) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::thread server([listener, &text] {
    const int peer = ::accept(listener, nullptr, nullptr);
    char buffer[4096];
    EXPECT_GT(::read(peer, buffer, sizeof buffer), 0);
    EXPECT_EQ(::write(peer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(peer);
  });
  Loop loop(1);
  ClientRequest request;
  request.host = "127.0.0.1";
  request.port = ntohs(address.sin_port);
  request.method = method;
  request.target = "/";
  Result<ClientAnswer> answer = ClientAnswer{};
  loop.spawner().Spawn("ask", Ask(loop, request, answer));
  loop.Run();
  server.join();
  ::close(listener);
  return answer;
}

TEST(HttpClient, AnAnswerToHeadHasNoBody) {
  const auto answer = Answered("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("content-length"), "10");
}

TEST(HttpClient, ABrokenBodyIsAnError) {
  const auto answer = Answered("GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace stepmill::io
