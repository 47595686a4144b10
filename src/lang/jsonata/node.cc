#include "lang/jsonata/node.h"

#include <algorithm>

namespace stepmill::jsonata {
namespace {

template <class T>
void PushTo(Heap& heap, T*& data, uint32_t& size, uint32_t& capacity, T item) {
  if (size == capacity) {
    capacity = capacity ? capacity * 2 : 4;
    T* more = static_cast<T*>(heap.Take(capacity * sizeof(T)));
    std::copy(data, data + size, more);
    data = more;
  }
  data[size++] = item;
}

}  // namespace

void Nodes::Push(Heap& heap, Node* node) { PushTo(heap, data, size, capacity, node); }
void Ancestors::Push(Heap& heap, Ancestor* ancestor) {
  PushTo(heap, data, size, capacity, ancestor);
}

int Scope::Find(std::string_view name) const {
  for (uint32_t i = 0; i < size; ++i)
    if (names[i] == name) return static_cast<int>(i);
  return -1;
}

uint32_t Scope::Add(Heap& heap, std::string_view name) {
  const int found = Find(name);
  if (found >= 0) return static_cast<uint32_t>(found);
  PushTo(heap, names, size, capacity, name);
  return size - 1;
}

std::string_view TypeName(const Node& node) {
  switch (node.kind) {
    case Kind::kEnd: return "(end)";
    case Kind::kName:
    case Kind::kWord: return "name";
    case Kind::kVariable:
    case Kind::kContext:
    case Kind::kRoot: return "variable";
    case Kind::kString: return "string";
    case Kind::kNumber: return "number";
    case Kind::kLiteral: return "value";
    case Kind::kRegex: return "regex";
    case Kind::kPlaceholder: return "operator";
    case Kind::kWildcard: return "wildcard";
    case Kind::kDescendant: return "descendant";
    case Kind::kParent: return "parent";
    case Kind::kBinary: return "binary";
    case Kind::kNegate:
    case Kind::kArray:
    case Kind::kObject: return "unary";
    case Kind::kCall: return "function";
    case Kind::kPartial: return "partial";
    case Kind::kLambda: return "lambda";
    case Kind::kBlock: return "block";
    case Kind::kCondition: return "condition";
    case Kind::kTransform: return "transform";
    case Kind::kPath:
    case Kind::kField: return "path";
    case Kind::kBind: return "bind";
    case Kind::kApply: return "apply";
    case Kind::kSort: return "sort";
    case Kind::kFilter: return "filter";
    case Kind::kIndex: return "index";
  }
  return "";
}

std::string_view OpText(Op op) {
  constexpr std::string_view kTexts[] = {
      "",  ".", "[",  "{", "^",  ":=", "@",  "#", "~>", "+",  "-",   "*", "/",
      "%", "=", "!=", "<", "<=", ">",  ">=", "&", "..", "in", "and", "or"};
  return kTexts[static_cast<size_t>(op)];
}

}  // namespace stepmill::jsonata
