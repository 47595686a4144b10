#include "store/journal/encoding.h"

namespace stepmill::journal {
namespace {

constexpr int kDepthMax = 10'000;  // only a bound against a damaged file

enum Kind : uint8_t {
  kNull = 0,
  kFalse = 1,
  kTrue = 2,
  kInteger = 3,
  kNumber = 4,
  kString = 5,
  kPayload = 6,
  kArray = 7,
  kObject = 8,
};

Error Damaged() { return {Code::kInternal, "StoreDamaged", "a stored value does not read back"}; }

Result<Json> Decode(Reader& reader, const std::function<Result<Json>(PayloadId)>& payload,
                    int depth) {
  if (depth > kDepthMax || reader.is_bad()) return Damaged();
  switch (reader.Byte()) {
    case kNull: return Json();
    case kFalse: return Json(false);
    case kTrue: return Json(true);
    case kInteger: {
      const uint64_t bits = reader.Number();
      return Json(static_cast<int64_t>(bits >> 1) ^ -static_cast<int64_t>(bits & 1));
    }
    case kNumber: {
      const std::string_view text = reader.Text();
      auto number = ParseJson(text);
      if (!number || !number->is_number()) return Damaged();
      return number;
    }
    case kString: return Json(reader.Text());
    case kPayload: return payload(reader.Number());
    case kArray: {
      const uint64_t count = reader.Number();
      Json::Array items;
      for (uint64_t i = 0; i < count; ++i) {
        MILL_TRY(Json item, Decode(reader, payload, depth + 1));
        items.push_back(std::move(item));
      }
      return Json(std::move(items));
    }
    case kObject: {
      const uint64_t count = reader.Number();
      Json::Object object;
      for (uint64_t i = 0; i < count; ++i) {
        std::string name(reader.Text());
        MILL_TRY(Json value, Decode(reader, payload, depth + 1));
        object.Add(std::move(name), std::move(value));
      }
      return Json(std::move(object));
    }
    default: return Damaged();
  }
}

}  // namespace

void PutNumber(std::string& out, uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>(number | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

void PutText(std::string& out, std::string_view text) {
  PutNumber(out, text.size());
  out += text;
}

uint8_t Reader::Byte() {
  if (bytes_.empty()) {
    is_bad_ = true;
    return 0;
  }
  const auto byte = static_cast<uint8_t>(bytes_.front());
  bytes_.remove_prefix(1);
  return byte;
}

uint64_t Reader::Number() {
  uint64_t number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    number |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return number;
  }
  is_bad_ = true;
  return 0;
}

std::string_view Reader::Text() {
  const uint64_t size = Number();
  if (size > bytes_.size()) {
    is_bad_ = true;
    return {};
  }
  const std::string_view text = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return text;
}

void EncodeJson(const Json& value, const std::function<PayloadId(const Json& text)>& name,
                std::string& out) {
  switch (value.kind()) {
    case Json::Kind::kNull: out += static_cast<char>(kNull); return;
    case Json::Kind::kBool: out += static_cast<char>(value.AsBool() ? kTrue : kFalse); return;
    case Json::Kind::kNumber:
      if (value.is_integer()) {
        const int64_t number = value.AsInteger();
        out += static_cast<char>(kInteger);
        PutNumber(out, (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63));
      } else {
        out += static_cast<char>(kNumber);
        PutText(out, value.NumberText());
      }
      return;
    case Json::Kind::kString: {
      const std::string& text = value.AsString();
      if (text.size() >= kPayloadBytesMin) {
        out += static_cast<char>(kPayload);
        PutNumber(out, name(value));
      } else {
        out += static_cast<char>(kString);
        PutText(out, text);
      }
      return;
    }
    case Json::Kind::kArray:
      out += static_cast<char>(kArray);
      PutNumber(out, value.size());
      for (const Json& item : value.items()) EncodeJson(item, name, out);
      return;
    case Json::Kind::kObject:
      out += static_cast<char>(kObject);
      PutNumber(out, value.size());
      for (const Json::Member& member : value.members()) {
        PutText(out, member.name);
        EncodeJson(member.value, name, out);
      }
      return;
  }
}

Result<Json> DecodeJson(std::string_view bytes,
                        const std::function<Result<Json>(PayloadId)>& payload) {
  Reader reader(bytes);
  MILL_TRY(Json value, Decode(reader, payload, 0));
  if (reader.is_bad() || !reader.is_done()) return Damaged();
  return value;
}

}  // namespace stepmill::journal
