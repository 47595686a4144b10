#include <algorithm>

#include "lang/jsonata/evaluator.h"

namespace stepmill::jsonata {

uint32_t* Evaluator::NewIndexes(uint32_t count) {
  auto* out = static_cast<uint32_t*>(heap_.TryTake(size_t{count} * 2 * sizeof(uint32_t)));
  for (uint32_t i = 0; out && i < count; ++i) out[i] = i;
  return out;
}

Value Evaluator::EvalSort(const Node& node, const Value& input, Frame* frame, const Scope* scope) {
  if (!input.is_array()) return input;
  const Items items(input);
  const uint32_t count = items.size, terms = node.items.size;
  if (count <= 1) {
    if (input.is_list() && (input.list->is_sequence || input.list->is_constructed)) return input;
    List* sequence = NewSequence(heap_, count);
    PushAll(heap_, *sequence, input);
    return sequence;
  }
  const bool is_tuples = input.is_list() && input.list->is_tuple_stream;
  // Each term is evaluated once for an item, and only where it is asked for.
  auto* keys = static_cast<Value*>(heap_.TryTake(size_t{count} * terms * sizeof(Value)));
  uint32_t* order = NewIndexes(count);
  if (!keys || !order) return Charge(0) ? Value() : Value::Failed();
  std::fill(keys, keys + size_t{count} * terms, Value::Of(Tag::kUnbound));
  const auto key_of = [&](uint32_t item, uint32_t term) -> const Value& {
    Value& key = keys[size_t{item} * terms + term];
    if (key.tag != Tag::kUnbound) return key;
    Value context = items[item];
    Frame* inner = frame;
    if (is_tuples) {
      if (scope) inner = TupleFrame(scope, frame->parent, context);
      context = context.tuple->at;
    }
    return key = Eval(*node.items[term]->left, context, inner);
  };
  const auto is_after = [&](uint32_t a, uint32_t b) -> int {
    if (!Charge(1)) return -1;
    for (uint32_t term = 0; term < terms; ++term) {
      const Value x = key_of(a, term);
      if (x.is_error()) return -1;
      const Value y = key_of(b, term);
      if (y.is_error()) return -1;
      if (x.is_undefined() || y.is_undefined()) {
        if (x.is_undefined() == y.is_undefined()) continue;
        return x.is_undefined();  // what has none comes last
      }
      const bool has_x = x.is_string() || x.is_number(), has_y = y.is_string() || y.is_number();
      if (!has_x || !has_y) {
        FailAt("T2008", node, has_x ? y : x);
        return -1;
      }
      if (x.tag != y.tag) {
        FailAt("T2007", node, x);
        fault_.value2 = ToText(y);
        return -1;
      }
      const int compared = x.is_number() ? (x.number < y.number ? -1 : x.number > y.number)
                                         : CompareText(x.str(), y.str());
      if (compared != 0) return (compared > 0) != node.items[term]->is_descending;
    }
    return 0;
  };
  if (!MergeSort(order, count, order + count, is_after)) return Value::Failed();
  List* out = NewList(heap_, count);
  out->is_tuple_stream = is_tuples;
  for (uint32_t i = 0; i < count; ++i) Push(heap_, *out, items[order[i]]);
  return out;
}

}  // namespace stepmill::jsonata
