#include "service/sagemaker/pipe_data.h"

#include <utility>

#include "base/gunzip.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/errors.h"

namespace stepmill::sagemaker {

namespace {

constexpr uint32_t kRecordMagic = 0xced7230a;
constexpr uint64_t kRecordMax = (1u << 29) - 1;  ///< the length has 29 bits
constexpr uint64_t kManifestMax = 256ull << 20;

std::string LittleEndian(uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

class EpochSource : public ByteSource {
 public:
  EpochSource(Asker asker, std::vector<PipePart> parts, bool is_wrapped, bool is_packed)
      : asker_(std::move(asker)),
        parts_(std::move(parts)),
        is_wrapped_(is_wrapped),
        is_packed_(is_packed) {}

  Task<std::string> Read() override {
    for (;;) {
      if (!ready_.empty()) co_return std::exchange(ready_, std::string());
      if (body_) {
        MILL_CO_CHECK(co_await Go());
      } else if (next_ < parts_.size()) {
        const PipePart part = parts_[next_++];
        MILL_CO_CHECK(co_await Begin(part));
      } else {
        co_return std::string();
      }
    }
  }

 private:
  Task<> Begin(PipePart part) {
    if (part.bucket.empty()) {
      body_ = BytesSource(part.text);
      size_ = part.text.size();
    } else {
      MILL_CO_TRY(Answer answer, co_await OpenObject(asker_, part.bucket, part.key));
      size_ = static_cast<uint64_t>(answer.output.IntOr("ContentLength", 0));
      body_ = answer.body ? std::move(answer.body) : BytesSource("");
    }
    if (is_wrapped_) {
      MILL_CO_TRY(ready_, RecordHeader(size_));
    }
    if (is_packed_) unpacker_ = std::make_unique<MaybeGunzip>();
    co_return Result<>();
  }

  /// The next piece of the part.
  Task<> Go() {
    MILL_CO_TRY(const std::string bytes, co_await body_->Read());
    const auto take = [this](std::string_view unpacked) {
      ready_ += unpacked;
      return Result<>();
    };
    if (!bytes.empty()) co_return unpacker_ ? unpacker_->Push(bytes, take) : take(bytes);
    body_.reset();
    if (is_wrapped_) ready_ += RecordPadding(size_);
    if (!unpacker_) co_return Result<>();
    const auto unpacker = std::move(unpacker_);
    co_return unpacker->Finish(take);
  }

  Asker asker_;
  std::vector<PipePart> parts_;
  bool is_wrapped_, is_packed_;
  size_t next_ = 0;
  std::unique_ptr<ByteSource> body_;  ///< of the part under way
  uint64_t size_ = 0;
  std::unique_ptr<MaybeGunzip> unpacker_;
  std::string ready_;
};

/// The lines of an augmented manifest that are this host's in this epoch, as parts.
Task<std::vector<PipePart>> ReadAugmented(Asker asker, Json s3, DataSource share) {
  MILL_CO_TRY(const S3Location where, ParseS3Uri(share.uri));
  MILL_CO_TRY(const Answer answer, co_await OpenObject(asker, where.bucket, where.key));
  std::string text;
  if (answer.body) {
    MILL_CO_TRY(text, co_await ReadAll(*answer.body, kManifestMax));
  }
  std::vector<std::string> lines;
  for (const std::string_view line : Split(text, '\n'))
    if (!Trim(line).empty()) lines.emplace_back(Trim(line));
  std::vector<PipePart> parts;
  for (const size_t i : ShareOfItems(lines.size(), share)) {
    MILL_CO_TRY(const std::vector<PipePart> some, PartsOfLine(lines[i], s3["AttributeNames"]));
    parts.insert(parts.end(), some.begin(), some.end());
  }
  co_return parts;
}

}  // namespace

Result<std::vector<PipePart>> PartsOfLine(const std::string& line, const Json& attributes) {
  const Result<Json> parsed = ParseJson(line);
  if (!parsed || !parsed->is_object())
    return Invalid("a line of the augmented manifest is no JSON object: " +
                   std::string(TruncateUtf8(line, 100)));
  std::vector<PipePart> parts;
  for (const Json& attribute : ItemsOf(attributes)) {
    const std::string& name = attribute.AsString();
    const Json* value = parsed->Find(name);
    if (!value) return Invalid("a line of the augmented manifest has no attribute " + name);
    if (name.ends_with("-ref")) {
      if (!value->is_string()) return Invalid("attribute " + name + " must be an S3 URI");
      MILL_TRY(const S3Location where, ParseS3Uri(value->AsString()));
      parts.push_back({where.bucket, where.key, ""});
    } else {
      parts.push_back({"", "", value->is_string() ? value->AsString() : value->Print()});
    }
  }
  return parts;
}

Result<std::string> RecordHeader(uint64_t size_bytes) {
  if (size_bytes > kRecordMax)
    return Invalid("an object of " + std::to_string(size_bytes) +
                   " bytes is longer than a RecordIO record can be");
  return LittleEndian(kRecordMagic) + LittleEndian(static_cast<uint32_t>(size_bytes));
}

std::string RecordPadding(uint64_t size_bytes) {
  constexpr uint64_t kAlign = 4;
  return std::string((kAlign - size_bytes % kAlign) % kAlign, '\0');
}

Task<std::unique_ptr<ByteSource>> OpenEpoch(Asker asker, Json channel, DataSource share,
                                            int64_t epoch) {
  const Json s3 = channel["DataSource"]["S3DataSource"];
  share.epoch = epoch;
  std::vector<PipePart> parts;
  if (share.type == "AugmentedManifestFile") {
    MILL_CO_TRY(parts, co_await ReadAugmented(asker, s3, share));
  } else {
    MILL_CO_TRY(const std::vector<DataObject> objects, co_await FindObjects(asker, share));
    for (const DataObject& object : objects) parts.push_back({object.bucket, object.key, ""});
  }
  const bool is_wrapped = channel.StringOr("RecordWrapperType", "None") == "RecordIO";
  const bool is_packed = channel.StringOr("CompressionType", "None") == "Gzip";
  co_return std::unique_ptr<ByteSource>(
      std::make_unique<EpochSource>(asker, std::move(parts), is_wrapped, is_packed));
}

}  // namespace stepmill::sagemaker
