// The wire over a whole world: what each protocol answers, and each refusal by name.
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "app/credentials.h"
#include "app/wires.h"
#include "app/world.h"
#include "base/digest.h"
#include "base/strings.h"
#include "io/loop.h"
#include "wire/aws/sigv4.h"

namespace stepmill {
namespace {

struct Sent {
  std::string method = "POST", target = "/", body, service = "sts";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string access_key_id, secret, token;  ///< empty: the root user's
  Millis ago{0};                             ///< signed this long ago
  bool is_signed = true;
  bool breaks_signature = false;
};

/// A server on a thread of its own and a blocking client that signs.
class WireTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { shared_ = new Server; }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  std::string Send(Sent sent) const {
    const Time now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
    wire::HttpRequest request;
    request.method = sent.method;
    const size_t question = sent.target.find('?');
    request.path = sent.target.substr(0, question);
    if (question != std::string::npos) request.query = sent.target.substr(question + 1);
    const std::string hash = Hex(Sha256(sent.body));
    wire::Signature signature;
    signature.timestamp = wire::FormatAmzDate(now - sent.ago);
    signature.date = signature.timestamp.substr(0, 8);
    signature.region = "us-east-1";
    signature.service = sent.service;
    signature.access_key_id = sent.access_key_id.empty() ? shared_->id : sent.access_key_id;
    request.headers.Add("host", "127.0.0.1");
    request.headers.Add("x-amz-date", signature.timestamp);
    if (!sent.token.empty()) request.headers.Add("x-amz-security-token", sent.token);
    if (sent.service == "s3") request.headers.Add("x-amz-content-sha256", hash);
    for (const auto& [name, value] : sent.headers) request.headers.Add(name, value);
    std::string head = sent.method + " " + sent.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers.fields()) {
      signature.signed_headers.push_back(name);
      head += name + ": " + value + "\r\n";
    }
    std::sort(signature.signed_headers.begin(), signature.signed_headers.end());
    const Secret secret(sent.secret.empty() ? shared_->secret : sent.secret);
    std::string hex = wire::Sign(request, signature, wire::SigningKey(secret, signature), hash);
    if (sent.breaks_signature) hex[0] = hex[0] == 'a' ? 'b' : 'a';
    if (sent.is_signed)
      head += "authorization: AWS4-HMAC-SHA256 Credential=" + signature.access_key_id + "/" +
              signature.Scope() + ", SignedHeaders=" + Join(signature.signed_headers, ";") +
              ", Signature=" + hex + "\r\n";
    head += "content-length: " + std::to_string(sent.body.size()) + "\r\nconnection: close\r\n\r\n";
    return Exchange(head + sent.body);
  }

  std::string Exchange(const std::string& text) const {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), shared_->port});
    asio::write(socket, asio::buffer(text));
    socket.shutdown(asio::socket_base::shutdown_send);
    std::string answer;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(answer), end);
    return answer;
  }

  static std::string Body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }
  static void ExpectError(const std::string& answer, int status, const std::string& name) {
    EXPECT_EQ(answer.substr(9, 3), std::to_string(status)) << answer;
    EXPECT_NE(answer.find(name), std::string::npos) << answer;
    EXPECT_NE(answer.find("x-amzn-RequestId: "), std::string::npos) << answer;
  }

  static Sent Form(std::string body) {
    Sent sent;
    sent.body = std::move(body);
    sent.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    return sent;
  }
  static Sent JsonCall(std::string service, std::string target, std::string body) {
    Sent sent;
    sent.service = std::move(service);
    sent.body = std::move(body);
    sent.headers = {{"content-type", "application/x-amz-json-1.1"}, {"x-amz-target", target}};
    return sent;
  }

 private:
  struct Server {
    Server() {
      std::string pattern = (std::filesystem::temp_directory_path() / "wire-XXXXXX").string();
      folder = ::mkdtemp(pattern.data());
      WorldOptions options;
      options.data_dir = folder;
      world = *World::Open(loop, options, [](const Error&) { std::abort(); });
      wires = *Wires::Open(loop, world->ports());
      std::promise<void> ready;
      loop.spawner().Spawn("start", Start(*this, ready));
      thread = std::thread([this] { loop.Run(); });
      ready.get_future().wait();
      std::ifstream credentials(folder + "/credentials");
      std::string line;
      while (std::getline(credentials, line)) {
        if (line.rfind("aws_access_key_id", 0) == 0) id = line.substr(line.find(" = ") + 3);
        if (line.rfind("aws_secret", 0) == 0) secret = line.substr(line.find(" = ") + 3);
      }
    }
    ~Server() {
      loop.Stop();
      thread.join();
      wires.reset();
      world.reset();
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
    static Task<> Start(Server& server, std::promise<void>& ready) {
      MILL_CO_CHECK(co_await server.world->Recover());
      MILL_CO_CHECK(co_await EnsureCredentials(server.world->ports()));
      MILL_CO_TRY(const std::string url, server.wires->Listen("127.0.0.1", 0));
      server.port = static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
      ready.set_value();
      co_return Result<>();
    }

    io::Loop loop{2};
    std::string folder, id, secret;
    std::unique_ptr<World> world;
    std::unique_ptr<Wires> wires;
    uint16_t port = 0;
    std::thread thread;
  };
  static Server* shared_;
};
WireTest::Server* WireTest::shared_ = nullptr;

