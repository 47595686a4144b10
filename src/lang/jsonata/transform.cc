#include <cmath>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

Value Evaluator::EvalTransform(const Node& node, Frame* frame) {
  Function* function = NewFunction(Function::Sort::kTransform);
  function->node = &node;
  function->frame = frame;
  function->arity = 1;
  Capture(frame);
  return function;
}

/// A copy that may be changed. As text and back again: numbers to 15 digits, no
/// functions.
Value Evaluator::Clone(const Value& value) {
  if (!Charge(1)) return Value::Failed();
  if (value.is_number() && value.number != std::floor(value.number)) {
    return Value(RoundToDigits(value.number, 15));
  }
  if (value.is_function()) return Value(std::string_view("", 0));
  if (!value.is_array() && !value.is_object()) return value;
  const char here = 0;
  if (static_cast<size_t>(std::abs(stack_begin_ - &here)) > kStackBytesMax) return End("U1001");
  bool is_failed = false;
  if (value.is_array()) {
    const Items items(value);
    List* list = NewList(heap_, items.size);
    for (uint32_t i = 0; i < items.size && !is_failed; ++i) {
      const Value item = Clone(items[i]);
      is_failed = item.is_error();
      Push(heap_, *list, item.is_undefined() ? Value::Null() : item);
    }
    return is_failed ? Value::Failed() : Value(list);
  }
  Object* object = NewObject(heap_, SizeOfObject(value));
  EachMember(value, [&](std::string_view name, const Value& member) {
    const Value copy = Clone(member);
    is_failed = copy.is_error();
    if (!copy.is_undefined()) Set(heap_, *object, name, copy);
    return !is_failed;
  });
  return is_failed ? Value::Failed() : Value(object);
}

Value Evaluator::ApplyTransform(const Function& function, const Value& argument) {
  if (argument.is_undefined()) return argument;
  const Node& node = *function.node;
  const Value cloner = Eval(*node.items[0], Value(), function.frame);
  if (cloner.is_error()) return cloner;
  if (!cloner.is_function()) return FailAt("T2013", node);
  Value copy = argument;
  if (!cloner.function->native) {
    copy = Apply(*cloner.function, &copy, 1, Value::Null(), function.frame);
    if (copy.is_error()) return copy;
  }
  if (!copy.is_list() || !copy.list->is_outer_wrapper) {
    copy = Clone(copy);
  } else {
    copy = Clone(copy.list->items[0]);
  }
  if (copy.is_error()) return copy;
  const Value matches = Eval(*node.left, copy, function.frame);
  if (matches.is_error()) return matches;
  if (matches.is_undefined()) return copy;
  if (!matches.is_array()) return TransformMatch(function, matches) ? copy : Value::Failed();
  const Items items(matches);
  for (uint32_t i = 0; i < items.size; ++i)
    if (!TransformMatch(function, items[i])) return Value::Failed();
  return copy;
}

bool Evaluator::TransformMatch(const Function& function, const Value& match) {
  const Node& node = *function.node;
  const Value update = Eval(*node.right, match, function.frame);
  if (update.is_error()) return false;
  if (!update.is_undefined()) {
    if (!update.is_object()) {
      FailAt("T2011", *node.right, update);
      return false;
    }
    if (match.tag == Tag::kObject) {
      // What was made here is copied, so that nothing comes to hold itself.
      bool is_failed = false;
      EachMember(update, [&](std::string_view name, const Value& value) {
        const bool is_made = value.tag == Tag::kList || value.tag == Tag::kObject;
        const Value set = is_made ? Clone(value) : value;
        is_failed = set.is_error();
        if (!is_failed) Set(heap_, *match.object, name, set);
        return !is_failed;
      });
      if (is_failed) return false;
    }
  }
  if (!node.third) return true;
  const Value deletions = Eval(*node.third, match, function.frame);
  if (deletions.is_error()) return false;
  if (deletions.is_undefined()) return true;
  const Value all = AsSequence(deletions);
  const Items names(all);
  for (uint32_t i = 0; i < names.size; ++i) {
    if (names[i].is_string()) continue;
    FailAt("T2012", *node.third, deletions);
    return false;
  }
  for (uint32_t i = 0; i < names.size && match.tag == Tag::kObject; ++i) {
    Remove(heap_, *match.object, names[i].str());
  }
  return true;
}

}  // namespace stepmill::jsonata
