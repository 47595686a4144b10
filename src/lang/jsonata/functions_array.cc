#include <algorithm>
#include <vector>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"

namespace stepmill::jsonata {

Value CountFunction(Arguments& call) {
  return Value(call[0].is_array() ? static_cast<double>(Items(call[0]).size) : 0.0);
}

Value AppendFunction(Arguments& call) { return call.evaluator.Append(call[0], call[1]); }

Value ReverseFunction(Arguments& call) {
  if (!call[0].is_array() || Items(call[0]).size <= 1) return call[0];
  const Items items(call[0]);
  Heap& heap = call.evaluator.heap();
  List* out = NewList(heap, items.size);
  for (uint32_t i = items.size; i > 0; --i) Push(heap, *out, items[i - 1]);
  return out;
}

Value ShuffleFunction(Arguments& call) {
  if (!call[0].is_array() || Items(call[0]).size <= 1) return call[0];
  Heap& heap = call.evaluator.heap();
  List* out = NewList(heap, Items(call[0]).size);
  PushAll(heap, *out, call[0]);
  for (uint32_t i = out->size; i > 1; --i) {
    std::swap(out->items[i - 1], out->items[call.evaluator.Random() % i]);
  }
  return out;
}

Value DistinctFunction(Arguments& call) {
  const Value value = call[0];
  if (!value.is_array() || Items(value).size <= 1) return value;
  const Items items(value);
  Evaluator& evaluator = call.evaluator;
  Heap& heap = evaluator.heap();
  List* out = NewList(heap);
  out->is_sequence = value.is_list() && value.list->is_sequence;
  uint32_t mask = 15;
  while (mask < items.size * 2 && mask < (1u << 30)) mask = mask * 2 + 1;
  std::vector<uint32_t> places(size_t{mask} + 1,
                               0);  // position in `out`, plus one
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    auto at = static_cast<uint32_t>(HashOf(item) >> 16) & mask;
    bool is_new = true;
    for (; places[at] && is_new; at = (at + 1) & mask) {
      is_new = !evaluator.IsEqual(out->items[places[at] - 1], item);
      if (!evaluator.Charge(1)) return Value::Failed();
    }
    if (!is_new) continue;
    Push(heap, *out, item);
    if (heap.is_full()) return evaluator.Charge(1) ? Value() : Value::Failed();
    places[at] = out->size;
  }
  return out;
}

Value ZipFunction(Arguments& call) {
  Evaluator& evaluator = call.evaluator;
  Heap& heap = evaluator.heap();
  uint32_t shortest = call.count ? UINT32_MAX : 0;
  for (uint32_t i = 0; i < call.count; ++i)
    shortest = std::min(shortest, call[i].is_array() ? Items(call[i]).size : 0);
  List* out = NewList(heap, shortest);
  for (uint32_t i = 0; i < shortest; ++i) {
    if (!evaluator.Charge(call.count)) return Value::Failed();
    List* tuple = NewList(heap, call.count);
    for (uint32_t k = 0; k < call.count; ++k) Push(heap, *tuple, Items(call[k])[i]);
    Push(heap, *out, Value(tuple));
  }
  return out;
}

Value SortFunction(Arguments& call) {
  if (!call[0].is_array() || Items(call[0]).size <= 1) return call[0];
  Evaluator& evaluator = call.evaluator;
  Heap& heap = evaluator.heap();
  const Items items(call[0]);
  uint32_t* order = evaluator.NewIndexes(items.size);
  List* out = NewList(heap, items.size);
  if (!order || out->capacity < items.size) return evaluator.Charge(0) ? Value() : Value::Failed();
  if (call[1].is_function()) {
    const Function& function = *call[1].function;
    const bool is_sorted =
        evaluator.MergeSort(order, items.size, order + items.size, [&](uint32_t a, uint32_t b) {
          Value pair[2] = {items[a], items[b]};
          const Value result = evaluator.Apply(function, pair, 2, Value::Null(), call.frame);
          if (result.is_error()) return -1;
          // As JavaScript takes a value for true: an empty array, an empty
          // object are.
          if (result.is_array() || result.is_object() || result.is_function()) return 1;
          return result.is_number() ? result.number == result.number && result.number != 0
                                    : evaluator.Truth(result);
        });
    if (!is_sorted) return Value::Failed();
    for (uint32_t i = 0; i < items.size; ++i) Push(heap, *out, items[order[i]]);
    return out;
  }
  bool has_numbers = true, has_texts = true;
  for (uint32_t i = 0; i < items.size; ++i) {
    has_numbers = has_numbers && items[i].is_number();
    has_texts = has_texts && items[i].is_string();
  }
  if (!has_numbers && !has_texts) return evaluator.Fail("D3070");
  if (!evaluator.Charge(items.size)) return Value::Failed();
  PushAll(heap, *out, call[0]);
  std::stable_sort(out->items, out->items + out->size, [&](const Value& a, const Value& b) {
    return has_numbers ? a.number < b.number : CompareText(a.str(), b.str()) < 0;
  });
  return out;
}

}  // namespace stepmill::jsonata
