#include "wire/aws/handler.h"

#include "base/digest.h"
#include "base/gunzip.h"
#include "base/strings.h"
#include "wire/aws/decode.h"
#include "wire/aws/encode.h"
#include "wire/aws/limits.h"
#include "wire/aws/payload.h"
#include "wire/aws/route.h"

namespace stepmill::wire {

namespace {

using Protocol = ServiceModel::Protocol;

Error UnknownTarget(const Target& target) {
  if (target.service && target.protocol == Protocol::kQuery)
    return Error{Code::kInvalid, "InvalidAction",
                 "Could not find operation " + target.unknown + " for version " +
                     std::string(target.service->model->api_version)};
  return Error{Code::kInvalid, "UnknownOperationException",
               target.unknown + " is not built in stepmill."};
}

/// How large a body of this operation may be that is not streamed.
size_t BytesMaxOf(const Target& target) {
  const bool is_package =
      target.service->name == "lambda" &&
      (target.operation == "CreateFunction" || target.operation == "UpdateFunctionCode" ||
       target.operation == "PublishLayerVersion");
  return is_package ? kPackageBytesMax : kBodyBytesMax;
}

Error TooLarge(const Target& target) {
  const std::string bytes = std::to_string(BytesMaxOf(target));
  if (target.service->name == "lambda")
    return Error{Code::kLimit, "RequestTooLargeException",
                 "Request must be smaller than " + bytes + " bytes for the " + target.operation +
                     " operation"};
  return Error{Code::kLimit, "RequestEntityTooLarge",
               "The request's body is larger than " + bytes + " bytes."};
}

Result<> CheckContentMd5(const HttpRequest& request, const std::string& body) {
  const std::string_view given = request.headers.Get("content-md5");
  if (given.empty()) return Result<>();
  const auto raw = Unbase64(given);
  if (!raw || raw->size() != 16)
    return Error{Code::kInvalid, "InvalidDigest", "The Content-MD5 you specified was invalid."};
  if (*raw != Md5(body))
    return Error{Code::kInvalid, "BadDigest",
                 "The Content-MD5 you specified did not match what we received."};
  return Result<>();
}

/// A body that came packed: clients do that above a size (Smithy: "requestCompression").
Result<std::string> Unpacked(const Target& target, const std::string& body) {
  std::string out;
  MaybeGunzip gunzip;
  const MaybeGunzip::Sink sink = [&out, &target](std::string_view piece) -> Result<> {
    if (out.size() + piece.size() > kBodyBytesMax) return TooLarge(target);
    out += piece;
    return Result<>();
  };
  Result<> done = gunzip.Push(body, sink);
  if (done) done = gunzip.Finish(sink);
  if (done) return out;
  if (done.error().code == Code::kLimit) return done.error();
  return Error{Code::kInvalid, "SerializationException", done.error().message};
}

}  // namespace

/// What is known of a request so far; an error is answered from it.
struct AwsHandler::Exchange {
  std::string request_id;
  Target target;
  HttpResponse response;
};

asio::awaitable<HttpResponse> AwsHandler::Handle(HttpRequest& request) {
  for (FrontEnd* front_end : front_ends_)
    if (front_end->Takes(request)) co_return co_await front_end->Handle(request);
  Exchange exchange;
  exchange.request_id = random_.NewUuid();
  const Result<> served = co_await Serve(request, exchange);
  if (served) co_return std::move(exchange.response);
  co_return EncodeError(exchange.target, served.error(), exchange.request_id, request);
}

Task<> AwsHandler::Serve(HttpRequest& request, Exchange& exchange) {
  auto read = ReadSignature(request);
  const std::optional<Signature> signature = read ? *read : std::nullopt;
  Target& target = exchange.target;
  target = FindTarget(door_, request, signature ? &*signature : nullptr);
  if (!read) co_return read.error();
  if (!signature)
    co_return Error{Code::kDenied, "MissingAuthenticationToken",
                    target.service && target.service->model->service == "s3"
                        ? "Access Denied"
                        : "Missing Authentication Token"};
  if (!target.service) {
    // Who sends is checked even where nothing is built.
    MILL_CO_TRY(const std::string text, co_await ReadAll(*request.body, kBodyBytesMax));
    const std::string hash = Hex(Sha256(text));
    MILL_CO_TRY(const Verified known, co_await authenticator_.Verify(request, *signature, hash));
    co_return UnknownTarget(target);
  }
  const ServiceModel& model = *target.service->model;
  const bool is_s3 = model.protocol == Protocol::kRestXml;
  const std::string_view stream = target.model ? target.model->input_stream() : std::string_view();
  // A blob that is the body of a JSON operation is a member: it comes whole, its hash is not said.
  const bool is_member = !stream.empty() && model.protocol == Protocol::kRestJson;
  const bool streams = !stream.empty() && !is_member;
  const std::string& said = signature->payload_hash;
  const bool is_framed = said.rfind("STREAMING-", 0) == 0;
  if (is_s3 && said.empty() && !signature->is_presigned)
    co_return Error{Code::kInvalid, "InvalidRequest",
                    "Missing required header for this request: x-amz-content-sha256"};

  std::string body;
  std::string payload_hash = said;
  if (payload_hash.empty() && is_s3) payload_hash = "UNSIGNED-PAYLOAD";
  if (!streams && !is_framed) {
    Result<std::string> all = co_await ReadAll(*request.body, BytesMaxOf(target));
    if (!all && all.error().code == Code::kLimit) co_return TooLarge(target);
    if (!all) co_return all.error();
    body = std::move(*all);
    // What is signed is what came, whatever the header says of it.
    const std::string computed = Hex(Sha256(body));
    if (payload_hash != "UNSIGNED-PAYLOAD" && is_s3 && payload_hash != computed)
      co_return Error{Code::kInvalid, "XAmzContentSHA256Mismatch",
                      "The provided 'x-amz-content-sha256' header does not match what was "
                      "computed."};
    if (!is_s3) payload_hash = computed;
  }
  MILL_CO_TRY(const Verified verified,
              co_await authenticator_.Verify(request, *signature, payload_hash));
  if (signature->service != model.signing_name)
    co_return Error{Code::kDenied, "SignatureDoesNotMatch",
                    "Credential should be scoped to correct service: '" +
                        std::string(model.signing_name) + "'."};

  MILL_CO_TRY(const auto ticket, admission_.Enter(verified.caller.principal.access_key_id));

  PayloadPlan plan;
  plan.signature = *signature;
  plan.signing_key = verified.signing_key;
  plan.trailer = std::string(request.headers.Get("x-amz-trailer"));
  const auto decoded_length = ParseInt(request.headers.Get("x-amz-decoded-content-length"));
  if (decoded_length && *decoded_length >= 0)
    plan.decoded_length = static_cast<uint64_t>(*decoded_length);
  std::unique_ptr<ByteSource> payload;
  if (streams || is_framed) {
    MILL_CO_TRY(payload, OpenPayload(*request.body, plan));
  }
  if (!streams && is_framed) {
    MILL_CO_TRY(body, co_await ReadAll(*payload, kBodyBytesMax));
  }
  if (!streams) MILL_CO_CHECK(CheckContentMd5(request, body));
  if (!streams && !is_s3 && EqualsIgnoreCase(request.headers.Get("content-encoding"), "gzip")) {
    MILL_CO_TRY(body, Unpacked(target, body));
  }

  MILL_CO_TRY(Json input, DecodeInput(request, target, body));
  if (is_member) input = input.With(stream, Base64(body));
  if (!target.model) co_return UnknownTarget(target);
  if (streams && is_s3) {
    // What a framed body says of itself stands in its trailer and its own length.
    constexpr std::string_view kChecksum = "x-amz-checksum-";
    if (plan.trailer.rfind(kChecksum, 0) == 0 && !input.Has("ChecksumAlgorithm"))
      input = input.With("ChecksumAlgorithm", Json(ToUpper(plan.trailer.substr(kChecksum.size()))));
    const auto length = is_framed ? plan.decoded_length : request.content_length;
    if (length) input = input.With("ContentLength", Json(static_cast<int64_t>(*length)));
  }
  Request ask;
  ask.service = std::string(target.service->name);
  ask.operation = target.operation;
  ask.principal = verified.caller.principal;
  ask.account = verified.caller.account;
  ask.region = verified.caller.region;
  ask.input = std::move(input);
  ask.body = streams ? payload.get() : nullptr;
  ask.source_ip = request.peer_ip;
  ask.user_agent = std::string(request.headers.Get("user-agent"));
  ask.request_id = exchange.request_id;
  MILL_CO_TRY(Answer answer, co_await door_.Ask(std::move(ask)));
  if (!answer.request_id.empty()) exchange.request_id = answer.request_id;
  exchange.response =
      EncodeAnswer(target, std::move(answer), exchange.request_id, request.method == "HEAD");
  co_return Result<>();
}

}  // namespace stepmill::wire
