#include "wire/http/server.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "io/loop.h"

namespace stepmill::wire {
namespace {

/// Answers with what came: method, path, query and body.
class Echo : public HttpHandler {
 public:
  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    if (request.path == "/stream") {
      HttpResponse response;
      response.stream = BytesSource(std::string(300000, 'x'));
      co_return response;
    }
    if (request.path == "/early") co_return TextResponse(404, "no such thing\n");
    const auto body = co_await ReadAll(*request.body, 1000000);
    if (!body) co_return TextResponse(400, body.error().message);
    co_return TextResponse(200, request.method + " " + request.path + " " + request.query + " " +
                                    std::to_string(body->size()) + "\n");
  }
};

/// A server on its own thread for blocking clients.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest()
      : server_(loop_.context(),
                {.handler = echo_, .clock = loop_.clock(), .random = loop_.random()}) {
    port_ = *server_.ListenTcp("127.0.0.1", 0);
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~HttpServerTest() override {
    loop_.Stop();
    thread_.join();
  }

  std::string Exchange(std::string_view text) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port_)});
    asio::write(socket, asio::buffer(text));
    std::string answer;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(answer), end);
    return answer;
  }

  io::Loop loop_{1};
  Echo echo_;
  HttpServer server_;
  int port_ = 0;
  std::thread thread_;
};

TEST_F(HttpServerTest, KeepsTheConnectionAndReadsBodies) {
  const std::string body(200000, 'b');
  const std::string answer = Exchange(
      "GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" +
      body +
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  EXPECT_NE(answer.find("GET /a x=1 0"), std::string::npos) << answer;
  EXPECT_NE(answer.find("PUT /b  200000"), std::string::npos) << answer;
  EXPECT_NE(answer.find("POST /c  7"), std::string::npos) << answer;
}

TEST_F(HttpServerTest, StreamsChunked) {
  const std::string answer =
      Exchange("GET /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_GT(answer.size(), 300000u);
  EXPECT_EQ(answer.substr(answer.size() - 5), "0\r\n\r\n");
}

TEST_F(HttpServerTest, RefusesWhatIsNoHttp) {
  EXPECT_EQ(Exchange("nonsense\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(Exchange("GET / HTTP/1.1\r\nX: " + std::string(70000, 'x') + "\r\n\r\n").substr(0, 12),
            "HTTP/1.1 431");
  EXPECT_EQ(Exchange("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n").substr(0, 12), "HTTP/1.1 405");
}

TEST_F(HttpServerTest, AnEarlyAnswerArrivesThoughTheBodyIsNotRead) {
  const std::string answer =
      Exchange("PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n" +
               std::string(8000000, 'x'));
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 404");
}

TEST_F(HttpServerTest, ListensOnLoopbackOnly) {
  const auto refused = server_.ListenTcp("0.0.0.0", 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "InvalidAddress");
}

}  // namespace
}  // namespace stepmill::wire
