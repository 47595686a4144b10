#include "wire/aws/sigv4.h"

#include <algorithm>

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill::wire {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

Error Incomplete(std::string message) {
  return Error{Code::kInvalid, "IncompleteSignature", std::move(message)};
}

/// "AKID/20221121/us-east-1/s3/aws4_request"; a region may be empty, an id never.
Result<> ReadCredential(std::string_view credential, Signature& out) {
  const auto parts = Split(credential, '/');
  if (parts.size() < 5 || parts.back() != "aws4_request")
    return Incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got '" +
        std::string(credential) + "'");
  const size_t n = parts.size();
  out.service = parts[n - 2];
  out.region = parts[n - 3];
  out.date = parts[n - 4];
  out.access_key_id = credential.substr(
      0, credential.size() - (out.service.size() + out.region.size() + out.date.size() + 16));
  return Result<>();
}

std::vector<std::string> HeaderNames(std::string_view list) {
  std::vector<std::string> names;
  for (const std::string_view name : Split(list, ';')) names.push_back(ToLower(Trim(name)));
  return names;
}

Result<std::optional<Signature>> ReadPresigned(const HttpRequest& request) {
  Signature out;
  out.is_presigned = true;
  const auto credential = request.Query("X-Amz-Credential");
  const auto names = request.Query("X-Amz-SignedHeaders");
  const auto signature = request.Query("X-Amz-Signature");
  const auto date = request.Query("X-Amz-Date");
  const auto expires = request.Query("X-Amz-Expires");
  if (!credential || !names || !signature || !date)
    return Incomplete(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, "
        "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
        "X-Amz-Expires parameters.");
  MILL_CHECK(ReadCredential(*credential, out));
  out.signed_headers = HeaderNames(*names);
  out.signature = *signature;
  out.timestamp = *date;
  out.session_token = request.Query("X-Amz-Security-Token").value_or("");
  const auto seconds = ParseInt(expires.value_or("900"));
  if (!seconds || *seconds < 0) return Incomplete("X-Amz-Expires should be a number");
  if (*seconds > 604800)
    return Incomplete(
        "X-Amz-Expires must be less than a week (in seconds); the given "
        "X-Amz-Expires is " +
        *expires);
  out.expires_seconds = *seconds;
  out.payload_hash = std::string(request.headers.Get("x-amz-content-sha256"));
  if (out.payload_hash.empty())
    out.payload_hash = request.Query("X-Amz-Content-Sha256").value_or("");
  return std::optional(std::move(out));
}

/// Names and values encoded once, sorted; the signature itself left out.
std::string CanonicalQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string_view part : Split(query, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    std::string name = UrlEncode(UrlDecode(part.substr(0, equals)));
    if (name == "X-Amz-Signature") continue;
    std::string value;
    if (equals != std::string_view::npos) value = UrlEncode(UrlDecode(part.substr(equals + 1)));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

/// Trimmed, runs of blanks made one.
std::string CanonicalValue(std::string_view value) {
  std::string out;
  for (const char c : Trim(value))
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  return out;
}

std::string CanonicalPath(const HttpRequest& request, std::string_view service) {
  if (service == "s3") return UrlEncode(UrlDecode(request.path), true);
  return UrlEncode(request.path, true);
}

}  // namespace

Result<std::optional<Signature>> ReadSignature(const HttpRequest& request) {
  const std::string_view header = request.headers.Get("authorization");
  if (header.empty()) {
    const auto algorithm = request.Query("X-Amz-Algorithm");
    if (!algorithm) return std::optional<Signature>();
    if (*algorithm != kAlgorithm)
      return Incomplete(
          "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
    return ReadPresigned(request);
  }
  if (header.substr(0, kAlgorithm.size()) != kAlgorithm)
    return Incomplete("Unsupported AWS 'algorithm': '" +
                      std::string(header.substr(0, header.find(' '))) + "'.");
  Signature out;
  std::string credential, names;
  for (const std::string_view part : Split(header.substr(kAlgorithm.size()), ',')) {
    const std::string_view item = Trim(part);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = item.substr(0, equals), value = item.substr(equals + 1);
    if (key == "Credential") credential = value;
    if (key == "SignedHeaders") names = value;
    if (key == "Signature") out.signature = value;
  }
  std::string missing;
  if (credential.empty()) missing += "Authorization header requires 'Credential' parameter. ";
  if (out.signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
  if (names.empty()) missing += "Authorization header requires 'SignedHeaders' parameter. ";
  out.timestamp = std::string(request.headers.Get("x-amz-date"));
  if (out.timestamp.empty()) {  // a Date header may stand in
    const std::string_view date = request.headers.Get("date");
    if (date.empty())
      missing +=
          "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    else
      out.timestamp = date;
  }
  if (!missing.empty()) return Incomplete(missing + "Authorization=" + std::string(kAlgorithm));
  MILL_CHECK(ReadCredential(credential, out));
  out.signed_headers = HeaderNames(names);
  out.session_token = std::string(request.headers.Get("x-amz-security-token"));
  out.payload_hash = std::string(request.headers.Get("x-amz-content-sha256"));
  return std::optional(std::move(out));
}

std::string SigningKey(const Secret& secret, const Signature& signature) {
  const std::string date = HmacSha256("AWS4" + secret.Reveal(), signature.date);
  const std::string region = HmacSha256(date, signature.region);
  const std::string service = HmacSha256(region, signature.service);
  return HmacSha256(service, "aws4_request");
}

std::string Sign(const HttpRequest& request, const Signature& signature, std::string_view key,
                 std::string_view payload_hash) {
  std::string canonical = request.method + "\n" + CanonicalPath(request, signature.service) + "\n" +
                          CanonicalQuery(request.query) + "\n";
  for (const std::string& name : signature.signed_headers) {
    std::string value;
    bool is_first = true;
    for (const auto& [key_name, text] : request.headers.fields()) {
      if (key_name != name) continue;
      value += (is_first ? "" : ",") + CanonicalValue(text);
      is_first = false;
    }
    canonical += name + ":" + value + "\n";
  }
  canonical += "\n" + Join(signature.signed_headers, ";") + "\n" + std::string(payload_hash);
  const std::string to_sign = std::string(kAlgorithm) + "\n" + signature.timestamp + "\n" +
                              signature.Scope() + "\n" + Hex(Sha256(canonical));
  return Hex(HmacSha256(key, to_sign));
}

std::optional<Time> ParseAmzDate(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const std::string iso = std::string(text.substr(0, 4)) + "-" + std::string(text.substr(4, 2)) +
                          "-" + std::string(text.substr(6, 2)) + "T" +
                          std::string(text.substr(9, 2)) + ":" + std::string(text.substr(11, 2)) +
                          ":" + std::string(text.substr(13, 2)) + "Z";
  const auto time = ParseIso(iso);
  if (!time) return std::nullopt;
  return *time;
}

std::string FormatAmzDate(Time time) { return FormatTime(time, "%Y%m%dT%H%M%SZ"); }

}  // namespace stepmill::wire