TEST_F(WireTest, QueryAnswersXml) {
  const std::string answer = Send(Form("Action=GetCallerIdentity&Version=2011-06-15"));
  EXPECT_EQ(answer.substr(9, 3), "200") << answer;
  EXPECT_NE(answer.find("<GetCallerIdentityResult><UserId>000000000000</UserId>"),
            std::string::npos)
      << answer;
}

TEST_F(WireTest, QueryErrorsAreXml) {
  ExpectError(Send(Form("Action=NoSuchThing&Version=2011-06-15")), 400,
              "<Code>InvalidAction</Code>");
  ExpectError(Send(Form("Version=2011-06-15")), 400, "<Code>MissingAction</Code>");
  Sent role = Form("Action=GetRole&Version=2010-05-08&RoleName=nobody");
  role.service = "iam";
  ExpectError(Send(role), 404, "<Code>NoSuchEntity</Code>");
  Sent invalid = Form("Action=GetRole&Version=2010-05-08");
  invalid.service = "iam";
  ExpectError(Send(invalid), 400, "Value null at 'roleName'");
}

TEST_F(WireTest, JsonErrorsNameTheirType) {
  ExpectError(Send(JsonCall("logs", "Logs_20140328.NoSuchThing", "{}")), 400,
              "UnknownOperationException");
  ExpectError(Send(JsonCall("glue", "AWSGlue.GetCrawlers", "{}")), 400,
              "AWSGlue.GetCrawlers is not built");
  ExpectError(Send(JsonCall("logs", "Logs_20140328.CreateLogGroup", "{\"a\":")), 400,
              "SerializationException");
  ExpectError(Send(JsonCall("logs", "Logs_20140328.CreateLogGroup", "{\"logGroupName\":7}")), 400,
              "NUMBER_VALUE can not be converted to a String");
}

TEST_F(WireTest, UnsignedIsRefused) {
  Sent form = Form("Action=GetCallerIdentity");
  form.is_signed = false;
  form.headers.emplace_back("host", "sts.amazonaws.com");
  EXPECT_EQ(Send(form).substr(9, 2), "40");
  Sent bare = Form("Action=GetCallerIdentity&Version=2011-06-15");  // whose it is, nobody knows
  bare.is_signed = false;
  ExpectError(Send(bare), 403,
              "<ErrorResponse><Error><Type>Sender</Type>"
              "<Code>MissingAuthenticationToken</Code>");
  Sent json = JsonCall("logs", "Logs_20140328.DescribeLogGroups", "{}");
  json.is_signed = false;
  ExpectError(Send(json), 400, "MissingAuthenticationTokenException");
}

TEST_F(WireTest, WronglySignedIsRefused) {
  Sent form = Form("Action=GetCallerIdentity");
  form.breaks_signature = true;
  ExpectError(Send(form), 403, "<Code>SignatureDoesNotMatch</Code>");
  Sent json = JsonCall("logs", "Logs_20140328.DescribeLogGroups", "{}");
  json.breaks_signature = true;
  ExpectError(Send(json), 400, "InvalidSignatureException");
}

TEST_F(WireTest, UnknownKeyIsRefused) {
  Sent form = Form("Action=GetCallerIdentity");
  form.access_key_id = "AKIAAAAAAAAAAAAAAAAA";
  ExpectError(Send(form), 403, "<Code>InvalidClientTokenId</Code>");
  Sent json = JsonCall("logs", "Logs_20140328.DescribeLogGroups", "{}");
  json.access_key_id = "AKIAAAAAAAAAAAAAAAAA";
  ExpectError(Send(json), 400, "UnrecognizedClientException");
}

TEST_F(WireTest, OldAndFutureSignaturesAreRefused) {
  Sent old = JsonCall("logs", "Logs_20140328.DescribeLogGroups", "{}");
  old.ago = std::chrono::minutes(16);
  ExpectError(Send(old), 400, "Signature expired: ");
  old.ago = -std::chrono::minutes(16);
  ExpectError(Send(old), 400, "Signature not yet current: ");
}

TEST_F(WireTest, ScopeOfAnotherServiceIsRefused) {
  Sent json = JsonCall("sts", "Logs_20140328.DescribeLogGroups", "{}");
  ExpectError(Send(json), 400, "Credential should be scoped to correct service: 'logs'.");
}

