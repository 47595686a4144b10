#include "app/client.h"

#include <cstdlib>
#include <fstream>

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill {
namespace {

constexpr Seconds kAwayMax{30};  // how long a server may be away before a command gives up
constexpr Millis kAgain{250};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// The profile "default" of a shared credentials file.
void ReadCredentialsFile(const std::string& path, ClientSettings& settings) {
  std::ifstream file(path);
  bool is_default = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = Trim(line);
    if (text.starts_with("[")) is_default = text == "[default]";
    const size_t at = text.find('=');
    if (!is_default || at == std::string_view::npos) continue;
    const std::string name(Trim(text.substr(0, at))), value(Trim(text.substr(at + 1)));
    if (name == "aws_access_key_id") settings.access_key_id = value;
    if (name == "aws_secret_access_key") settings.secret = Secret(value);
    if (name == "aws_session_token") settings.session_token = value;
  }
}

Result<> ReadEndpoint(const std::string& url, ClientSettings& settings) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = url;
  while (rest.ends_with("/")) rest.remove_suffix(1);
  const size_t colon = rest.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : ParseInt(rest.substr(colon + 1));
  if (!rest.starts_with(kScheme) || !port || *port < 1 || *port > 65535)
    return Error{
        Code::kInvalid, "InvalidEndpoint",
        "AWS_ENDPOINT_URL must be http://ADDRESS:PORT of a stepmill server, not '" + url + "'"};
  settings.host = rest.substr(kScheme.size(), colon - kScheme.size());
  settings.port = static_cast<uint16_t>(*port);
  return {};
}

/// The credentials endpoint that containers have (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI).
Task<> AskContainerCredentials(io::Loop& loop, std::string path, ClientSettings& settings) {
  io::ClientRequest request;
  request.host = "169.254.170.2";
  request.port = 80;
  request.target = std::move(path);
  MILL_CO_TRY(const io::ClientAnswer answer, co_await io::SendRequest(loop, std::move(request)));
  MILL_CO_TRY(const Json credentials, ParseJson(answer.body));
  settings.access_key_id = credentials.StringOr("AccessKeyId", "");
  settings.secret = Secret(credentials.StringOr("SecretAccessKey", ""));
  settings.session_token = credentials.StringOr("Token", "");
  co_return Result<>();
}

Result<ClientSettings> FromEnvironment(const std::string& data_dir) {
  ClientSettings settings;
  if (const std::string url = Environment("AWS_ENDPOINT_URL"); !url.empty())
    MILL_CHECK(ReadEndpoint(url, settings));
  for (const char* name : {"AWS_DEFAULT_REGION", "AWS_REGION"})
    if (const std::string region = Environment(name); !region.empty()) settings.region = region;
  settings.access_key_id = Environment("AWS_ACCESS_KEY_ID");
  settings.secret = Secret(Environment("AWS_SECRET_ACCESS_KEY"));
  settings.session_token = Environment("AWS_SESSION_TOKEN");
  if (settings.access_key_id.empty() && !data_dir.empty())
    ReadCredentialsFile(data_dir + "/credentials", settings);
  if (settings.access_key_id.empty()) {
    const std::string file = Environment("AWS_SHARED_CREDENTIALS_FILE");
    ReadCredentialsFile(file.empty() ? Environment("HOME") + "/.aws/credentials" : file, settings);
  }
  return settings;
}

/// {"__type": "ns#Name", "message": ...} or XML <Code>, <Message>.
Error ErrorOf(const io::ClientAnswer& answer) {
  Error error{Code::kInvalid, "UnknownError", "HTTP status " + std::to_string(answer.status)};
  if (const auto json = ParseJson(answer.body); json && json->is_object()) {
    error.name = json->StringOr("__type", error.name);
    error.name = error.name.substr(error.name.find('#') + 1);
    error.message = json->StringOr("message", json->StringOr("Message", error.message));
    return error;
  }
  const auto element = [&](const std::string& name) {
    const size_t from = answer.body.find("<" + name + ">");
    const size_t to = answer.body.find("</" + name + ">");
    if (from == std::string::npos || to == std::string::npos) return std::string();
    const size_t start = from + name.size() + 2;
    std::string text = answer.body.substr(start, to - start);
    for (const auto& [entity, plain] : {std::pair{"&lt;", "<"},
                                        {"&gt;", ">"},
                                        {"&quot;", "\""},
                                        {"&apos;", "'"},
                                        {"&#39;", "'"},
                                        {"&amp;", "&"}})
      text = ReplaceAll(text, entity, plain);
    return text;
  };
  if (const std::string code = element("Code"); !code.empty()) {
    error.name = code;
    error.message = element("Message");
  }
  return error;
}

}  // namespace

