#include <algorithm>
#include <cmath>

#include "lang/jsonata/evaluator.h"

namespace stepmill::jsonata {

Evaluator::Evaluator(const Program& program, const Environment& environment)
    : program_(&program),
      environment_(environment),
      heap_(environment.limits.bytes_max),
      depth_max_(environment.limits.depth_max),
      chance_(environment.entropy) {
  const char here = 0;
  stack_begin_ = &here;
  free_count_ = static_cast<uint32_t>(program.free_names.size());
  hint_count_ = program.hint_count;
  if (free_count_) {
    free_ = static_cast<Value*>(heap_.Take(free_count_ * sizeof(Value)));
    for (uint32_t i = 0; i < free_count_; ++i) free_[i] = Value::Of(Tag::kUnbound);
    names_ = const_cast<std::string_view*>(program.free_names.data());
    natives_ = const_cast<const Native**>(program.free_natives.data());
  }
  if (hint_count_) {
    hints_ = static_cast<uint32_t*>(heap_.Take(hint_count_ * sizeof(uint32_t)));
    std::fill(hints_, hints_ + hint_count_, 0u);
  }
  work_given_ = heap_.work_left =
      std::min<int64_t>(kWorkBetweenLooks, environment.limits.steps_max);
}

Result<std::optional<Json>> Evaluator::Run() {
  Value input;
  if (environment_.input) {
    input = root_ = FromJson(*environment_.input);
    if (input.is_array()) {
      // An input that is an array is one input.
      List* wrapper = NewSequence(heap_, 1);
      Push(heap_, *wrapper, input);
      wrapper->is_outer_wrapper = true;
      input = Value(wrapper);
    }
  }
  Frame* frame = program_->scope ? NewFrame(program_->scope, nullptr) : nullptr;
  Value result = Eval(*program_->root, input, frame);
  if (!result.is_error() && heap_.is_full()) result = LookAtLimits() ? result : Value::Failed();
  if (result.is_error()) {
    if (fault_.position >= 0) fault_.position = PositionOf(static_cast<uint32_t>(fault_.position));
    return MakeError(fault_);
  }
  if (result.is_list() && result.list->is_outer_wrapper) result = result.list->items[0];
  if (result.is_function() && program_->dialect == Dialect::kStates)
    return Error{Code::kInvalid, std::string(kUnsupportedResult), "The result is a function"};
  if (result.is_undefined() || result.is_function()) return std::optional<Json>();
  Json out = ToJson(result);
  if (has_ended_) return MakeError(fault_);
  return std::optional<Json>(std::move(out));
}

bool Evaluator::LookAtLimits() {
  if (has_ended_) return false;
  const Limits& limits = environment_.limits;
  steps_ += work_given_ - heap_.work_left;
  if (heap_.is_full()) {
    End("U1001",
        "Expression evaluation memory limit exceeded: Check for "
        "excessive memory usage");
    return false;
  }
  if (steps_ >= limits.steps_max || (limits.is_over && limits.is_over())) {
    End("U1001", "Expression evaluation timeout: Check for infinite loop");
    return false;
  }
  work_given_ = heap_.work_left = std::min<int64_t>(kWorkBetweenLooks, limits.steps_max - steps_);
  return true;
}

Value Evaluator::End(std::string_view code, std::string message) {
  if (has_ended_) return Value::Failed();
  has_ended_ = true;
  heap_.work_left = 0;
  fault_ = Fault();
  fault_.code = code;
  fault_.message = std::move(message);
  return Value::Failed();
}

Value Evaluator::Fail(std::string_view code) {
  if (has_ended_) return Value::Failed();
  fault_ = Fault();
  fault_.code = code;
  return Value::Failed();
}

Value Evaluator::Fail(std::string_view code, const Value& value) {
  if (has_ended_) return Value::Failed();
  Fail(code);
  fault_.value = ToText(value);
  return Value::Failed();
}

Value Evaluator::FailAt(std::string_view code, const Node& node) {
  if (has_ended_) return Value::Failed();
  Fail(code);
  fault_.position = node.position;
  return Value::Failed();
}

Value Evaluator::FailAt(std::string_view code, const Node& node, const Value& value) {
  if (has_ended_) return Value::Failed();
  Fail(code, value);
  fault_.position = node.position;
  return Value::Failed();
}

Value Evaluator::Normalise(const Node& node, const Value& value) {
  if (!value.is_list()) return value;
  List& list = *value.list;
  if (!list.is_sequence || list.is_tuple_stream) return value;
  if (node.keeps_array) list.keeps_singleton = true;
  if (list.size == 0) return {};
  return list.size == 1 && !list.keeps_singleton ? list.items[0] : value;
}

Value Evaluator::Eval(const Node& node, Value input, Frame* frame) {
  switch (node.kind) {
    case Kind::kNumber:
    case Kind::kString:
    case Kind::kLiteral:
      if (!node.has_after) return node.value;
      break;
    case Kind::kVariable:
      if (!node.has_after) return Normalise(node, Variable(node, frame));
      break;
    case Kind::kContext:
      if (!node.has_after && !input.is_list()) return input;
      break;
    case Kind::kField:
      if (!node.has_after && !input.is_array()) {
        return Normalise(node, EvalName(node, input, true));
      }
      break;
    default: break;
  }
  return EvalDeep(node, input, frame);
}

Value Evaluator::EvalDeep(const Node& node, const Value& input, Frame* frame) {
  const char here = 0;
  if (--heap_.work_left <= 0 && !LookAtLimits()) return Value::Failed();
  const auto used = static_cast<size_t>(std::abs(stack_begin_ - &here));
  if (++depth_ >= depth_max_ || used > kStackBytesMax) {
    return End("U1001",
               "Stack overflow error: Check for non-terminating recursive function.  "
               "Consider rewriting as tail-recursive");
  }
  Value value = EvalKind(node, input, frame);
  if (node.has_after && !value.is_error()) value = After(node, value, frame);
  --depth_;
  return Normalise(node, value);
}

Value Evaluator::EvalKind(const Node& node, const Value& input, Frame* frame) {
  switch (node.kind) {
    case Kind::kNumber:
    case Kind::kString:
    case Kind::kLiteral: return node.value;
    case Kind::kVariable: return Variable(node, frame);
    case Kind::kContext:
      return input.is_list() && input.list->is_outer_wrapper ? input.list->items[0] : input;
    case Kind::kRoot: return root_;
    case Kind::kField: return EvalName(node, input, true);
    case Kind::kName: return Lookup(input, node.text, node.hint);
    case Kind::kPath: return EvalPath(node, input, frame);
    case Kind::kBinary: return EvalBinary(node, input, frame);
    case Kind::kNegate: return EvalNegate(node, input, frame);
    case Kind::kArray: return EvalArray(node, input, frame);
    case Kind::kObject: return EvalGroup(node.items, node.position, input, frame, nullptr);
    case Kind::kWildcard: return Wildcard(input);
    case Kind::kDescendant: return Descendants(input);
    case Kind::kParent: return Variable(node, frame);
    case Kind::kCondition: return EvalCondition(node, input, frame);
    case Kind::kBlock: return EvalBlock(node, input, frame);
    case Kind::kBind: return EvalBind(node, input, frame);
    case Kind::kRegex: {
      Function* function = NewFunction(Function::Sort::kRegex);
      function->regex = node.regex;
      function->arity = 2;
      return function;
    }
    case Kind::kCall: return EvalCall(node, input, frame, nullptr);
    case Kind::kLambda: return EvalLambda(node, input, frame);
    case Kind::kPartial: return EvalPartial(node, input, frame);
    case Kind::kApply: return EvalApply(node, input, frame);
    case Kind::kTransform: return EvalTransform(node, frame);
    default:
      return {};  // what is no expression has no value: kinds of steps and of the
                  // parser
  }
}

Value Evaluator::After(const Node& node, Value value, Frame* frame) {
  if (node.tuple_scope) frame = NewFrame(node.tuple_scope, frame);
  for (const Node* stage : node.predicates) {
    value = Filter(*stage->left, value, frame, node.tuple_scope);
    if (value.is_error()) return value;
  }
  if (!node.group) return value;
  return EvalGroup(node.group->pairs, node.group->position, value, frame, node.tuple_scope);
}

Value Evaluator::Variable(const Node& node, Frame* frame) {
  uint32_t out = 0;
  for (uint16_t i = 0; i < node.place_count; ++i) {
    for (; out < node.places[i].hops; ++out) frame = frame->parent;
    const Value& value = frame->slots[node.places[i].index];
    if (value.tag != Tag::kUnbound) return value;
  }
  return node.free_index >= 0 ? Free(node.free_index) : Value();
}

Value Evaluator::Free(int32_t index) {
  Value& value = free_[index];
  if (value.tag != Tag::kUnbound) return value;
  value = Value();
  if (environment_.variable) {
    if (const Json* found = environment_.variable(names_[index])) return value = FromJson(*found);
  }
  if (const Native* native = natives_[index]) {
    Function* function = NewFunction(Function::Sort::kNative);
    function->native = native;
    function->arity = native->arity;
    value = Value(function);
  }
  return value;
}

Function* Evaluator::NewFunction(Function::Sort sort) {
  Function* function = heap_.New<Function>();
  function->sort = sort;
  return function;
}

Value Evaluator::EvalArray(const Node& node, const Value& input, Frame* frame) {
  List* list = NewList(heap_, node.items.size);
  for (const Node* item : node.items) {
    const Value value = Eval(*item, input, frame);
    if (value.is_error()) return value;
    if (value.is_undefined()) continue;
    if (item->kind == Kind::kArray || !value.is_array()) {
      Push(heap_, *list, value);
    } else if (list->size == 0 && value.is_list() && node.items.size == 1) {
      // A range or sequence becomes the array: its items are shared, not
      // copied.
      list->items = value.list->items;
      list->size = list->capacity = value.list->size;
    } else {
      PushAll(heap_, *list, value);
    }
  }
  list->is_constructed = node.is_constructed_array;
  return list;
}

Value Evaluator::EvalBlock(const Node& node, const Value& input, Frame* frame) {
  Frame* inner = node.scope ? NewFrame(node.scope, frame) : frame;
  Value value;
  for (const Node* item : node.items) {
    value = Eval(*item, input, inner);
    if (value.is_error()) return value;
  }
  if (inner != frame && value.tag != Tag::kTail) Release(inner);
  return value;
}

Value Evaluator::EvalBind(const Node& node, const Value& input, Frame* frame) {
  const Value value = Eval(*node.right, input, frame);
  if (!value.is_error()) frame->slots[node.places[0].index] = value;
  return value;
}

Value Evaluator::EvalCondition(const Node& node, const Value& input, Frame* frame) {
  const Value condition = Eval(*node.left, input, frame);
  if (condition.is_error()) return condition;
  const int truth = condition.is_bool() ? condition.boolean : Truth(condition);
  if (truth < 0) return Value::Failed();
  if (truth) return Eval(*node.right, input, frame);
  return node.third ? Eval(*node.third, input, frame) : Value();
}

Value Evaluator::EvalNegate(const Node& node, const Value& input, Frame* frame) {
  const Value value = Eval(*node.left, input, frame);
  if (value.is_error() || value.is_undefined()) return value;
  const int numeric = IsNumeric(value);
  if (numeric < 0) return Value::Failed();
  if (numeric) return Value(-value.number);
  FailAt("D1002", node, value);
  fault_.token = "\"-\"";
  return Value::Failed();
}

Value Evaluator::Wildcard(const Value& input) {
  Value object = input;
  if (object.is_list() && object.list->is_outer_wrapper && object.list->size) {
    object = object.list->items[0];
  }
  List* out = NewSequence(heap_);
  const auto add = [&](const Value& value) {
    if (value.is_array()) {
      FlattenDeep(value, *out, 0);
    } else {
      Push(heap_, *out, value);
    }
  };
  if (object.is_array()) {
    const Items items(object);
    for (uint32_t i = 0; i < items.size; ++i) add(items[i]);
  } else {
    EachMember(object, [&](std::string_view, const Value& value) {
      add(value);
      return true;
    });
  }
  return out;
}

void Evaluator::FlattenDeep(const Value& value, List& out, int depth) {
  if (!value.is_array()) return Push(heap_, out, value);
  if (depth > kHeightMax || !Charge(1)) return;
  const Items items(value);
  for (uint32_t i = 0; i < items.size; ++i) FlattenDeep(items[i], out, depth + 1);
}

Value Evaluator::Descendants(const Value& input) {
  if (input.is_undefined()) return input;
  List* out = NewSequence(heap_, 16);
  Descend(input, *out, 0);
  if (!Charge(1)) return Value::Failed();
  return out->size == 1 ? out->items[0] : Value(out);
}

void Evaluator::Descend(const Value& input, List& out, int depth) {
  if (depth > kHeightMax || !Charge(1)) return;
  if (input.is_array()) {
    const Items items(input);
    for (uint32_t i = 0; i < items.size; ++i) Descend(items[i], out, depth + 1);
    return;
  }
  Push(heap_, out, input);
  EachMember(input, [&](std::string_view, const Value& value) {
    Descend(value, out, depth + 1);
    return true;
  });
}

}  // namespace stepmill::jsonata
