#include "lang/jsonata/value.h"

#include <algorithm>
#include <cstring>

namespace stepmill::jsonata {
namespace {

constexpr uint32_t kIndexedFrom = 10;  // members; below that a linear search wins

uint32_t HashName(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (unsigned char c : name) hash = (hash ^ c) * 16777619u;
  return hash ^ hash >> 15;
}

void Index(Heap& heap, Object& object) {
  uint32_t places = 32;
  while (places < object.capacity * 2) places *= 2;
  object.index = static_cast<uint32_t*>(heap.Take(places * sizeof(uint32_t)));
  std::memset(object.index, 0, places * sizeof(uint32_t));
  object.index_mask = places - 1;
  for (uint32_t i = 0; i < object.size; ++i) {
    uint32_t at = object.members[i].hash & object.index_mask;
    while (object.index[at]) at = (at + 1) & object.index_mask;
    object.index[at] = i + 1;
  }
}

Member* FindHashed(const Object& object, std::string_view name, uint32_t hash) {
  if (!object.index) {
    for (uint32_t i = 0; i < object.size; ++i) {
      Member& member = object.members[i];
      if (member.hash == hash && member.key() == name) return &member;
    }
    return nullptr;
  }
  for (uint32_t at = hash & object.index_mask; object.index[at];
       at = (at + 1) & object.index_mask) {
    Member& member = object.members[object.index[at] - 1];
    if (member.hash == hash && member.key() == name) return &member;
  }
  return nullptr;
}

bool GrowObject(Heap& heap, Object& object) {
  const uint32_t capacity = object.capacity < 4 ? 4 : object.capacity * 2;
  auto* members = static_cast<Member*>(heap.TryTake(size_t{capacity} * sizeof(Member)));
  if (!members) return false;
  if (object.size)
    std::memcpy(static_cast<void*>(members), object.members, object.size * sizeof(Member));
  object.members = members;
  object.capacity = capacity;
  if (capacity >= kIndexedFrom) Index(heap, object);
  return true;
}

uint64_t Mix(uint64_t hash, uint64_t more) {
  hash ^= more + 0x9E3779B97F4A7C15ull + (hash << 6) + (hash >> 2);
  return hash * 0xFF51AFD7ED558CCDull;
}

}  // namespace

Value FromJsonNumber(const Json& json) {
  Value out(json.AsDouble());
  if (json.is_integer() && std::abs(out.number) >= 9007199254740992.0 &&
      std::abs(out.number) < 9.2e18) {
    const int64_t more = json.AsInteger() - static_cast<int64_t>(out.number);
    out.size = static_cast<uint32_t>(static_cast<int32_t>(more));
  }
  return out;
}

List* NewList(Heap& heap, size_t capacity) {
  List* list = heap.New<List>();
  if (capacity) Grow(heap, *list, capacity);
  return list;
}

List* NewSequence(Heap& heap, size_t capacity) {
  List* list = NewList(heap, capacity);
  list->is_sequence = true;
  return list;
}

bool Grow(Heap& heap, List& list, size_t capacity) {
  capacity = std::max<size_t>({capacity, size_t{list.capacity} * 2, 4});
  if (capacity >= UINT32_MAX / 2) {
    heap.SetFull();
    return false;
  }
  auto* items = static_cast<Value*>(heap.TryTake(capacity * sizeof(Value)));
  if (!items) return false;
  if (list.size) std::memcpy(static_cast<void*>(items), list.items, list.size * sizeof(Value));
  list.items = items;
  list.capacity = static_cast<uint32_t>(capacity);
  return true;
}

void PushAll(Heap& heap, List& list, const Value& array) {
  const Items items(array);
  if (list.capacity - list.size < items.size && !Grow(heap, list, size_t{list.size} + items.size))
    return;
  for (uint32_t i = 0; i < items.size; ++i) list.items[list.size++] = items[i];
}

Object* NewObject(Heap& heap, size_t capacity) {
  Object* object = heap.New<Object>();
  if (!capacity) return object;
  object->members = static_cast<Member*>(heap.TryTake(capacity * sizeof(Member)));
  if (!object->members) return object;
  object->capacity = static_cast<uint32_t>(capacity);
  if (capacity >= kIndexedFrom) Index(heap, *object);
  return object;
}

void Set(Heap& heap, Object& object, std::string_view name, const Value& value) {
  const uint32_t hash = HashName(name);
  if (Member* found = FindHashed(object, name, hash)) {
    found->value = value;
    return;
  }
  if (object.size == object.capacity && !GrowObject(heap, object)) return;
  object.members[object.size++] =
      Member{value, name.data(), static_cast<uint32_t>(name.size()), hash};
  if (!object.index) return;
  uint32_t at = hash & object.index_mask;
  while (object.index[at]) at = (at + 1) & object.index_mask;
  object.index[at] = object.size;
}

Member* Find(const Object& object, std::string_view name) {
  return FindHashed(object, name, HashName(name));
}

void Remove(Heap& heap, Object& object, std::string_view name) {
  Member* found = Find(object, name);
  if (!found) return;
  std::memmove(static_cast<void*>(found), found + 1,
               (object.members + object.size - found - 1) * sizeof(Member));
  --object.size;
  if (object.index) Index(heap, object);
}

size_t SizeOfObject(const Value& object) {
  return object.tag == Tag::kObject ? object.object->size : object.json->members().size();
}

Value MemberOf(const Value& object, std::string_view name) {
  if (object.tag == Tag::kJsonObject) {
    const Json* found = object.json->Find(name);
    return found ? FromJson(*found) : Value();
  }
  if (object.tag != Tag::kObject) return {};
  const Member* found = Find(*object.object, name);
  return found ? found->value : Value();
}

int CompareText(std::string_view a, std::string_view b) {
  const size_t shared = std::min(a.size(), b.size());
  const size_t at = std::mismatch(a.begin(), a.begin() + shared, b.begin()).first - a.begin();
  if (at == shared) return a.size() < b.size() ? -1 : a.size() > b.size();
  const auto x = static_cast<unsigned char>(a[at]), y = static_cast<unsigned char>(b[at]);
  // Surrogate pairs (four bytes of UTF-8) stand before U+E000 and above.
  if (x >= 0xF0 && y >= 0xEE && y < 0xF0) return -1;
  if (y >= 0xF0 && x >= 0xEE && x < 0xF0) return 1;
  return x < y ? -1 : 1;
}

bool IsSame(const Value& a, const Value& b) {
  if (a.tag != b.tag) return false;
  switch (a.tag) {
    case Tag::kUndefined:
    case Tag::kNull: return true;
    case Tag::kBool: return a.boolean == b.boolean;
    case Tag::kNumber: return a.number == b.number && a.size == b.size;
    case Tag::kString: return a.str() == b.str();
    default: return a.json == b.json;
  }
}

uint64_t HashOf(const Value& value, int depth) {
  uint64_t hash = static_cast<uint64_t>(value.tag);
  if (depth > 3) return hash;
  if (value.is_number()) {
    const double n = value.number == 0 ? 0 : value.number;
    uint64_t bits;
    std::memcpy(&bits, &n, sizeof bits);
    return Mix(hash, bits);
  }
  if (value.is_bool()) return Mix(hash, value.boolean);
  if (value.is_string()) return Mix(hash, std::hash<std::string_view>()(value.str()));
  if (value.is_array()) {
    const Items items(value);
    hash = Mix(static_cast<uint64_t>(Tag::kList), items.size);
    for (uint32_t i = 0; i < items.size && i < 16; ++i)
      hash = Mix(hash, HashOf(items[i], depth + 1));
    return hash;
  }
  if (value.is_object()) {
    hash = Mix(static_cast<uint64_t>(Tag::kObject), SizeOfObject(value));
    if (SizeOfObject(value) > 16) return hash;
    EachMember(value, [&](std::string_view name, const Value& member) {
      // In any order.
      hash += Mix(std::hash<std::string_view>()(name), HashOf(member, depth + 1));
      return true;
    });
    return hash;
  }
  return hash;
}

}  // namespace stepmill::jsonata
