#include <algorithm>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/parser.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

uint32_t Evaluator::PositionOf(uint32_t offset) const {
  const std::string& text = program_->text;
  return static_cast<uint32_t>(CountUnits(std::string_view(text).substr(0, offset)));
}

Frame* Evaluator::NewFrame(const Scope* scope, Frame* parent) {
  const uint32_t size = scope->size;
  Frame* frame;
  if (size < kFrameSizes && recycled_[size]) {
    frame = recycled_[size];
    recycled_[size] = frame->parent;
  } else {
    frame = static_cast<Frame*>(heap_.Take(sizeof(Frame) + size * sizeof(Value)));
  }
  frame->parent = parent;
  frame->scope = scope;
  frame->size = size;
  frame->is_captured = false;
  frame->at = Value();
  for (uint32_t i = 0; i < size; ++i) frame->slots[i] = Value::Of(Tag::kUnbound);
  return frame;
}

void Evaluator::Release(Frame* frame) {
  if (frame->is_captured || frame->size >= kFrameSizes) return;
  frame->parent = recycled_[frame->size];
  recycled_[frame->size] = frame;
}

void Evaluator::ReleaseUpTo(Frame* frame, const Frame* end) {
  while (frame && frame != end) {
    Frame* parent = frame->parent;
    Release(frame);
    frame = parent;
  }
}

void Evaluator::Capture(Frame* frame) {
  for (; frame && !frame->is_captured; frame = frame->parent) frame->is_captured = true;
}

Value Evaluator::EvalLambda(const Node& node, const Value& input, Frame* frame) {
  Function* function = NewFunction(Function::Sort::kLambda);
  function->node = &node;
  function->frame = frame;
  function->input = input;
  function->arity = node.items.size;
  Capture(frame);
  return function;
}

/// What messages call the procedure of a call, as JSON text.
static std::string NameOf(const Node& procedure) {
  switch (procedure.kind) {
    case Kind::kPath:
      return procedure.items[0]->text.empty() ? "" : Quote(procedure.items[0]->text);
    case Kind::kNumber: return NumberToText(procedure.value.number);
    case Kind::kField:
    case Kind::kVariable:
    case Kind::kString:
    case Kind::kLiteral: return Quote(procedure.text);
    default: return "";
  }
}

/// A name without "$" that would be a function with it.
static bool IsForgottenDollar(const Evaluator& evaluator, const Node& procedure, Frame* frame) {
  const Node* name = procedure.kind == Kind::kPath ? procedure.items[0] : &procedure;
  if (procedure.kind != Kind::kPath && procedure.kind != Kind::kField) return false;
  for (; frame; frame = frame->parent) {
    const int at = frame->scope->Find(name->text);
    if (at >= 0 && frame->slots[at].tag != Tag::kUnbound)
      return !frame->slots[at].is_undefined() && !frame->slots[at].is_null();
  }
  const Environment& environment = evaluator.environment();
  if (environment.variable && environment.variable(name->text)) return true;
  return FindNative(name->text, evaluator.dialect()) != nullptr;
}

Value Evaluator::EvalCall(const Node& node, const Value& input, Frame* frame, const Value* first) {
  if (node.is_tail && !first) {
    tail_ = {&node, input, frame};
    return Value::Of(Tag::kTail);
  }
  const Value procedure = Eval(*node.left, input, frame);
  if (procedure.is_error()) return procedure;
  if (procedure.is_undefined() && IsForgottenDollar(*this, *node.left, frame)) {
    FailAt("T1005", node);
    fault_.token = NameOf(*node.left);
    return Value::Failed();
  }
  Value few[6];
  const uint32_t count = node.items.size + (first ? 1 : 0);
  Value* arguments = count <= 6 ? few : static_cast<Value*>(heap_.Take(count * sizeof(Value)));
  uint32_t at = 0;
  if (first) arguments[at++] = *first;
  for (const Node* item : node.items) {
    const Value value = Eval(*item, input, frame);
    if (value.is_error()) return value;
    arguments[at++] = value;
  }
  Value result;
  if (procedure.is_function()) {
    result = Apply(*procedure.function, arguments, count, input, frame);
  } else {
    result = Fail("T1006");
  }
  if (!result.is_error() || has_ended_) return result;
  fault_.position = node.position;
  if (fault_.token.empty()) fault_.token = NameOf(*node.left);
  return result;
}

