#include "wire/aws/auth.h"

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill::wire {

namespace {

constexpr std::chrono::minutes kSkewMax{15};
constexpr size_t kSigningKeysMax = 1000;  // kept; a day, region and service each

Error Denied(std::string name, std::string message) {
  return Error{Code::kDenied, std::move(name), std::move(message)};
}

}  // namespace

Task<AccessKey> SignatureAuthenticator::FindKey(std::string access_key_id,
                                                std::string session_token) {
  MILL_CO_TRY(auto key, co_await principals_.FindAccessKey(access_key_id, session_token));
  if (!key)
    co_return Denied("InvalidClientTokenId",
                     "The security token included in the request is invalid.");
  if (key->expires && *key->expires <= clock_.Now())
    co_return Denied("ExpiredToken", "The security token included in the request is expired");
  co_return std::move(*key);
}

Result<> SignatureAuthenticator::CheckTime(const Signature& signature) const {
  auto at = ParseAmzDate(signature.timestamp);
  if (!at)
    return Error{Code::kInvalid, "IncompleteSignature",
                 "Date must be in ISO-8601 'basic format'. Got '" + signature.timestamp +
                     "'. See http://en.wikipedia.org/wiki/ISO_8601"};
  const Time now = clock_.Now();
  if (signature.timestamp.substr(0, 8) != signature.date)
    return Denied("SignatureDoesNotMatch",
                  "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                  "from HTTP: '" +
                      signature.date + "' != '" + signature.timestamp.substr(0, 8) + "', from '" +
                      signature.timestamp + "'.");
  if (signature.is_presigned) {
    const Time end = *at + std::chrono::seconds(signature.expires_seconds);
    if (*at > now + kSkewMax) return Denied("RequestHasExpired", "Request is not yet valid");
    if (now < end) return Result<>();
    return Error{Code::kDenied,
                 "RequestHasExpired",
                 "Request has expired",
                 {{"X-Amz-Expires", std::to_string(signature.expires_seconds)},
                  {"Expires", FormatIso(end, false)},
                  {"ServerTime", FormatIso(now, false)}}};
  }
  const std::string stamp = FormatAmzDate(now);
  if (*at < now - kSkewMax)
    return Denied("SignatureExpired", "Signature expired: " + signature.timestamp +
                                          " is now earlier than " + FormatAmzDate(now - kSkewMax) +
                                          " (" + stamp + " - 15 min.)");
  if (*at > now + kSkewMax)
    return Denied("SignatureExpired", "Signature not yet current: " + signature.timestamp +
                                          " is still later than " + FormatAmzDate(now + kSkewMax) +
                                          " (" + stamp + " + 15 min.)");
  return Result<>();
}

/// Four HMACs once a day, region and service. Only for a key that has just been looked up: one
/// that is gone or changed finds nothing here.
const std::string& SignatureAuthenticator::CachedSigningKey(const AccessKey& key,
                                                            const Signature& signature) {
  const std::string place = key.id + "\n" + signature.Scope();
  const auto known = signing_keys_.find(place);
  if (known != signing_keys_.end() && known->second.secret.Reveal() == key.secret.Reveal())
    return known->second.signing_key;
  if (signing_keys_.size() >= kSigningKeysMax) signing_keys_.clear();
  Made made{key.secret, SigningKey(key.secret, signature)};
  return signing_keys_.insert_or_assign(place, std::move(made)).first->second.signing_key;
}

Task<Verified> SignatureAuthenticator::Verify(const HttpRequest& request, Signature signature,
                                              std::string payload_hash) {
  MILL_CO_TRY(const AccessKey key,
              co_await FindKey(signature.access_key_id, signature.session_token));
  MILL_CO_CHECK(CheckTime(signature));
  bool signs_host = false;
  for (const std::string& name : signature.signed_headers) signs_host |= name == "host";
  if (!signs_host)
    co_return Denied("SignatureDoesNotMatch",
                     "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  Verified verified;
  verified.signing_key = CachedSigningKey(key, signature);
  const std::string computed = Sign(request, signature, verified.signing_key, payload_hash);
  if (!EqualsConstantTime(computed, signature.signature))
    co_return Denied("SignatureDoesNotMatch",
                     "The request signature we calculated does not match the signature you "
                     "provided. Check your AWS Secret Access Key and signing method. Consult the "
                     "service documentation for details.");
  verified.caller.principal = key.principal;
  verified.caller.principal.access_key_id = key.id;
  verified.caller.account = key.principal.account;
  verified.caller.region = signature.region;
  if (verified.caller.region.empty() || verified.caller.region == "aws-global")
    verified.caller.region = region_;
  co_return verified;
}

Task<Caller> SignatureAuthenticator::Secret(std::string access_key_id, std::string secret,
                                            std::string session_token) {
  MILL_CO_TRY(const AccessKey key, co_await FindKey(access_key_id, session_token));
  if (!EqualsConstantTime(key.secret.Reveal(), secret))
    co_return Denied("SignatureDoesNotMatch", "The secret access key is wrong.");
  Caller caller;
  caller.principal = key.principal;
  caller.principal.access_key_id = key.id;
  caller.account = key.principal.account;
  caller.region = region_;
  co_return caller;
}

Task<Caller> SignatureAuthenticator::Basic(const HttpRequest& request) {
  const std::string_view header = request.headers.Get("authorization");
  constexpr std::string_view kBasic = "Basic ";
  if (!EqualsIgnoreCase(header.substr(0, kBasic.size()), kBasic))
    co_return Denied("MissingAuthenticationToken", "Missing Authentication Token");
  const auto decoded = Unbase64(Trim(header.substr(kBasic.size())));
  const size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos)
    co_return Denied("IncompleteSignature", "The Authorization header is not Basic.");
  const std::string user = decoded->substr(0, colon), password = decoded->substr(colon + 1);
  // "20221121T120000Z" and 64 hex digits: the credential helper's.
  if (password.size() == 80 && ParseAmzDate(password.substr(0, 16)))
    co_return co_await CodeCommitHelper(request, user, password);
  const size_t percent = user.find('%');
  const std::string token = percent == std::string::npos ? "" : user.substr(percent + 1);
  co_return co_await Secret(user.substr(0, percent), password, token);
}

/// `aws codecommit credential-helper`: a signature over "GIT\nPATH\n\nhost:HOST\n\nhost\n" with the
/// timestamp in front of it. The path is the repository's, as git was given it. The region is part
/// of the scope but not of the text: the host names it, or it is the server's.
Task<Caller> SignatureAuthenticator::CodeCommitHelper(const HttpRequest& request, std::string user,
                                                      std::string password) {
  const size_t percent = user.find('%');
  const std::string token = percent == std::string::npos ? "" : user.substr(percent + 1);
  const std::string id = user.substr(0, percent);
  MILL_CO_TRY(const AccessKey key, co_await FindKey(id, token));
  Signature signature;
  signature.timestamp = password.substr(0, 15);
  signature.date = password.substr(0, 8);
  signature.service = "codecommit";
  Signature stamped = signature;
  stamped.timestamp += "Z";
  MILL_CO_CHECK(CheckTime(stamped));
  const auto labels = Split(request.host, '.');
  std::vector<std::string> regions{region_, "us-east-1"};
  if (labels.size() > 2 && labels[0] == "git-codecommit")
    regions.insert(regions.begin(), std::string(labels[1]));
  const std::string path = UrlDecode(request.path);
  const std::string host_header(request.headers.Get("host"));
  for (const std::string& region : regions) {
    signature.region = region;
    const std::string signing_key = SigningKey(key.secret, signature);
    // git appends "/info/refs", "/git-upload-pack", ... to what the helper signed.
    for (size_t end = path.size(); end != std::string::npos && end > 0;
         end = path.rfind('/', end - 1)) {
      for (const std::string& host : {request.host, ToLower(host_header)}) {
        const std::string canonical =
            "GIT\n" + path.substr(0, end) + "\n\nhost:" + host + "\n\nhost\n";
        const std::string to_sign = "AWS4-HMAC-SHA256\n" + signature.timestamp + "\n" +
                                    signature.Scope() + "\n" + Hex(Sha256(canonical));
        const std::string computed = Hex(HmacSha256(signing_key, to_sign));
        if (!EqualsConstantTime(computed, password.substr(16))) continue;
        Caller caller;
        caller.principal = key.principal;
        caller.principal.access_key_id = key.id;
        caller.account = key.principal.account;
        caller.region = region;
        co_return caller;
      }
    }
  }
  co_return Denied("SignatureDoesNotMatch", "The credential helper's signature does not match.");
}

}  // namespace stepmill::wire
