#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"

namespace stepmill::jsonata {

Value BooleanFunction(Arguments& call) {
  if (call[0].is_undefined()) return {};
  const int truth = call.evaluator.Truth(call[0]);
  return truth < 0 ? Value::Failed() : Value::Bool(truth);
}

Value NotFunction(Arguments& call) {
  if (call[0].is_undefined()) return {};
  const int truth = call.evaluator.Truth(call[0]);
  return truth < 0 ? Value::Failed() : Value::Bool(!truth);
}

Value ExistsFunction(Arguments& call) { return Value::Bool(!call[0].is_undefined()); }

Value TypeFunction(Arguments& call) {
  const Value value = call[0];
  const auto text = [](std::string_view name) { return Value(name); };
  switch (value.tag) {
    case Tag::kNull: return text("null");
    case Tag::kBool: return text("boolean");
    case Tag::kNumber:
      return call.evaluator.IsNumeric(value) < 0 ? Value::Failed() : text("number");
    case Tag::kString: return text("string");
    case Tag::kJsonArray:
    case Tag::kList: return text("array");
    case Tag::kJsonObject:
    case Tag::kObject: return text("object");
    case Tag::kFunction: return text("function");
    default: return {};
  }
}

static bool AddKeys(Evaluator& evaluator, const Value& value, Object& keys, int depth) {
  if (!evaluator.Charge(1) || depth > kHeightMax) return false;
  if (value.is_array()) {
    const Items items(value);
    for (uint32_t i = 0; i < items.size; ++i)
      if (!AddKeys(evaluator, items[i], keys, depth + 1)) return false;
  }
  EachMember(value, [&](std::string_view name, const Value&) {
    Set(evaluator.heap(), keys, name, Value());
    return true;
  });
  return true;
}

Value KeysFunction(Arguments& call) {
  Heap& heap = call.evaluator.heap();
  Object* keys = NewObject(heap);
  if (!AddKeys(call.evaluator, call[0], *keys, 0)) return Value::Failed();
  List* out = NewSequence(heap, keys->size);
  for (uint32_t i = 0; i < keys->size; ++i) Push(heap, *out, Value(keys->members[i].key()));
  return out;
}

static Value LookupIn(Evaluator& evaluator, const Value& input, std::string_view key, int depth) {
  if (!input.is_array()) return MemberOf(input, key);
  if (!evaluator.Charge(1) || depth > kHeightMax) return Value::Failed();
  const Items items(input);
  Heap& heap = evaluator.heap();
  List* out = NewSequence(heap);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value value = LookupIn(evaluator, items[i], key, depth + 1);
    if (value.is_error()) return value;
    if (value.is_array()) {
      PushAll(heap, *out, value);
    } else if (!value.is_undefined()) {
      Push(heap, *out, value);
    }
  }
  return out;
}

Value LookupFunction(Arguments& call) {
  return LookupIn(call.evaluator, call[0], call[1].is_string() ? call[1].str() : "undefined", 0);
}

static bool SpreadTo(Evaluator& evaluator, const Value& value, List& out, int depth) {
  if (!evaluator.Charge(1) || depth > kHeightMax) return false;
  Heap& heap = evaluator.heap();
  if (value.is_array()) {
    const Items items(value);
    for (uint32_t i = 0; i < items.size; ++i)
      if (!SpreadTo(evaluator, items[i], out, depth + 1)) return false;
  } else if (value.is_object()) {
    EachMember(value, [&](std::string_view name, const Value& member) {
      Object* one = NewObject(heap, 1);
      Set(heap, *one, name, member);
      Push(heap, out, Value(one));
      return true;
    });
  } else if (!value.is_undefined()) {
    Push(heap, out, value);
  }
  return true;
}

Value SpreadFunction(Arguments& call) {
  if (!call[0].is_array() && !call[0].is_object()) return call[0];
  List* out = NewList(call.evaluator.heap());
  // Of one object a sequence; of an array an array, as the reference appends its items.
  out->is_sequence = call[0].is_object() || Items(call[0]).size == 0;
  return SpreadTo(call.evaluator, call[0], *out, 0) ? Value(out) : Value::Failed();
}

Value MergeFunction(Arguments& call) {
  if (!call[0].is_array()) return {};
  const Items items(call[0]);
  Heap& heap = call.evaluator.heap();
  size_t expected = 0;
  for (uint32_t i = 0; i < items.size; ++i)
    if (items[i].is_object()) expected = std::max(expected, SizeOfObject(items[i]));
  Object* out = NewObject(heap, expected + items.size);
  for (uint32_t i = 0; i < items.size; ++i) {
    if (!call.evaluator.Charge(1)) return Value::Failed();
    EachMember(items[i], [&](std::string_view name, const Value& value) {
      Set(heap, *out, name, value);
      return true;
    });
  }
  return out;
}

Value CloneFunction(Arguments& call) {
  const Value value = call[0];
  const bool is_wrapper = value.is_list() && value.list->is_outer_wrapper;
  return call.evaluator.Clone(is_wrapper ? value.list->items[0] : value);
}

Value ErrorFunction(Arguments& call) {
  call.evaluator.Fail("D3137");
  if (call.evaluator.has_ended()) return Value::Failed();
  const bool has_message = call[0].is_string() && call[0].size;
  call.evaluator.fault().message =
      has_message ? std::string(call[0].str()) : "$error() function evaluated";
  return Value::Failed();
}

Value AssertFunction(Arguments& call) {
  if (call[0].is_bool() && call[0].boolean) return {};
  call.evaluator.Fail("D3141");
  if (call.evaluator.has_ended()) return Value::Failed();
  const bool has_message = call[1].is_string() && call[1].size;
  call.evaluator.fault().message =
      has_message ? std::string(call[1].str()) : "$assert() statement failed";
  return Value::Failed();
}

Value EvalFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const Value focus = call[1];
  return call.evaluator.EvalText(call[0].str(), focus.is_undefined() ? nullptr : &focus, call);
}

}  // namespace stepmill::jsonata