Value Evaluator::EvalApply(const Node& node, const Value& input, Frame* frame) {
  const Value left = Eval(*node.left, input, frame);
  if (left.is_error()) return left;
  if (node.right->kind == Kind::kCall) return EvalCall(*node.right, input, frame, &left);
  const Value right = Eval(*node.right, input, frame);
  if (right.is_error()) return right;
  if (!right.is_function()) return FailAt("T2006", node, right);
  if (left.is_function()) {
    Function* chain = NewFunction(Function::Sort::kChain);
    chain->first = left.function;
    chain->second = right.function;
    chain->arity = 1;
    return chain;
  }
  Value argument = left;
  return Apply(*right.function, &argument, 1, Value::Null(), frame);
}

Value Evaluator::EvalPartial(const Node& node, const Value& input, Frame* frame) {
  const uint32_t count = node.items.size;
  auto* bound = static_cast<Value*>(heap_.Take(count * sizeof(Value)));
  for (uint32_t i = 0; i < count; ++i) {
    bound[i] = Value::Of(Tag::kUnbound);
    if (node.items[i]->kind == Kind::kPlaceholder) continue;
    bound[i] = Eval(*node.items[i], input, frame);
    if (bound[i].is_error()) return bound[i];
  }
  const Value procedure = Eval(*node.left, input, frame);
  if (procedure.is_error()) return procedure;
  if (!procedure.is_function()) {
    const bool is_forgotten =
        procedure.is_undefined() && IsForgottenDollar(*this, *node.left, frame);
    FailAt(is_forgotten ? "T1007" : "T1008", node);
    fault_.token = NameOf(*node.left);
    return Value::Failed();
  }
  Function* function = NewFunction(Function::Sort::kPartial);
  function->first = procedure.function;
  function->bound = bound;
  function->bound_count = count;
  for (uint32_t i = 0; i < count; ++i) function->arity += bound[i].tag == Tag::kUnbound;
  return function;
}

bool Evaluator::FitArguments(const Signature& signature, Value*& arguments, uint32_t& count,
                             const Value& context) {
  const Mismatch mismatch = Fit(signature, arguments, count, context, heap_, arguments, count);
  if (mismatch.code.empty()) return true;
  if (has_ended_) return false;
  Fail(mismatch.code, mismatch.value);
  fault_.index = static_cast<int>(mismatch.index);
  fault_.type = mismatch.type;
  return false;
}

Value Evaluator::Apply(const Function& function, Value* arguments, uint32_t count,
                       const Value& context, Frame* frame) {
  if (function.sort == Function::Sort::kLambda) {
    return ApplyLambda(function, arguments, count, context);
  }
  return ApplyOnce(function, arguments, count, context, frame);
}

Value Evaluator::ApplyOnce(const Function& function, Value* arguments, uint32_t count,
                           const Value& context, Frame* frame) {
  switch (function.sort) {
    case Function::Sort::kNative: {
      if (!FitArguments(function.native->signature(), arguments, count, context)) {
        return Value::Failed();
      }
      int64_t work = 0;  // what one call may do at least with its arguments
      for (uint32_t i = 0; i < count; ++i) {
        if (arguments[i].is_array()) work += Items(arguments[i]).size / 8;
        if (arguments[i].is_string()) work += arguments[i].size / 64;
      }
      if (!Charge(work)) return Value::Failed();
      Arguments call{*this, arguments, count, context, frame};
      return function.native->run(call);
    }
    case Function::Sort::kRegex: {
      const Value text = count ? arguments[0] : Value();
      if (!text.is_string()) return {};
      const bool has_from = count > 1 && arguments[1].is_number() && arguments[1].number > 0;
      const size_t from = has_from ? static_cast<size_t>(arguments[1].number) : 0;
      return MatchObject(*function.regex, text.str(), OffsetOfUnit(text.str(), from));
    }
    case Function::Sort::kNextMatch: {
      if (function.offset >= function.input.size) return {};
      const Value found = MatchObject(*function.regex, function.input.str(), function.offset);
      if (found.is_object() && MemberOf(found, "match").size == 0) return Fail("D1004");
      return found;
    }
    case Function::Sort::kTransform: {
      // <(oa):o>
      const Value argument = count ? arguments[0] : Value();
      const bool is_taken = argument.is_undefined() || argument.is_object() || argument.is_array();
      if (count != 1 || !is_taken) {
        Fail("T0410", count && is_taken && count > 1 ? arguments[1] : argument);
        fault_.index = count > 1 && is_taken ? 2 : 1;
        return Value::Failed();
      }
      return ApplyTransform(function, arguments[0]);
    }
    case Function::Sort::kChain: {
      Value value = Apply(*function.first, arguments, std::min(count, 1u), context, frame);
      if (value.is_error()) return value;
      return Apply(*function.second, &value, 1, context, frame);
    }
    case Function::Sort::kPartial: return ApplyPartial(function, arguments, count, context, frame);
    case Function::Sort::kLambda: return ApplyLambda(function, arguments, count, context);
  }
  return {};
}

