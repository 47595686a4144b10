#include "wire/aws/cbor.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "wire/aws/limits.h"

namespace stepmill::wire {

namespace {

/// An item begins with one byte, type << 5 | info. Info below 24 is the argument, 24 to 27 say that
/// it stands in the next 1, 2, 4 or 8 bytes (big endian), 31 that there is none: an indefinite
/// length, which the byte 0xff ends (RFC 8949, 3).
enum Major : uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr uint8_t kInfoIndefinite = 31;
constexpr uint8_t kBreak = 0xff;
constexpr uint64_t kTagEpoch = 1;
constexpr uint8_t kFalse = 20, kTrue = 21, kNull = 22, kUndefined = 23;
constexpr uint8_t kHalf = 25, kSingle = 26, kDouble = 27;

Error Broken(const std::string& why) {
  return Error{Code::kInvalid, "SerializationException", "The CBOR of the request " + why + "."};
}

double FromHalf(uint64_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const auto fraction = static_cast<double>(bits & 0x3ff);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  if (exponent == 31)
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

Json Number(double value) {
  if (std::isnan(value)) return Json("NaN");
  if (std::isinf(value)) return Json(value > 0 ? "Infinity" : "-Infinity");
  return Json(value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  Result<Json> Whole(const Shape& shape) {
    MILL_TRY(Json value, Value(shape, 0));
    if (!rest_.empty()) return Broken("goes on behind its end");
    return value;
  }

 private:
  struct Head {
    uint8_t major = 0, info = 0;
    uint64_t argument = 0;
    bool is_indefinite() const { return info == kInfoIndefinite; }
  };

  Result<Head> ReadHead() {
    if (rest_.empty()) return Broken("ends early");
    const auto first = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    Head head{static_cast<uint8_t>(first >> 5), static_cast<uint8_t>(first & 31), 0};
    if (head.info < 24) {
      head.argument = head.info;
    } else if (head.info <= 27) {
      const size_t width = size_t{1} << (head.info - 24);
      if (rest_.size() < width) return Broken("ends early");
      for (size_t i = 0; i < width; ++i)
        head.argument = head.argument << 8 | static_cast<uint8_t>(rest_[i]);
      rest_.remove_prefix(width);
    } else if (!head.is_indefinite() || head.major < kBytes || head.major > kMap) {
      return Broken("has an item that is not well-formed");
    }
    return head;
  }

  /// The bytes of a string, whose head has been read.
  Result<std::string> String(const Head& head) {
    std::string out;
    if (!head.is_indefinite()) {
      MILL_CHECK(AppendPiece(head, out));
      return out;
    }
    while (!TakeBreak()) {
      MILL_TRY(const Head piece, ReadHead());
      if (piece.major != head.major || piece.is_indefinite())
        return Broken("has a piece of another type in a string");
      MILL_CHECK(AppendPiece(piece, out));
    }
    return out;
  }

  Result<> AppendPiece(const Head& head, std::string& out) {
    if (head.argument > rest_.size()) return Broken("ends early");
    const std::string_view piece = rest_.substr(0, head.argument);
    if (head.major == kText && !IsValidUtf8(piece)) return Broken("has a text that is not UTF-8");
    out += piece;
    rest_.remove_prefix(piece.size());
    return Result<>();
  }

  bool TakeBreak() {
    if (rest_.empty() || static_cast<uint8_t>(rest_.front()) != kBreak) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Whether another of `head`'s items follows, when `done` have been read.
  Result<bool> HasMore(const Head& head, uint64_t done) {
    if (!head.is_indefinite()) return done < head.argument;
    if (rest_.empty()) return Broken("ends early");
    return !TakeBreak();
  }

  Result<std::string> MapKey() {
    MILL_TRY(const Head head, ReadHead());
    if (head.major != kText) return Broken("has a key that is not a text");
    return String(head);
  }

  Result<Json> Value(const Shape& shape, int depth) {
    if (depth > kCborDepthMax) return Broken("is nested too deeply");
    MILL_TRY(Head head, ReadHead());
    while (head.major == kTag) {  // a timestamp's, or one that says nothing here
      if (head.argument != kTagEpoch) return Broken("has a tag that no member takes");
      if (++depth > kCborDepthMax) return Broken("is nested too deeply");
      MILL_TRY(head, ReadHead());
    }
    using Type = Shape::Type;
    if (head.major == kMap && shape.type == Type::kStructure) return Structure(shape, head, depth);
    if (head.major == kMap && shape.type == Type::kMap) return Map(shape, head, depth);
    if (head.major == kArray && shape.type == Type::kList) return List(shape, head, depth);
    if ((head.major == kBytes) != (shape.type == Type::kBlob) &&
        (head.major == kBytes || head.major == kText))
      return Broken(head.major == kBytes ? "has a byte string where none is expected"
                                         : "has a text where a byte string is expected");
    return Scalar(head, depth);
  }

  /// A scalar as it is; of a list or map where none is due only the kind.
  Result<Json> Scalar(const Head& head, int depth) {
    switch (head.major) {
      case kUnsigned:
      case kNegative: {
        if (head.argument > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
          return Broken("has an integer of more than 64 bits");
        const auto value = static_cast<int64_t>(head.argument);
        return Json(head.major == kUnsigned ? value : -1 - value);
      }
      case kBytes: {
        MILL_TRY(const std::string bytes, String(head));
        return Json(Base64(bytes));
      }
      case kText: {
        MILL_TRY(const std::string text, String(head));
        return Json(text);
      }
      case kArray: MILL_CHECK(SkipItems(head, 1, depth)); return Json(Json::Array{});
      case kMap: MILL_CHECK(SkipItems(head, 2, depth)); return Json(Json::Object{});
      default: return Simple(head);
    }
  }

  static Result<Json> Simple(const Head& head) {
    switch (head.info) {
      case kFalse: return Json(false);
      case kTrue: return Json(true);
      case kNull:
      case kUndefined: return Json();
      case kHalf: return Number(FromHalf(head.argument));
      case kSingle: return Number(std::bit_cast<float>(static_cast<uint32_t>(head.argument)));
      case kDouble: return Number(std::bit_cast<double>(head.argument));
      default: return Broken("has a simple value that is not known");
    }
  }

  Result<Json> Structure(const Shape& shape, const Head& head, int depth) {
    Json::Object out;
    for (uint64_t done = 0;; ++done) {
      MILL_TRY(const bool has_more, HasMore(head, done));
      if (!has_more) return Json(std::move(out));
      MILL_TRY(const std::string key, MapKey());
      const ShapeMember* member = shape.Find(key);
      if (!member) {
        MILL_CHECK(Skip(depth + 1));
        continue;
      }
      MILL_TRY(Json value, Value(*member->shape, depth + 1));
      out.Set(key, std::move(value));
    }
  }

  Result<Json> Map(const Shape& shape, const Head& head, int depth) {
    Json::Object out;
    for (uint64_t done = 0;; ++done) {
      MILL_TRY(const bool has_more, HasMore(head, done));
      if (!has_more) return Json(std::move(out));
      MILL_TRY(std::string key, MapKey());
      MILL_TRY(Json value, Value(*shape.item.shape, depth + 1));
      if (out.members.size() >= kCborMapMembersMax) return Broken("has a map that is too large");
      out.Set(key, std::move(value));
    }
  }

  Result<Json> List(const Shape& shape, const Head& head, int depth) {
    Json::Array out;
    for (uint64_t done = 0;; ++done) {
      MILL_TRY(const bool has_more, HasMore(head, done));
      if (!has_more) return Json(std::move(out));
      MILL_TRY(Json value, Value(*shape.item.shape, depth + 1));
      out.push_back(std::move(value));
    }
  }

  Result<> Skip(int depth) {
    if (depth > kCborDepthMax) return Broken("is nested too deeply");
    MILL_TRY(const Head head, ReadHead());
    switch (head.major) {
      case kBytes:
      case kText: {
        MILL_TRY(const std::string ignored, String(head));
        return Result<>();
      }
      case kArray: return SkipItems(head, 1, depth);
      case kMap: return SkipItems(head, 2, depth);
      case kTag: return Skip(depth + 1);
      default: return Result<>();
    }
  }

  Result<> SkipItems(const Head& head, int each, int depth) {
    for (uint64_t done = 0;; ++done) {
      MILL_TRY(const bool has_more, HasMore(head, done));
      if (!has_more) return Result<>();
      for (int i = 0; i < each; ++i) MILL_CHECK(Skip(depth + 1));
    }
  }

  std::string_view rest_;
};

class Writer {
 public:
  void Value(const Shape& shape, const Json& value) {
    using Type = Shape::Type;
    if (shape.type == Type::kStructure && value.is_object()) return Structure(shape, value);
    if (shape.type == Type::kMap && value.is_object()) {
      Head(kMap, value.size());
      for (const Json::Member& member : value.members()) {
        Text(member.name);
        Value(*shape.item.shape, member.value);
      }
      return;
    }
    if (shape.type == Type::kList && value.is_array()) {
      Head(kArray, value.size());
      for (const Json& item : value.items()) Value(*shape.item.shape, item);
      return;
    }
    if (shape.type == Type::kTimestamp && value.is_number()) Head(kTag, kTagEpoch);
    if (shape.type == Type::kBlob && value.is_string()) {
      if (const auto bytes = Unbase64(value.AsString())) {
        Head(kBytes, bytes->size());
        out_ += *bytes;
        return;
      }
    }
    const bool is_real = shape.type == Type::kDouble || shape.type == Type::kFloat;
    if (is_real && value.is_string()) return Double(FromName(value.AsString()));
    if (is_real && value.is_number()) return Double(value.AsDouble());
    Any(value);
  }

  void Any(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::kNull: Head(kSimple, kNull); break;
      case Json::Kind::kBool: Head(kSimple, value.AsBool() ? kTrue : kFalse); break;
      case Json::Kind::kNumber:
        if (!value.is_integer()) return Double(value.AsDouble());
        if (value.AsInteger() < 0)
          Head(kNegative, static_cast<uint64_t>(-1 - value.AsInteger()));
        else
          Head(kUnsigned, static_cast<uint64_t>(value.AsInteger()));
        break;
      case Json::Kind::kString: Text(value.AsString()); break;
      case Json::Kind::kArray:
        Head(kArray, value.size());
        for (const Json& item : value.items()) Any(item);
        break;
      case Json::Kind::kObject:
        Head(kMap, value.size());
        for (const Json::Member& member : value.members()) {
          Text(member.name);
          Any(member.value);
        }
        break;
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  static double FromName(std::string_view name) {
    if (name == "Infinity") return std::numeric_limits<double>::infinity();
    if (name == "-Infinity") return -std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
  }

  void Structure(const Shape& shape, const Json& value) {
    uint64_t count = 0;
    for (const ShapeMember& member : shape.members) count += !value[member.name].is_null();
    Head(kMap, count);
    for (const ShapeMember& member : shape.members) {
      const Json& found = value[member.name];
      if (found.is_null()) continue;
      Text(member.name);
      Value(*member.shape, found);
    }
  }

  void Head(uint8_t major, uint64_t argument) {
    int width = 0;
    uint8_t info = static_cast<uint8_t>(argument);
    if (argument >= 24) {
      width = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffffffff ? 4 : 8;
      info = width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27;
    }
    out_.push_back(static_cast<char>(major << 5 | info));
    BigEndian(argument, width);
  }

  void Text(std::string_view text) {
    Head(kText, text.size());
    out_ += text;
  }

  void Double(double value) {
    out_.push_back(static_cast<char>(kSimple << 5 | kDouble));
    BigEndian(std::bit_cast<uint64_t>(value), 8);
  }

  void BigEndian(uint64_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
      out_.push_back(static_cast<char>(value >> shift));
  }

  std::string out_;
};

}  // namespace

Result<Json> DecodeCbor(const Shape& shape, std::string_view bytes) {
  return Reader(bytes).Whole(shape);
}

std::string EncodeCbor(const Shape& shape, const Json& value) {
  Writer writer;
  writer.Value(shape, value);
  return writer.Take();
}

std::string EncodeCbor(const Json& value) {
  Writer writer;
  writer.Any(value);
  return writer.Take();
}

}  // namespace stepmill::wire
