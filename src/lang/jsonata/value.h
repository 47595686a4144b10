#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "json/json.h"
#include "lang/jsonata/heap.h"

namespace stepmill::jsonata {

enum class Tag : uint8_t {
  kUndefined,
  kUnbound,  ///< a variable's place before the first `:=`; never a result
  kError,    ///< an evaluation that failed; the evaluator has the fault
  kTail,     ///< a call in tail position that its caller is to make; never seen
             ///< outside a call
  kTuple,    ///< an item of a tuple stream (frame.h); never seen outside a path
  kNull,
  kBool,
  kNumber,
  kString,
  kJsonArray,   ///< an array of the input
  kJsonObject,  ///< an object of the input
  kList,        ///< an array or sequence made here
  kObject,      ///< an object made here
  kFunction,
};

struct List;
struct Object;
struct Function;
struct Frame;

/// What an expression works on: 16 bytes, copied freely, owning nothing. It
/// points into the input (which outlives the evaluation), the expression or the
/// evaluation's heap.
struct Value {
  union {
    double number;
    bool boolean;
    const char* text;
    const Json* json;
    List* list;
    Object* object;
    Function* function;
    Frame* tuple;
  };
  /// kString: bytes. kNumber: what to add to get the exact integer (beyond
  /// 2^53), as int32_t.
  uint32_t size = 0;
  Tag tag = Tag::kUndefined;

  Value() : number(0) {}
  Value(double n) : number(n), tag(Tag::kNumber) {}  // NOLINT: implicit
  Value(std::string_view t)                          // NOLINT: implicit
      : text(t.data()), size(static_cast<uint32_t>(t.size())), tag(Tag::kString) {}
  Value(List* l) : list(l), tag(Tag::kList) {}              // NOLINT: implicit
  Value(Object* o) : object(o), tag(Tag::kObject) {}        // NOLINT: implicit
  Value(Function* f) : function(f), tag(Tag::kFunction) {}  // NOLINT: implicit
  static Value Bool(bool b) {
    Value out;
    out.boolean = b;
    out.tag = Tag::kBool;
    return out;
  }
  static Value Of(Tag tag) {
    Value out;
    out.tag = tag;
    return out;
  }
  static Value Null() { return Of(Tag::kNull); }
  static Value Failed() { return Of(Tag::kError); }

  bool is_undefined() const { return tag == Tag::kUndefined; }
  bool is_error() const { return tag == Tag::kError; }
  bool is_null() const { return tag == Tag::kNull; }
  bool is_bool() const { return tag == Tag::kBool; }
  bool is_number() const { return tag == Tag::kNumber; }
  bool is_string() const { return tag == Tag::kString; }
  bool is_list() const { return tag == Tag::kList; }
  bool is_array() const { return tag == Tag::kList || tag == Tag::kJsonArray; }
  bool is_object() const { return tag == Tag::kObject || tag == Tag::kJsonObject; }
  bool is_function() const { return tag == Tag::kFunction; }
  std::string_view str() const { return {text, size}; }
};
static_assert(sizeof(Value) == 16);

/// An array that was made here; with `is_sequence` the language's sequence,
/// which one item stands for and none makes undefined.
struct List {
  Value* items = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;  ///< of `items`, as far as this list may write
  bool is_sequence = false;
  bool keeps_singleton = false;  ///< `[]` was asked for
  bool is_constructed = false;   ///< an array constructor in a path: not flattened
  bool is_tuple_stream = false;
  bool is_outer_wrapper = false;  ///< around an input that is an array
};

struct Member {
  Value value;
  const char* name;
  uint32_t name_size;
  uint32_t hash;
  std::string_view key() const { return {name, name_size}; }
};

/// An object that was made here. Members keep their order.
struct Object {
  Member* members = nullptr;
  uint32_t size = 0;
  uint32_t capacity = 0;
  uint32_t* index = nullptr;  ///< open addressing, position + 1; null for few members
  uint32_t index_mask = 0;
};

/// A number of the input as a value, exact beyond 2^53 too.
Value FromJsonNumber(const Json& json);
/// A Json of the input as a value.
inline Value FromJson(const Json& json) {
  if (json.is_object() || json.is_array()) {
    Value out;
    out.json = &json;
    out.tag = json.is_object() ? Tag::kJsonObject : Tag::kJsonArray;
    return out;
  }
  if (json.is_string()) return Value(std::string_view(json.AsString()));
  if (json.is_null()) return Value::Null();
  return json.is_bool() ? Value::Bool(json.AsBool()) : FromJsonNumber(json);
}

/// The items of any array: `Items items(value); items[i]`.
struct Items {
  explicit Items(const Value& array) {
    if (array.tag == Tag::kList) {
      values = array.list->items;
      size = array.list->size;
    } else if (array.tag == Tag::kJsonArray) {
      const Json::Array& all = array.json->items();
      json = all.data();
      size = static_cast<uint32_t>(all.size());
    }
  }
  Value operator[](uint32_t i) const { return values ? values[i] : FromJson(json[i]); }

  const Value* values = nullptr;
  const Json* json = nullptr;
  uint32_t size = 0;
};

// Lists and objects on a heap. What grows past the heap's bound stops growing,
// and the heap is full.
List* NewList(Heap& heap, size_t capacity = 0);
List* NewSequence(Heap& heap, size_t capacity = 0);
bool Grow(Heap& heap, List& list, size_t capacity);
inline void Push(Heap& heap, List& list, const Value& value) {
  if (list.size == list.capacity && !Grow(heap, list, size_t{list.size} + 1)) return;
  list.items[list.size++] = value;
}
/// All items of an array.
void PushAll(Heap& heap, List& list, const Value& array);

Object* NewObject(Heap& heap, size_t capacity = 0);
/// Sets or adds. `name` must live as long as the heap.
void Set(Heap& heap, Object& object, std::string_view name, const Value& value);
Member* Find(const Object& object, std::string_view name);
void Remove(Heap& heap, Object& object, std::string_view name);
/// Number of members of any object.
size_t SizeOfObject(const Value& object);
/// A member of any object; kUndefined when it has none of that name.
Value MemberOf(const Value& object, std::string_view name);

/// Calls `f(std::string_view name, Value value)` for each member of any object,
/// in order; stops when it gives false.
template <class F>
void EachMember(const Value& object, F f) {
  if (object.tag == Tag::kObject) {
    for (uint32_t i = 0; i < object.object->size; ++i) {
      const Member& member = object.object->members[i];
      if (!f(member.key(), member.value)) return;
    }
  } else if (object.tag == Tag::kJsonObject) {
    for (const Json::Member& member : object.json->members())
      if (!f(std::string_view(member.name), FromJson(member.value))) return;
  }
}

/// Order of two texts by UTF-16 code units, as the reference compares: < 0, 0,
/// > 0.
int CompareText(std::string_view a, std::string_view b);
bool IsSame(const Value& a,
            const Value& b);  ///< `===`: identity for arrays and objects
uint64_t HashOf(const Value& value, int depth = 0);

}  // namespace stepmill::jsonata
