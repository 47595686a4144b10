#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace stepmill::journal {

/// Texts of this size and above are payloads: written once, named by number wherever else they
/// stand.
constexpr size_t kPayloadBytesMin = 4096;

using PayloadId = uint64_t;

// Numbers are written as varints: seven bits a byte, the lowest first, the highest bit set on all
// but the last. A text is its length and its bytes.
void PutNumber(std::string& out, uint64_t number);
void PutText(std::string& out, std::string_view text);

/// Reads what those wrote. What does not fit (a damaged file) makes it bad, and gives zeros.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t Number();
  std::string_view Text();
  uint8_t Byte();
  bool is_done() const { return bytes_.empty(); }
  bool is_bad() const { return is_bad_; }

 private:
  std::string_view bytes_;
  bool is_bad_ = false;
};

/// Appends a value: a byte that says its kind, then
///   null, false, true   nothing           integer   zigzag varint      number   its text
///   string   text       payload   number  array     count, items       object   count, (name,
///   value)
/// `name` is asked for the number of each string of kPayloadBytesMin and above.
void EncodeJson(const Json& value, const std::function<PayloadId(const Json& text)>& name,
                std::string& out);
/// kInternal, "StoreDamaged", when the bytes are not what EncodeJson wrote.
Result<Json> DecodeJson(std::string_view bytes,
                        const std::function<Result<Json>(PayloadId)>& payload);

}  // namespace stepmill::journal