Value Evaluator::ApplyPartial(const Function& function, Value* arguments, uint32_t count,
                              const Value& context, Frame* frame) {
  auto* all = static_cast<Value*>(heap_.Take((function.bound_count + 1) * sizeof(Value)));
  uint32_t used = 0, size = 0;
  for (uint32_t i = 0; i < function.bound_count; ++i) {
    all[i] = function.bound[i];
    if (all[i].tag == Tag::kUnbound) all[i] = used < count ? arguments[used++] : Value();
    if (!all[i].is_undefined()) size = i + 1;
  }
  // An argument that is missing at the end is none, so that optional ones may
  // be left open.
  if (function.first->sort != Function::Sort::kNative) size = function.bound_count;
  return Apply(*function.first, all, size, context, frame);
}

Value Evaluator::ApplyLambda(const Function& function, Value* arguments, uint32_t count,
                             const Value& context) {
  const Function* lambda = &function;
  Value more[6];
  for (;;) {
    if (--heap_.work_left <= 0 && !LookAtLimits()) return Value::Failed();
    const Node& node = *lambda->node;
    if (node.signature && !FitArguments(*node.signature, arguments, count, context)) {
      return Value::Failed();
    }
    Frame* frame = node.scope ? NewFrame(node.scope, lambda->frame) : lambda->frame;
    for (uint32_t i = 0; i < node.items.size; ++i) {
      frame->slots[node.items[i]->hint] = i < count ? arguments[i] : Value();
    }
    const Value result = Eval(*node.left, lambda->input, frame);
    if (result.tag != Tag::kTail) {
      if (frame != lambda->frame) Release(frame);
      return result;
    }
    // A call in tail position: made here, with the stack as it was.
    const auto tail = tail_;
    const Value procedure = Eval(*tail.node->left, tail.input, tail.frame);
    if (procedure.is_error()) return procedure;
    const uint32_t tail_count = tail.node->items.size;
    Value* next =
        tail_count <= 6 ? more : static_cast<Value*>(heap_.Take(tail_count * sizeof(Value)));
    for (uint32_t i = 0; i < tail_count; ++i) {
      const Value value = Eval(*tail.node->items[i], tail.input, tail.frame);
      if (value.is_error()) return value;
      next[i] = value;
    }
    Value end;
    if (!procedure.is_function()) {
      const bool is_forgotten =
          procedure.is_undefined() && IsForgottenDollar(*this, *tail.node->left, tail.frame);
      end = Fail(is_forgotten ? "T1005" : "T1006");
    } else if (procedure.function->sort == Function::Sort::kLambda) {
      ReleaseUpTo(tail.frame, lambda->frame);
      lambda = procedure.function;
      arguments = next;
      count = tail_count;
      continue;
    } else {
      end = ApplyOnce(*procedure.function, next, tail_count, context, tail.frame);
      ReleaseUpTo(tail.frame, lambda->frame);
    }
    if (end.is_error() && !has_ended_) {
      fault_.position = tail.node->position;
      if (fault_.token.empty()) fault_.token = NameOf(*tail.node->left);
    }
    return end;
  }
}

}  // namespace stepmill::jsonata
