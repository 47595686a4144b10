#include "wire/aws/payload.h"

#include "base/checksum.h"
#include "base/digest.h"
#include "base/strings.h"

namespace stepmill::wire {

namespace {

constexpr size_t kChunkHeaderMax = 512;
constexpr size_t kTrailerMax = 16 * 1024;
/// AWS takes chunks of any size; each signed one is held whole until its signature is checked.
constexpr size_t kSignedChunkMax = 64 * 1024 * 1024;

Error Denied() {
  return Error{Code::kDenied, "SignatureDoesNotMatch",
               "The request signature we calculated does not match the signature you provided. "
               "Check your key and signing method."};
}
Error Incomplete() {
  return Error{Code::kInvalid, "IncompleteBody",
               "The request body terminated unexpectedly: its aws-chunked framing is broken."};
}

/// Passes bytes through and compares their SHA-256 at the end.
class HashedSource : public ByteSource {
 public:
  HashedSource(ByteSource& body, std::string expected)
      : body_(body), expected_(std::move(expected)) {}

  Task<std::string> Read() override {
    MILL_CO_TRY(std::string bytes, co_await body_.Read());
    if (!bytes.empty()) {
      digest_.Update(bytes);
      co_return bytes;
    }
    if (is_checked_) co_return bytes;
    is_checked_ = true;
    const std::string computed = Hex(digest_.Finish());
    if (computed != expected_)
      co_return Error{
          Code::kInvalid,
          "XAmzContentSHA256Mismatch",
          "The provided 'x-amz-content-sha256' header does not match what was "
          "computed.",
          {{"ClientComputedContentSHA256", expected_}, {"S3ComputedContentSHA256", computed}}};
    co_return bytes;
  }

 private:
  ByteSource& body_;
  std::string expected_;
  Digest digest_{Digest::Kind::kSha256};
  bool is_checked_ = false;
};

/// Takes off aws-chunked framing: "SIZE[;chunk-signature=HEX]\r\n", bytes, "\r\n", up to a chunk of
/// size 0, then trailing headers ("name:value\r\n") and an empty line.
class ChunkedSource : public ByteSource {
 public:
  ChunkedSource(ByteSource& body, PayloadPlan plan)
      : body_(body),
        plan_(std::move(plan)),
        is_signed_(plan_.signature.payload_hash.find("HMAC") != std::string::npos),
        previous_(plan_.signature.signature) {
    constexpr std::string_view kPrefix = "x-amz-checksum-";
    const std::string name = ToLower(plan_.trailer);
    if (name.rfind(kPrefix, 0) != 0) return;
    const auto kind = Checksum::KindFor(name.substr(kPrefix.size()));
    if (kind) checksum_.emplace(*kind);
  }

  Task<std::string> Read() override {
    if (is_done_) co_return std::string();
    if (left_ == 0) {
      MILL_CO_CHECK(co_await ReadChunkHeader());
      if (left_ == 0) {
        MILL_CO_CHECK(co_await Finish());
        is_done_ = true;
        co_return std::string();
      }
    }
    // A signed chunk is given out only once its signature is known to be right.
    const size_t wanted = is_signed_ ? left_ : std::min<size_t>(left_, kChunkBytes);
    MILL_CO_TRY(std::string bytes, co_await Take(wanted));
    left_ -= bytes.size();
    if (left_ == 0) {
      MILL_CO_TRY(const std::string end, co_await Take(2));
      if (end != "\r\n") co_return Incomplete();
    }
    if (is_signed_) MILL_CO_CHECK(CheckChunk(bytes));
    if (checksum_) checksum_->Update(bytes);
    total_ += bytes.size();
    co_return bytes;
  }

 private:
  Task<> Fill() {
    MILL_CO_TRY(const std::string more, co_await body_.Read());
    if (more.empty()) co_return Incomplete();
    buffer_.erase(0, at_);
    at_ = 0;
    buffer_ += more;
    co_return Result<>();
  }

  Task<std::string> Take(size_t count) {
    while (buffer_.size() - at_ < count) {
      MILL_CO_CHECK(co_await Fill());
    }
    std::string out = buffer_.substr(at_, count);
    at_ += count;
    co_return out;
  }

  Task<std::string> TakeLine(size_t bytes_max) {
    while (true) {
      const size_t end = buffer_.find("\r\n", at_);
      if (end != std::string::npos) {
        std::string line = buffer_.substr(at_, end - at_);
        at_ = end + 2;
        co_return line;
      }
      if (buffer_.size() - at_ > bytes_max) co_return Incomplete();
      MILL_CO_CHECK(co_await Fill());
    }
  }

