// The presigned URL of a function's package (Signature Version 4, "Using query parameters").
#include <fstream>

#include "base/digest.h"
#include "base/strings.h"
#include "gate/session.h"
#include "service/lambda/code.h"
#include "service/ports.h"

namespace stepmill::lambda {

namespace {

constexpr std::chrono::minutes kUrlLife{10};

/// Where the server listens, as it wrote it down; tests have no such file.
std::string ServerUrl(const Call& call) {
  std::ifstream file(call.ports.data_dir + "/run/endpoint");
  std::string url;
  std::getline(file, url);
  return url.empty() ? "http://127.0.0.1:4566" : url;
}

std::string SigningKey(const std::string& secret, const std::string& date,
                       const std::string& region) {
  std::string key = HmacSha256("AWS4" + secret, date);
  for (const std::string& part : {region, std::string("lambda"), std::string("aws4_request")})
    key = HmacSha256(key, part);
  return key;
}

}  // namespace

std::string PackageUrl(const Call& call, const std::string& path, const std::string& more) {
  const SessionCredentials session =
      MakeSession(call.ports.vault, call.ports.random, call.principal, call.Now() + kUrlLife);
  const std::string server = ServerUrl(call);
  const std::string host = server.substr(server.find("://") + 3);
  const std::string date = FormatTime(call.Now(), "%Y%m%d");
  const std::string at = FormatTime(call.Now(), "%Y%m%dT%H%M%SZ");
  const std::string scope = date + "/" + call.region + "/lambda/aws4_request";
  std::string query;
  if (!more.empty()) query = more + "&";
  query += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
           UrlEncode(session.access_key_id + "/" + scope) + "&X-Amz-Date=" + at +
           "&X-Amz-Expires=" + std::to_string(Seconds(kUrlLife).count()) +
           "&X-Amz-Security-Token=" + UrlEncode(session.session_token) +
           "&X-Amz-SignedHeaders=host";
  const std::string canonical =
      "GET\n" + path + "\n" + query + "\nhost:" + host + "\n\nhost\n" + Hex(Sha256(""));
  const std::string text = "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + Hex(Sha256(canonical));
  const std::string signature =
      Hex(HmacSha256(SigningKey(session.secret.Reveal(), date, call.region), text));
  return server + path + "?" + query + "&X-Amz-Signature=" + signature;
}

}  // namespace stepmill::lambda
