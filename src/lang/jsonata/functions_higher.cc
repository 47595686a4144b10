#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"

namespace stepmill::jsonata {

/// Calls a function back with as many of the three as it takes.
static Value CallBack(Arguments& call, const Value& function, const Value& value,
                      const Value& place, const Value& whole) {
  Value arguments[3] = {value, place, whole};
  const uint32_t arity = function.function->arity;
  const uint32_t count = arity >= 3 ? 3 : arity >= 2 ? 2 : 1;
  return call.evaluator.Apply(*function.function, arguments, count, Value::Null(), call.frame);
}

Value MapFunction(Arguments& call) {
  if (!call[0].is_array() || !call[1].is_function()) return {};
  const Items items(call[0]);
  Heap& heap = call.evaluator.heap();
  List* out = NewSequence(heap, items.size);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value result = CallBack(call, call[1], items[i], Value(static_cast<double>(i)), call[0]);
    if (result.is_error()) return result;
    if (!result.is_undefined()) Push(heap, *out, result);
  }
  return out;
}

Value FilterFunction(Arguments& call) {
  if (!call[0].is_array() || !call[1].is_function()) return {};
  const Items items(call[0]);
  Heap& heap = call.evaluator.heap();
  List* out = NewSequence(heap);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    const Value result = CallBack(call, call[1], item, Value(static_cast<double>(i)), call[0]);
    if (result.is_error()) return result;
    const int truth = call.evaluator.Truth(result);
    if (truth < 0) return Value::Failed();
    if (truth) Push(heap, *out, item);
  }
  return out;
}

Value SingleFunction(Arguments& call) {
  if (!call[0].is_array()) return {};
  const Items items(call[0]);
  bool is_found = false;
  Value out;
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    if (call[1].is_function()) {
      const Value result = CallBack(call, call[1], item, Value(static_cast<double>(i)), call[0]);
      if (result.is_error()) return result;
      const int truth = call.evaluator.Truth(result);
      if (truth < 0) return Value::Failed();
      if (!truth) continue;
    }
    if (is_found) return call.evaluator.Fail("D3138");
    is_found = true;
    out = item;
  }
  return is_found ? out : call.evaluator.Fail("D3139");
}

Value ReduceFunction(Arguments& call) {
  if (!call[0].is_array() || !call[1].is_function()) return {};
  const Items items(call[0]);
  const Function& function = *call[1].function;
  if (function.arity < 2) return call.evaluator.Fail("D3050");
  Value sum = call[2];
  uint32_t i = 0;
  if (sum.is_undefined() && items.size) sum = items[i++];
  const uint32_t count = std::min(function.arity, 4u);
  for (; i < items.size; ++i) {
    Value arguments[4] = {sum, items[i], Value(static_cast<double>(i)), call[0]};
    sum = call.evaluator.Apply(function, arguments, count, Value::Null(), call.frame);
    if (sum.is_error()) return sum;
  }
  return sum;
}

Value SiftFunction(Arguments& call) {
  if (!call[0].is_object() || !call[1].is_function()) return {};
  Heap& heap = call.evaluator.heap();
  Object* out = NewObject(heap);
  bool is_failed = false;
  EachMember(call[0], [&](std::string_view name, const Value& value) {
    const Value result = CallBack(call, call[1], value, Value(name), call[0]);
    const int truth = result.is_error() ? -1 : call.evaluator.Truth(result);
    is_failed = truth < 0;
    if (truth > 0) Set(heap, *out, name, value);
    return !is_failed;
  });
  if (is_failed) return Value::Failed();
  return out->size ? Value(out) : Value();
}

Value EachFunction(Arguments& call) {
  Heap& heap = call.evaluator.heap();
  List* out = NewSequence(heap);
  if (!call[1].is_function()) return out;
  bool is_failed = false;
  EachMember(call[0], [&](std::string_view name, const Value& value) {
    const Value result = CallBack(call, call[1], value, Value(name), call[0]);
    is_failed = result.is_error();
    if (!is_failed && !result.is_undefined()) Push(heap, *out, result);
    return !is_failed;
  });
  return is_failed ? Value::Failed() : Value(out);
}

}  // namespace stepmill::jsonata
