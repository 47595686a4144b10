#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace stepmill {

/// An immutable JSON value, shared by reference: copying one adds a reference (atomic, so a value
/// may cross threads), `With` copies one level of member handles. Members keep their order; a
/// number keeps the text it was read with; strings are UTF-8 in which a lone surrogate is its
/// three-byte form (printed as \uD8xx again).
class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  using Array = std::vector<Json>;
  struct Object;
  struct Member;

  Json() = default;                                                  ///< null
  Json(std::nullptr_t) {}                                            // NOLINT: implicit
  Json(bool value) : tag_(Tag::kBool) { bits_.boolean = value; }     // NOLINT: implicit
  Json(int value) : Json(static_cast<int64_t>(value)) {}             // NOLINT: implicit
  Json(unsigned value) : Json(static_cast<int64_t>(value)) {}        // NOLINT: implicit
  Json(long value) : tag_(Tag::kInteger) { bits_.integer = value; }  // NOLINT: implicit
  Json(long long value) : Json(static_cast<long>(value)) {}          // NOLINT: implicit
  Json(unsigned long value);                                         // NOLINT: implicit
  Json(double value);            // NOLINT: implicit; NaN and infinities become null
  Json(std::string_view value);  // NOLINT: implicit
  Json(const std::string& value) : Json(std::string_view(value)) {}  // NOLINT: implicit
  Json(const char* value) : Json(std::string_view(value)) {}         // NOLINT: implicit
  Json(Array items);                                                 // NOLINT: implicit
  Json(Object members);                                              // NOLINT: implicit
  /// A number with this JSON text, kept as it is. MILL_ASSERTs that it is a number's text.
  static Json NumberFromText(std::string_view text);

  Json(const Json& other) noexcept : bits_(other.bits_), tag_(other.tag_) { Retain(); }
  Json(Json&& other) noexcept : bits_(other.bits_), tag_(other.tag_) { other.tag_ = Tag::kNull; }
  Json& operator=(Json other) noexcept {
    std::swap(bits_, other.bits_);
    std::swap(tag_, other.tag_);
    return *this;
  }
  ~Json() { Release(); }

  Kind kind() const;
  bool is_null() const { return tag_ == Tag::kNull; }
  bool is_bool() const { return tag_ == Tag::kBool; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_string() const { return tag_ == Tag::kString; }
  bool is_array() const { return tag_ == Tag::kArray; }
  bool is_object() const { return tag_ == Tag::kObject; }
  /// A number without fraction or exponent in its text that fits int64.
  bool is_integer() const { return tag_ == Tag::kInteger; }

  // Reading. Each asserts its kind: ask first, or use the forgiving forms below.
  bool AsBool() const;
  double AsDouble() const;
  int64_t AsInteger() const;       ///< is_integer() only
  std::string NumberText() const;  ///< as it was read; computed numbers: shortest exact form
  // From a temporary they give a value of its own, so that a loop over `Make().items()` is safe.
  const std::string& AsString() const&;
  std::string AsString() && { return std::as_const(*this).AsString(); }
  const Array& items() const&;  ///< array
  Array items() &&;
  const std::vector<Member>& members() const&;  ///< object, in order
  std::vector<Member> members() &&;

  size_t size() const;                  ///< items or members; 0 for scalars
  const Json& At(size_t index) const&;  ///< array item
  Json At(size_t index) && { return std::as_const(*this).At(index); }
  /// A member's value; null pointer when this is no object or has no such member.
  const Json* Find(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  /// A member's value, or null.
  const Json& operator[](std::string_view name) const&;
  Json operator[](std::string_view name) && { return std::as_const(*this)[name]; }

  // Forgiving reads of a member, for input that the model has checked.
  std::string StringOr(std::string_view name, std::string_view other) const;
  int64_t IntOr(std::string_view name, int64_t other) const;
  bool BoolOr(std::string_view name, bool other) const;
  Result<std::string> RequireString(std::string_view name) const;

  // New values.
  Json With(std::string_view name,
            Json value) const;  ///< set or add a member (null: makes an object)
  Json Without(std::string_view name) const;
  Json Push(Json item) const;  ///< array with one more (null: makes an array)

  /// Compact text. Non-ASCII stays UTF-8.
  std::string Print() const;
  void PrintTo(std::string& out) const;
  std::string PrintPretty(int indent = 2) const;
  /// Deep equality; members in any order, numbers by value.
  bool operator==(const Json& other) const;
  /// Approximate bytes of Print(), without printing.
  size_t PrintedSize() const;

 private:
  enum class Tag : uint8_t {
    kNull,
    kBool,
    kInteger,
    kDouble,
    kNumberText,
    kString,
    kArray,
    kObject
  };
  struct Node {
    std::atomic<uint32_t> references{1};
  };
  struct NumberNode;
  struct StringNode;
  struct ArrayNode;
  struct ObjectNode;
  bool is_shared() const { return tag_ >= Tag::kNumberText; }
  void Retain() const {
    if (is_shared()) bits_.node->references.fetch_add(1, std::memory_order_relaxed);
  }
  void Release() {
    if (is_shared() && bits_.node->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      Destroy();
  }
  void Destroy();

  union Bits {
    bool boolean;
    int64_t integer;
    double number;
    Node* node;
  } bits_{.integer = 0};
  Tag tag_ = Tag::kNull;
};

struct Json::Member {
  std::string name;
  Json value;
};

/// Builds an object: Json::Object{{"a", 1}, {"b", "x"}}. A repeated name replaces the value in
/// place.
struct Json::Object {
  Object() = default;
  Object(std::initializer_list<Member> list);
  void Set(std::string_view name, Json value);
  /// Adds without looking for the same name (the caller knows that it is new).
  void Add(std::string name, Json value) { members.push_back({std::move(name), std::move(value)}); }
  /// Sets when there is a value.
  void SetIf(std::string_view name, const Json* value) {
    if (value) Set(name, *value);
  }
  std::vector<Member> members;
};

/// 1-based. Columns count characters (code points).
struct TextPosition {
  int line = 0;
  int column = 0;
};
/// JSON pointer ("/States/A/Next") -> where that value stands. Readers in lang/ fill one, so that
/// every finding has file:line:column.
using Positions = std::map<std::string, TextPosition, std::less<>>;

struct ParseOptions {
  int depth_max = 500;
  bool refuse_duplicates = false;  ///< otherwise the last value wins, at the first one's place
  Positions* positions = nullptr;
};

/// JSON text to value. kInvalid, name "InvalidJson", message with line and column.
Result<Json> ParseJson(std::string_view text, const ParseOptions& options = {});

/// "/a/b~1c" from parts; one part appended to a pointer.
std::string PointerAppend(std::string_view pointer, std::string_view part);

}  // namespace stepmill