TEST_F(WireTest, SessionsOfRolesWork) {
  Sent create = Form(
      "Action=CreateRole&RoleName=session-role&AssumeRolePolicyDocument=" +
      UrlEncode(R"({"Statement":[{"Effect":"Allow","Principal":{"Service":"x"},"Action":"*"}]})"));
  create.service = "iam";
  EXPECT_EQ(Send(create).substr(9, 3), "200");
  const std::string answer =
      Send(Form("Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/session-role"
                "&RoleSessionName=s1"));
  ASSERT_EQ(answer.substr(9, 3), "200") << answer;
  const auto part = [&answer](const std::string& name) {
    const size_t from = answer.find("<" + name + ">") + name.size() + 2;
    return answer.substr(from, answer.find("</" + name + ">") - from);
  };
  Sent who = Form("Action=GetCallerIdentity");
  who.access_key_id = part("AccessKeyId");
  who.secret = part("SecretAccessKey");
  who.token = part("SessionToken");
  EXPECT_NE(Send(who).find("arn:aws:sts::000000000000:assumed-role/session-role/s1"),
            std::string::npos);
  who.token[5] = who.token[5] == 'a' ? 'b' : 'a';
  ExpectError(Send(who), 403, "<Code>InvalidClientTokenId</Code>");
  who.token.clear();
  ExpectError(Send(who), 403, "<Code>InvalidClientTokenId</Code>");
}

TEST_F(WireTest, DisabledKeysAreRefused) {
  Sent user = Form("Action=CreateUser&UserName=alice");
  user.service = "iam";
  EXPECT_EQ(Send(user).substr(9, 3), "200");
  Sent key = Form("Action=CreateAccessKey&UserName=alice");
  key.service = "iam";
  const std::string answer = Send(key);
  const auto part = [&answer](const std::string& name) {
    const size_t from = answer.find("<" + name + ">") + name.size() + 2;
    return answer.substr(from, answer.find("</" + name + ">") - from);
  };
  Sent who = Form("Action=GetCallerIdentity");
  who.access_key_id = part("AccessKeyId");
  who.secret = part("SecretAccessKey");
  EXPECT_NE(Send(who).find("user/alice"), std::string::npos);
  Sent off = Form("Action=UpdateAccessKey&UserName=alice&Status=Inactive&AccessKeyId=" +
                  who.access_key_id);
  off.service = "iam";
  EXPECT_EQ(Send(off).substr(9, 3), "200");
  ExpectError(Send(who), 403, "<Code>InvalidClientTokenId</Code>");
}

TEST_F(WireTest, S3RefusalsInItsOwnWords) {
  Sent put;
  put.service = "s3";
  put.method = "PUT";
  put.target = "/refusals";
  EXPECT_EQ(Send(put).substr(9, 3), "200");
  Sent altered = put;
  altered.breaks_signature = true;
  ExpectError(Send(altered), 403, "Check your key and signing method.");
  Sent unsigned_get;
  unsigned_get.method = "GET";
  unsigned_get.target = "/refusals/key";
  unsigned_get.is_signed = false;
  ExpectError(Send(unsigned_get), 403, "<Code>AccessDenied</Code><Message>Access Denied</Message>");
  Sent stranger = put;
  stranger.access_key_id = "AKIAAAAAAAAAAAAAAAAA";
  ExpectError(Send(stranger), 403, "<Code>InvalidAccessKeyId</Code>");
  Sent old = put;
  old.ago = std::chrono::minutes(16);
  ExpectError(Send(old), 403, "<Code>RequestTimeTooSkewed</Code>");
  Sent hash = put;
  hash.target = "/refusals/key";
  hash.body = "abc";
  hash.headers = {{"x-amz-checksum-sha256", Base64(Sha256("abd"))}};
  ExpectError(Send(hash), 400, "<Code>BadDigest</Code>");
  Sent md5 = put;
  md5.target = "/refusals/key";
  md5.body = "abc";
  md5.headers = {{"content-md5", Base64(Md5("abd"))}};
  ExpectError(Send(md5), 400, "<Code>BadDigest</Code>");
  Sent bad_xml = put;
  bad_xml.method = "POST";
  bad_xml.target = "/refusals?delete";
  bad_xml.body = "<Delete><Object>";
  ExpectError(Send(bad_xml), 400, "<Code>MalformedXML</Code>");
  Sent unbuilt = put;
  unbuilt.method = "GET";
  unbuilt.target = "/refusals?replication=";
  ExpectError(Send(unbuilt), 501, "GET ?replication is not built");
}

TEST_F(WireTest, TargetWithoutAServiceIsUnknown) {
  ExpectError(Send(JsonCall("logs", "NoDot", "{}")), 400, "UnknownOperationException");
}

TEST_F(WireTest, ProxyAnswersAwsNamesInPlainHttp) {
  const std::string answer = Exchange(
      "GET http://sts.amazonaws.com/ HTTP/1.1\r\nHost: sts.amazonaws.com\r\n"
      "Connection: close\r\n\r\n");
  ExpectError(answer, 403, "MissingAuthenticationToken");
  EXPECT_EQ(Exchange("CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\n").substr(9, 3), "200");
}

}  // namespace
}  // namespace stepmill
