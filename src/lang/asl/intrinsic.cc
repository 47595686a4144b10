#include <cmath>
#include <limits>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "lang/asl/expression.h"
#include "lang/asl/limits.h"

namespace stepmill::asl {
namespace {

Error Bad(std::string message) {
  return Error{Code::kInvalid, "States.IntrinsicFailure", std::move(message)};
}

// As Java's Math.round: half up, also for negative numbers.
double Round(double value) { return std::floor(value + 0.5); }

Result<int64_t> Whole(const Json& value, const char* what) {
  if (!value.is_number()) return Bad(std::string(what) + " must be a number");
  const double rounded = Round(value.AsDouble());
  if (!(std::fabs(rounded) < 9e15)) return Bad(std::string(what) + " is out of range");
  return static_cast<int64_t>(rounded);
}

Result<const Json::Array*> Items(const Json& value) {
  if (!value.is_array()) return Bad("the first argument must be an array");
  return &value.items();
}

Result<std::string_view> Text(const Json& value, const char* what) {
  if (!value.is_string()) return Bad(std::string(what) + " must be a string");
  return std::string_view(value.AsString());
}

// How Java prints maps, lists and scalars.
void PrintLikeJava(const Json& value, std::string& out) {
  if (value.is_string()) {
    out += value.AsString();
  } else if (value.is_array()) {
    out += '[';
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ", ";
      PrintLikeJava(value.At(i), out);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    bool first = true;
    for (const Json::Member& member : value.members()) {
      if (!first) out += ", ";
      first = false;
      out += member.name + "=";
      PrintLikeJava(member.value, out);
    }
    out += '}';
  } else {
    value.PrintTo(out);
  }
}

Result<Json> Format(const Json::Array& arguments, std::string_view raw) {
  if (!arguments[0].is_string()) return Bad("the format must be a string");
  std::string out;
  size_t used = 1;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() &&
        std::string_view("'{}\\").find(raw[i + 1]) != std::string_view::npos) {
      out += raw[++i];
    } else if (raw.substr(i, 2) == "{}") {
      if (used >= arguments.size()) return Bad("there are more placeholders than arguments");
      PrintLikeJava(arguments[used++], out);
      ++i;
    } else {
      out += raw[i];
    }
  }
  if (used != arguments.size()) return Bad("there are fewer placeholders than arguments");
  return Json(out);
}

Result<Json> StringToJson(const Json& value) {
  MILL_TRY(const std::string_view text, Text(value, "the argument"));
  const std::string_view trimmed = Trim(text);
  if (trimmed.empty()) return Json();
  if (trimmed == "-0") return Json(0);
  Result<Json> parsed = ParseJson(text);
  if (!parsed) return Bad("Invalid JSON provided: " + parsed.error().message);
  return parsed;
}

Result<Json> ArrayPartition(const Json::Array& arguments) {
  MILL_TRY(const Json::Array* items, Items(arguments[0]));
  MILL_TRY(const int64_t size, Whole(arguments[1], "the chunk size"));
  if (size <= 0) return Bad("the chunk size must be positive");
  Json::Array chunks;
  for (size_t i = 0; i < items->size();) {
    Json::Array chunk;
    for (int64_t k = 0; k < size && i < items->size(); ++k) chunk.push_back((*items)[i++]);
    chunks.push_back(Json(std::move(chunk)));
  }
  return Json(std::move(chunks));
}

Result<Json> ArrayContains(const Json::Array& arguments) {
  MILL_TRY(const Json::Array* items, Items(arguments[0]));
  for (const Json& item : *items)
    if (item == arguments[1]) return Json(true);
  return Json(false);
}

Result<Json> ArrayRange(const Json::Array& arguments) {
  MILL_TRY(const int64_t first, Whole(arguments[0], "the first argument"));
  MILL_TRY(const int64_t last, Whole(arguments[1], "the second argument"));
  MILL_TRY(const int64_t step, Whole(arguments[2], "the increment"));
  if (step == 0) return Bad("the increment must not be zero");
  Json::Array out;
  for (int64_t at = first; step > 0 ? at <= last : at >= last; at += step) {
    if (out.size() >= kArrayRangeMax) return Bad("the range has more than 1000 elements");
    out.push_back(Json(at));
  }
  return Json(std::move(out));
}

Result<Json> ArrayGetItem(const Json::Array& arguments) {
  MILL_TRY(const Json::Array* items, Items(arguments[0]));
  MILL_TRY(const int64_t index, Whole(arguments[1], "the index"));
  if (index < 0 || index >= static_cast<int64_t>(items->size()))
    return Bad("Index out of bounds for array: " + std::to_string(index));
  return (*items)[static_cast<size_t>(index)];
}

Result<Json> ArrayUnique(const Json& value) {
  MILL_TRY(const Json::Array* items, Items(value));
  std::set<std::string> seen;
  Json::Array out;
  for (const Json& item : *items) {
    // 1 and 1.0 are the same number.
    std::string key = item.is_number() ? Json(item.AsDouble()).Print() : item.Print();
    if (seen.insert(std::move(key)).second) out.push_back(item);
  }
  return Json(std::move(out));
}

