#include "lang/jsonata/evaluator.h"

namespace stepmill::jsonata {

Value Evaluator::CheckKey(const Value& key, uint32_t position) {
  const auto is_reserved = [&] {
    return dialect() == Dialect::kJsonata &&
           (key.str() == "_jsonata_lambda" || key.str() == "_jsonata_function");
  };
  if (key.is_error() || key.is_undefined()) return key;
  if (key.is_string() && !is_reserved()) return key;
  if (has_ended_) return Value::Failed();
  Fail(key.is_string() ? "D1013" : "T1003", key);
  fault_.position = position;
  return Value::Failed();
}

/// An object of one input: nothing is grouped.
Value Evaluator::EvalSingleObject(const Nodes& pairs, uint32_t position, const Value& input,
                                  Frame* frame) {
  const uint32_t count = pairs.size / 2;
  Object* object = NewObject(heap_, count);
  auto* keys = static_cast<Value*>(heap_.Take((count + 1) * sizeof(Value)));
  Object* seen = count > 8 ? NewObject(heap_, count) : nullptr;
  for (uint32_t i = 0; i < count; ++i) {
    keys[i] = CheckKey(Eval(*pairs[i * 2], input, frame), position);
    if (keys[i].is_error()) return keys[i];
    bool is_twice = false;
    if (keys[i].is_undefined()) continue;
    if (seen) {
      is_twice = Find(*seen, keys[i].str()) != nullptr;
      Set(heap_, *seen, keys[i].str(), Value());
    }
    for (uint32_t k = 0; !seen && k < i; ++k)
      is_twice |= keys[k].is_string() && keys[k].str() == keys[i].str();
    if (!is_twice) continue;
    Fail("D1009", keys[i]);
    fault_.position = position;
    return Value::Failed();
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (keys[i].is_undefined()) continue;
    const Value value = Eval(*pairs[i * 2 + 1], input, frame);
    if (value.is_error()) return value;
    if (!value.is_undefined()) Set(heap_, *object, keys[i].str(), value);
  }
  return object;
}

Value Evaluator::EvalGroup(const Nodes& pairs, uint32_t position, Value input, Frame* frame,
                           const Scope* scope) {
  const bool is_tuples = input.is_list() && input.list->is_tuple_stream;
  const Items items(input);
  if (!is_tuples && (!input.is_array() || items.size <= 1)) {
    const Value item = !input.is_array() ? input : items.size ? items[0] : Value();
    return EvalSingleObject(pairs, position, item, frame);
  }
  // Key -> what belongs to it, and the pair that made the key.
  Object* groups = NewObject(heap_);
  List pair_of;
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    Frame* inner = frame;
    if (is_tuples && scope) inner = TupleFrame(scope, frame->parent, item);
    for (uint32_t pair = 0; pair < pairs.size / 2; ++pair) {
      const Value context = is_tuples ? item.tuple->at : item;
      const Value key = CheckKey(Eval(*pairs[pair * 2], context, inner), position);
      if (key.is_error()) return key;
      if (key.is_undefined()) continue;
      jsonata::Member* found = Find(*groups, key.str());
      if (!found) {
        Set(heap_, *groups, key.str(), item);
        Push(heap_, pair_of, Value(static_cast<double>(pair)));
        continue;
      }
      const size_t at = static_cast<size_t>(found - groups->members);
      if (at >= pair_of.size || pair_of.items[at].number != pair) {
        Fail("D1009", key);
        fault_.position = position;
        return Value::Failed();
      }
      found->value = Append(found->value, item);
    }
  }
  Object* object = NewObject(heap_, groups->size);
  for (uint32_t i = 0; i < groups->size && i < pair_of.size; ++i) {
    Value context = groups->members[i].value;
    Frame* inner = frame;
    if (is_tuples) {
      inner = scope ? ReduceTuples(context, scope, frame->parent) : frame;
      context = scope ? inner->at : Value();
    }
    const auto pair = static_cast<uint32_t>(pair_of.items[i].number);
    const Value value = Eval(*pairs[pair * 2 + 1], context, inner);
    if (value.is_error()) return value;
    if (!value.is_undefined()) Set(heap_, *object, groups->members[i].key(), value);
  }
  return object;
}

}  // namespace stepmill::jsonata