Result<ClientSettings> FindClientSettings(io::Loop& loop, const std::string& data_dir) {
  MILL_TRY(ClientSettings settings, FromEnvironment(data_dir));
  const std::string path = Environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (settings.access_key_id.empty() && !path.empty()) {
    Result<> asked;
    const auto ask = [](io::Loop& loop, std::string path, ClientSettings& settings,
                        Result<>& asked) -> Task<> {
      asked = co_await AskContainerCredentials(loop, std::move(path), settings);
      loop.Stop();
      co_return Result<>();
    };
    loop.spawner().Spawn("container credentials", ask(loop, path, settings, asked));
    loop.Run();
    loop.context().restart();
    MILL_CHECK(std::move(asked));
  }
  if (settings.access_key_id.empty())
    return Error{Code::kDenied, "NoCredentials",
                 "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (eval "
                 "\"$(stepmill env)\")"};
  return settings;
}

// Signature Version 4 with the headers host, x-amz-content-sha256, x-amz-date and those given.
io::ClientRequest Client::SignedRequest(const Message& message) const {
  io::ClientRequest request;
  request.host = settings_.host;
  request.port = settings_.port;
  request.method = message.method;
  request.target = message.path;
  request.headers = message.headers;
  request.body = message.body;
  const Time now = loop_.clock().Now();
  const std::string timestamp = FormatTime(now, "%Y%m%dT%H%M%SZ"), date = timestamp.substr(0, 8);
  const std::string payload_hash = Hex(Sha256(message.body));
  request.headers["x-amz-date"] = timestamp;
  request.headers["x-amz-content-sha256"] = payload_hash;
  if (!settings_.session_token.empty())
    request.headers["x-amz-security-token"] = settings_.session_token;
  std::map<std::string, std::string> signed_headers = request.headers;
  signed_headers["host"] = settings_.host + ":" + std::to_string(settings_.port);
  std::string canonical = message.method + "\n" + message.path + "\n\n", names;
  for (const auto& [name, value] : signed_headers) {
    canonical += name + ":" + std::string(Trim(value)) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += "\n" + names + "\n" + payload_hash;
  const std::string scope =
      date + "/" + settings_.region + "/" + message.signing_name + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + timestamp + "\n" + scope + "\n" + Hex(Sha256(canonical));
  std::string key = "AWS4" + settings_.secret.Reveal();
  for (const std::string& part :
       {date, settings_.region, message.signing_name, std::string("aws4_request")})
    key = HmacSha256(key, part);
  request.headers["authorization"] = "AWS4-HMAC-SHA256 Credential=" + settings_.access_key_id +
                                     "/" + scope + ", SignedHeaders=" + names +
                                     ", Signature=" + Hex(HmacSha256(key, to_sign));
  return request;
}

Task<io::ClientAnswer> Client::Send(Message message) {
  const Time deadline = loop_.clock().Now() + kAwayMax;
  for (;;) {
    auto answer = co_await io::SendRequest(loop_, SignedRequest(message));
    const bool is_away = !answer && answer.error().code == Code::kUnavailable;
    if (!is_away || loop_.clock().Now() > deadline) co_return answer;
    const Time again = loop_.clock().Now() + kAgain;
    MILL_CO_CHECK(co_await loop_.clock().SleepUntil(again));
  }
}

Task<Json> Client::Ask(std::string signing_name, std::string target, std::string json_version,
                       Json input) {
  Message message;
  message.signing_name = std::move(signing_name);
  message.headers["x-amz-target"] = std::move(target);
  message.headers["content-type"] = "application/x-amz-json-" + json_version;
  message.body = input.is_null() ? "{}" : input.Print();
  MILL_CO_TRY(const io::ClientAnswer answer, co_await Send(std::move(message)));
  if (answer.status != 200) co_return ErrorOf(answer);
  if (answer.body.empty()) co_return Json(Json::Object{});
  co_return ParseJson(answer.body);
}

Task<std::string> Client::AskQuery(std::string signing_name, std::string operation,
                                   std::string version,
                                   std::vector<std::pair<std::string, std::string>> parameters) {
  Message message;
  message.signing_name = std::move(signing_name);
  message.headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8";
  message.body = "Action=" + operation + "&Version=" + version;
  for (const auto& [name, value] : parameters)
    message.body += "&" + UrlEncode(name) + "=" + UrlEncode(value);
  MILL_CO_TRY(const io::ClientAnswer answer, co_await Send(std::move(message)));
  if (answer.status != 200) co_return ErrorOf(answer);
  co_return answer.body;
}

Task<bool> Client::HeadObject(std::string bucket, std::string key) {
  Message message;
  message.signing_name = "s3";
  message.method = "HEAD";
  message.path = "/" + UrlEncode(bucket) + (key.empty() ? "" : "/" + UrlEncode(key, true));
  MILL_CO_TRY(const io::ClientAnswer answer, co_await Send(std::move(message)));
  if (answer.status == 404) co_return false;
  if (answer.status != 200) co_return ErrorOf(answer);
  co_return true;
}

Task<> Client::PutObject(Object object) {
  Message message;
  message.signing_name = "s3";
  message.method = "PUT";
  message.path = "/" + UrlEncode(object.bucket) + "/" + UrlEncode(object.key, true);
  for (const auto& [name, value] : object.headers) message.headers[ToLower(name)] = value;
  message.body = std::move(object.body);
  MILL_CO_TRY(const io::ClientAnswer answer, co_await Send(std::move(message)));
  if (answer.status != 200) co_return ErrorOf(answer);
  co_return Result<>();
}

}  // namespace stepmill