  Task<> ReadChunkHeader() {
    MILL_CO_TRY(const std::string line, co_await TakeLine(kChunkHeaderMax));
    const size_t semicolon = line.find(';');
    const std::string size = line.substr(0, semicolon);
    if (size.empty() || size.size() > 15 ||
        size.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      co_return Incomplete();
    left_ = std::stoull(size, nullptr, 16);
    chunk_signature_.clear();
    constexpr std::string_view kName = ";chunk-signature=";
    if (semicolon != std::string::npos && line.compare(semicolon, kName.size(), kName) == 0)
      chunk_signature_ = line.substr(semicolon + kName.size());
    if (is_signed_ && (chunk_signature_.empty() || left_ > kSignedChunkMax)) co_return Denied();
    co_return Result<>();
  }

  Result<> CheckChunk(std::string_view bytes) {
    const Signature& signature = plan_.signature;
    const std::string to_sign = "AWS4-HMAC-SHA256-PAYLOAD\n" + signature.timestamp + "\n" +
                                signature.Scope() + "\n" + previous_ + "\n" + Hex(Sha256("")) +
                                "\n" + Hex(Sha256(bytes));
    previous_ = Hex(HmacSha256(plan_.signing_key, to_sign));
    if (!EqualsConstantTime(previous_, chunk_signature_)) return Denied();
    return Result<>();
  }

  /// Behind the last chunk: its signature, the trailing headers, theirs, and what they promise.
  Task<> Finish() {
    if (is_signed_) MILL_CO_CHECK(CheckChunk(""));
    std::string headers, value, trailer_signature;
    while (headers.size() < kTrailerMax) {
      MILL_CO_TRY(const std::string line, co_await TakeLine(kTrailerMax));
      if (line.empty()) break;
      const size_t colon = line.find(':');
      if (colon == std::string::npos) co_return Incomplete();
      const std::string name = ToLower(Trim(std::string_view(line).substr(0, colon)));
      const std::string text(Trim(std::string_view(line).substr(colon + 1)));
      if (name == "x-amz-trailer-signature") {
        trailer_signature = text;
      } else {
        headers += name + ":" + text + "\n";
        if (EqualsIgnoreCase(name, plan_.trailer)) value = text;
      }
    }
    if (is_signed_ && !plan_.trailer.empty()) {
      const Signature& signature = plan_.signature;
      const std::string to_sign = "AWS4-HMAC-SHA256-TRAILER\n" + signature.timestamp + "\n" +
                                  signature.Scope() + "\n" + previous_ + "\n" +
                                  Hex(Sha256(headers));
      const std::string computed = Hex(HmacSha256(plan_.signing_key, to_sign));
      if (!EqualsConstantTime(computed, trailer_signature)) co_return Denied();
    }
    if (plan_.decoded_length && *plan_.decoded_length != total_) co_return Incomplete();
    if (!checksum_) co_return Result<>();
    const Checksum::Kind kind = checksum_->kind();
    if (Base64(checksum_->Finish()) != value)
      co_return Error{Code::kInvalid, "BadDigest",
                      "The " + std::string(Checksum::Name(kind)) +
                          " you specified did not match the calculated checksum."};
    co_return Result<>();
  }

  ByteSource& body_;
  PayloadPlan plan_;
  bool is_signed_, is_done_ = false;
  std::string previous_, chunk_signature_, buffer_;
  size_t at_ = 0;
  uint64_t left_ = 0, total_ = 0;
  std::optional<Checksum> checksum_;
};

/// The bytes as they come.
class PlainSource : public ByteSource {
 public:
  explicit PlainSource(ByteSource& body) : body_(body) {}
  Task<std::string> Read() override { return body_.Read(); }

 private:
  ByteSource& body_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenPayload(ByteSource& body, PayloadPlan plan) {
  const std::string& hash = plan.signature.payload_hash;
  if (hash.rfind("STREAMING-", 0) == 0) {
    if (hash != "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" &&
        hash != "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" &&
        hash != "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
      return Error{Code::kInvalid, "NotImplemented",
                   "x-amz-content-sha256 " + hash + " is not implemented."};
    return std::unique_ptr<ByteSource>(std::make_unique<ChunkedSource>(body, std::move(plan)));
  }
  if (hash.empty() || hash == "UNSIGNED-PAYLOAD")
    return std::unique_ptr<ByteSource>(std::make_unique<PlainSource>(body));
  return std::unique_ptr<ByteSource>(std::make_unique<HashedSource>(body, hash));
}

}  // namespace stepmill::wire
