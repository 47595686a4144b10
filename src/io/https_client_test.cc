#include "io/https_client.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <thread>

#include "io/run_on.h"

namespace stepmill::io {
namespace {

namespace ssl = asio::ssl;
using Tcp = asio::ip::tcp;

/// One connection of a server named "localhost", by a certificate that it signed itself.
class HttpsClientTest : public testing::Test {
 protected:
  HttpsClientTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "stepmill-test-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const std::string command =
        "cd '" + folder_ +
        "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem "
        "-out crt.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2> err";
    EXPECT_EQ(std::system(command.c_str()), 0);
    ::setenv("SSL_CERT_FILE", (folder_ + "/crt.pem").c_str(), 1);
  }
  ~HttpsClientTest() override {
    ::unsetenv("SSL_CERT_FILE");
    if (server_.joinable()) server_.join();
    std::filesystem::remove_all(folder_);
  }

  /// Answers one request with `text`; "" never answers, until the client goes away.
  void Serve(std::string text, bool ends_cleanly = true) {
    acceptor_.emplace(context_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    port_ = acceptor_->local_endpoint().port();
    server_ = std::thread([this, text = std::move(text), ends_cleanly] {
      ssl::context tls(ssl::context::tls_server);
      tls.use_certificate_chain_file(folder_ + "/crt.pem");
      tls.use_private_key_file(folder_ + "/key.pem", ssl::context::pem);
      ssl::stream<Tcp::socket> stream(acceptor_->accept(), tls);
      boost::system::error_code error;
      stream.handshake(ssl::stream_base::server, error);
      asio::streambuf buffer;
      const size_t size = error ? 0 : asio::read_until(stream, buffer, "\r\n\r\n", error);
      got_.assign(asio::buffers_begin(buffer.data()),
                  asio::buffers_begin(buffer.data()) + static_cast<std::ptrdiff_t>(size));
      if (!text.empty()) asio::write(stream, asio::buffer(text), error);
      if (text.empty()) asio::read_until(stream, buffer, "never", error);
      if (ends_cleanly) stream.shutdown(error);
    });
  }
  Result<WebAnswer> Ask(WebRequest request, const std::string& host = "localhost") {
    if (request.url.empty()) request.url = "https://" + host + ":" + std::to_string(port_) + "/a?b";
    Loop loop(1);
    HttpsClient client(loop);
    Result<WebAnswer> answer = RunOn(loop, client.Send(std::move(request)));
    if (server_.joinable()) server_.join();
    return answer;
  }

  std::string folder_, got_;
  asio::io_context context_;
  std::optional<Tcp::acceptor> acceptor_;
  uint16_t port_ = 0;
  std::thread server_;
};

TEST_F(HttpsClientTest, SendsAndReadsWhatThereIs) {
  Serve(
      "HTTP/1.1 103 Early Hints\r\nX: 0\r\n\r\nHTTP/1.1 207 Some\r\nSet-Cookie: a\r\nX-b: c\r\n"
      "Set-Cookie: d\r\nContent-Length: 2\r\n\r\nhi");
  WebRequest request;
  request.method = "POST";
  request.headers = {{"x-a", "1"}, {"x-a", "2"}};
  request.body = "body";
  const auto answer = Ask(std::move(request));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 207);
  EXPECT_EQ(answer->reason, "Some");
  EXPECT_EQ(answer->body, "hi");
  ASSERT_EQ(answer->headers.size(), 4u);
  EXPECT_EQ(got_, "POST /a?b HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
                      "\r\nx-a: 1\r\nx-a: 2\r\nConnection: close\r\nContent-Length: 4\r\n\r\n");
}

TEST_F(HttpsClientTest, ABodyMayEndWithTheConnection) {
  Serve("HTTP/1.0 200 OK\r\n\r\nall of it", false);
  const auto answer = Ask({});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "all of it");
}

TEST_F(HttpsClientTest, ABrokenBodyIsAnError) {
  Serve("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false);
  const auto answer = Ask({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
}

TEST_F(HttpsClientTest, WhatIsTooLargeIsNotKept) {
  Serve("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
  WebRequest request;
  request.body_bytes_max = 9;
  const auto answer = Ask(std::move(request));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kLimit);
}

TEST_F(HttpsClientTest, NoAnswerInTime) {
  Serve("");
  WebRequest request;
  request.timeout = std::chrono::milliseconds(300);
  const auto answer = Ask(std::move(request));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST_F(HttpsClientTest, ACertificateOfAnotherNameIsRefused) {
  Serve("HTTP/1.1 200 OK\r\n\r\n");
  const auto answer = Ask({}, "127.0.0.1");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().name, "TlsFailed");
  EXPECT_TRUE(got_.empty());
}

TEST_F(HttpsClientTest, ACertificateOfNobodyIsRefused) {
  ::unsetenv("SSL_CERT_FILE");
  Serve("HTTP/1.1 200 OK\r\n\r\n");
  const auto answer = Ask({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().name, "TlsFailed");
  EXPECT_TRUE(got_.empty());
}

Task<> Count(Loop& loop, HttpsClient& client, WebRequest request, int& left) {
  const auto answer = co_await client.Send(std::move(request));
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  if (--left == 0) loop.Stop();
  co_return Result<>();
}

TEST_F(HttpsClientTest, ManyAtATimeHaveTheirTurns) {
  // A port where nobody listens any more.
  {
    Tcp::acceptor gone(context_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    port_ = gone.local_endpoint().port();
  }
  Loop loop(1);
  HttpsClient client(loop);
  int left = 500;
  for (int i = 0; i < 500; ++i) {
    WebRequest request;
    request.url = "https://127.0.0.1:" + std::to_string(port_) + "/";
    loop.spawner().Spawn("ask", Count(loop, client, std::move(request), left));
  }
  loop.Run();
  EXPECT_EQ(left, 0);
}

TEST_F(HttpsClientTest, RequestsThatAreNoneAreNotSent) {
  for (const char* url : {"http://example.com/", "https:///x", "https://a@example.com/",
                          "https://example.com:99999/", "https://example.com/a b"}) {
    WebRequest request;
    request.url = url;
    EXPECT_EQ(Ask(std::move(request)).error().code, Code::kInvalid) << url;
  }
  WebRequest request;
  request.url = "https://example.com/";
  request.headers = {{"x", "a\r\nHost: b"}};
  EXPECT_EQ(Ask(std::move(request)).error().code, Code::kInvalid);
}

TEST(WebPlace, IsTakenApart) {
  const auto place = PlaceOf("HTTPS://[::1]:8443?a#b");
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->host, "::1");
  EXPECT_EQ(place->port, "8443");
  EXPECT_EQ(place->host_header, "[::1]:8443");
  EXPECT_EQ(place->target, "/?a");
}

}  // namespace
}  // namespace stepmill::io