Result<Json> Encode(const Json& value, bool decode) {
  MILL_TRY(const std::string_view text, Text(value, "the argument"));
  if (Utf16Length(text) > kEncodeCharactersMax)
    return Bad("the text is longer than 10000 characters");
  if (!decode) return Json(Base64(text));
  const std::optional<std::string> plain = Unbase64(text);
  if (!plain) return Bad("the text is not Base64");
  if (!IsValidUtf8(*plain)) return Bad("the decoded bytes are not UTF-8");
  return Json(*plain);
}

Result<Json> Hash(const Json::Array& arguments) {
  MILL_TRY(const std::string_view algorithm, Text(arguments[1], "the algorithm"));
  const std::string data =
      arguments[0].is_string() ? arguments[0].AsString() : arguments[0].Print();
  if (Utf16Length(data) > kEncodeCharactersMax)
    return Bad("the data is longer than 10000 characters");
  if (algorithm == "MD5") return Json(Hex(Md5(data)));
  if (algorithm == "SHA-1") return Json(Hex(Sha1(data)));
  if (algorithm == "SHA-256") return Json(Hex(Sha256(data)));
  if (algorithm == "SHA-384") return Json(Hex(Sha384(data)));
  if (algorithm == "SHA-512") return Json(Hex(Sha512(data)));
  return Bad("Invalid algorithm: expected MD5, SHA-1, SHA-256, SHA-384 or SHA-512");
}

Result<Json> JsonMerge(const Json::Array& arguments) {
  if (!arguments[0].is_object() || !arguments[1].is_object())
    return Bad("the first two arguments must be objects");
  if (!arguments[2].is_bool() || arguments[2].AsBool())
    return Bad("only the shallow merging mode is supported: the third argument must be false");
  Json merged = arguments[0];
  for (const Json::Member& member : arguments[1].members())
    merged = merged.With(member.name, member.value);
  return merged;
}

Result<Json> MathRandom(const Json::Array& arguments, Chance& chance) {
  MILL_TRY(const int64_t start, Whole(arguments[0], "the start number"));
  MILL_TRY(const int64_t end, Whole(arguments[1], "the end number"));
  if (start >= end) return Bad("the start number must be smaller than the end number");
  double unit = 0;
  if (arguments.size() > 2) {
    MILL_TRY(const int64_t seed, Whole(arguments[2], "the seed"));
    Chance seeded(static_cast<uint64_t>(seed));
    unit = seeded.NextUnit();
  } else {
    unit = chance.NextUnit();
  }
  return Json(start + static_cast<int64_t>(unit * static_cast<double>(end - start)));
}

Result<Json> MathAdd(const Json::Array& arguments) {
  MILL_TRY(const int64_t a, Whole(arguments[0], "the first argument"));
  MILL_TRY(const int64_t b, Whole(arguments[1], "the second argument"));
  for (const int64_t value : {a, b, a + b})
    if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max())
      return Bad("the numbers must be within 32 bits");
  return Json(a + b);
}

Result<Json> StringSplit(const Json::Array& arguments) {
  MILL_TRY(const std::string_view text, Text(arguments[0], "the first argument"));
  MILL_TRY(const std::string_view delimiters, Text(arguments[1], "the delimiter"));
  Json::Array pieces;
  std::string piece;
  const auto flush = [&] {
    if (!piece.empty()) pieces.push_back(Json(piece));
    piece.clear();
  };
  for (size_t i = 0; i < text.size();) {
    size_t size = 1;  // one character, which may be several bytes
    while (i + size < text.size() && (static_cast<unsigned char>(text[i + size]) & 0xc0) == 0x80)
      ++size;
    const std::string_view character = text.substr(i, size);
    if (delimiters.find(character) != std::string_view::npos)
      flush();
    else
      piece += character;
    i += size;
  }
  flush();
  return Json(std::move(pieces));
}

}  // namespace

Result<Json> CallIntrinsic(Intrinsic function, const Json::Array& arguments,
                           std::string_view raw_format, Chance& chance) {
  switch (function) {
    case Intrinsic::kFormat: return Format(arguments, raw_format);
    case Intrinsic::kStringToJson: return StringToJson(arguments[0]);
    case Intrinsic::kJsonToString: return Json(arguments[0].Print());
    case Intrinsic::kArray: return Json(arguments);
    case Intrinsic::kArrayPartition: return ArrayPartition(arguments);
    case Intrinsic::kArrayContains: return ArrayContains(arguments);
    case Intrinsic::kArrayRange: return ArrayRange(arguments);
    case Intrinsic::kArrayGetItem: return ArrayGetItem(arguments);
    case Intrinsic::kArrayLength: {
      MILL_TRY(const Json::Array* items, Items(arguments[0]));
      return Json(items->size());
    }
    case Intrinsic::kArrayUnique: return ArrayUnique(arguments[0]);
    case Intrinsic::kBase64Encode: return Encode(arguments[0], false);
    case Intrinsic::kBase64Decode: return Encode(arguments[0], true);
    case Intrinsic::kHash: return Hash(arguments);
    case Intrinsic::kJsonMerge: return JsonMerge(arguments);
    case Intrinsic::kMathRandom: return MathRandom(arguments, chance);
    case Intrinsic::kMathAdd: return MathAdd(arguments);
    case Intrinsic::kStringSplit: return StringSplit(arguments);
    case Intrinsic::kUuid: {
      const uint64_t high = chance.Next();
      return Json(Uuid(high, chance.Next()));
    }
  }
  return Bad("unknown function");
}

}  // namespace stepmill::asl
