#include "lang/jsonata/evaluator.h"

namespace stepmill::jsonata {

// A path with @, # or % carries tuples: each the context of a step and the
// variables bound so far.

void Evaluator::SetSlot(Frame& frame, std::string_view name, const Value& value) {
  const int at = frame.scope->Find(name);
  if (at >= 0) frame.slots[at] = value;
}

void Evaluator::CopySlots(const Frame& from, Frame& to) {
  if (from.scope == to.scope) {
    for (uint32_t i = 0; i < from.size; ++i) to.slots[i] = from.slots[i];
    return;
  }
  for (uint32_t i = 0; i < from.size; ++i)
    if (from.slots[i].tag != Tag::kUnbound) SetSlot(to, from.scope->names[i], from.slots[i]);
}

Frame* Evaluator::TupleFrame(const Scope* scope, Frame* parent, const Value& tuple) {
  if (tuple.tuple->scope == scope && tuple.tuple->parent == parent) return tuple.tuple;
  Frame* out = NewFrame(scope, parent);
  CopySlots(*tuple.tuple, *out);
  out->at = tuple.tuple->at;
  return out;
}

static Value ValueOf(Frame* tuple) {
  Value out;
  out.tuple = tuple;
  out.tag = Tag::kTuple;
  return out;
}

Value Evaluator::EvalTuplePath(const Node& node, const Value& input, Frame* frame) {
  Frame* empty = NewFrame(node.tuple_scope, frame);
  const uint32_t count = node.items.size;
  Value value = input;
  List* tuples = nullptr;
  bool is_stream = false;
  for (uint32_t i = 0; i < count; ++i) {
    const Node& step = *node.items[i];
    is_stream = is_stream || step.is_tuple;
    if (i == 0 && step.is_constructed_array) {
      const Value first = Eval(step, AsSequence(value), is_stream ? empty : frame);
      // As the reference: with @ the next step starts from the input again.
      if (first.is_error() || step.focus.empty()) value = first;
    } else if (is_stream) {
      const bool is_absolute = i == 0 && (step.kind == Kind::kVariable ||
                                          step.kind == Kind::kRoot || step.kind == Kind::kContext);
      Value items = value;
      if (is_absolute) {
        List* one = NewSequence(heap_, 1);
        Push(heap_, *one, value);
        items = Value(one);
      }
      tuples = TupleStep(step, items, tuples, empty);
      if (!tuples) return Value::Failed();
    } else {
      value = EvalStep(step, value, i == 0, i + 1 == count, frame);
    }
    if (value.is_error()) return value;
    if (!is_stream && value.is_array() && !Items(value).size && !step.is_constructed_array) {
      value = Value();
    }
    if (!is_stream && (value.is_undefined() || (value.is_array() && !Items(value).size))) break;
  }
  if (tuples && !node.is_tuple) {
    List* out = NewSequence(heap_, tuples->size);
    for (uint32_t i = 0; i < tuples->size; ++i) Push(heap_, *out, tuples->items[i].tuple->at);
    value = Value(out);
  } else if (tuples) {
    value = Value(tuples);
  }
  if (node.keeps_singleton_array) value = KeepSingleton(value);
  if (!node.group) return value;
  return EvalGroup(node.group->pairs, node.group->position, tuples ? Value(tuples) : value, empty,
                   node.tuple_scope);
}

List* Evaluator::TupleSort(const Node& step, const Value& input, const List* tuples, Frame* frame) {
  List* out = NewSequence(heap_);
  out->is_tuple_stream = true;
  const Value source = tuples ? Value(const_cast<List*>(tuples)) : input;
  const Value sorted = EvalSort(step, source, frame, frame->scope);
  if (sorted.is_error()) return nullptr;
  const Items items(sorted);
  for (uint32_t i = 0; i < items.size; ++i) {
    if (tuples) {
      Push(heap_, *out, items[i]);
      continue;
    }
    Frame* tuple = NewFrame(frame->scope, frame->parent);
    tuple->at = items[i];
    if (!step.index.empty()) SetSlot(*tuple, step.index, Value(static_cast<double>(i)));
    Push(heap_, *out, ValueOf(tuple));
  }
  return TupleStages(step, out, frame);
}

List* Evaluator::TupleStep(const Node& step, const Value& input, const List* tuples, Frame* frame) {
  if (step.kind == Kind::kSort) return TupleSort(step, input, tuples, frame);
  List* out = NewSequence(heap_);
  out->is_tuple_stream = true;
  const Items items(input);
  const uint32_t count = tuples ? tuples->size : input.is_array() ? items.size : 1;
  for (uint32_t i = 0; i < count; ++i) {
    Frame* from;
    if (tuples) {
      from = TupleFrame(frame->scope, frame->parent, tuples->items[i]);
    } else {
      from = NewFrame(frame->scope, frame->parent);
      from->at = input.is_array() ? items[i] : input;
    }
    const Value value = Eval(step, from->at, from);
    if (value.is_error()) return nullptr;
    if (value.is_undefined()) continue;
    const Items results(value);
    const uint32_t result_count = value.is_array() ? results.size : 1;
    for (uint32_t k = 0; k < result_count; ++k) {
      const Value result = value.is_array() ? results[k] : value;
      Frame* tuple = NewFrame(frame->scope, frame->parent);
      CopySlots(*from, *tuple);
      tuple->at = from->at;
      if (result.tag == Tag::kTuple) {
        CopySlots(*result.tuple, *tuple);
        tuple->at = result.tuple->at;
      } else {
        if (!step.focus.empty()) {
          SetSlot(*tuple, step.focus, result);
        } else {
          tuple->at = result;
        }
        if (!step.index.empty()) SetSlot(*tuple, step.index, Value(static_cast<double>(k)));
        if (step.ancestor) {
          SetSlot(*tuple, "!" + std::to_string(step.ancestor->label), from->at);
        }
      }
      Push(heap_, *out, ValueOf(tuple));
    }
  }
  return TupleStages(step, out, frame);
}

List* Evaluator::TupleStages(const Node& step, List* tuples, Frame* frame) {
  for (const Node* stage : step.stages) {
    if (stage->kind == Kind::kFilter) {
      const Value filtered = Filter(*stage->left, Value(tuples), frame, frame->scope);
      if (filtered.is_error()) return nullptr;
      tuples = filtered.list;
      continue;
    }
    for (uint32_t i = 0; i < tuples->size; ++i) {
      SetSlot(*tuples->items[i].tuple, stage->index, Value(static_cast<double>(i)));
    }
  }
  return tuples;
}

Frame* Evaluator::ReduceTuples(const Value& tuples, const Scope* scope, Frame* parent) {
  if (!tuples.is_array()) return TupleFrame(scope, parent, tuples);
  const Items items(tuples);
  Frame* out = NewFrame(scope, parent);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Frame* tuple = TupleFrame(scope, parent, items[i]);
    out->at = i == 0 ? tuple->at : Append(out->at, tuple->at);
    for (uint32_t slot = 0; slot < out->size; ++slot) {
      const Value& value = tuple->slots[slot];
      if (value.tag == Tag::kUnbound) continue;
      Value& sum = out->slots[slot];
      sum = sum.tag == Tag::kUnbound ? value : Append(sum, value);
    }
  }
  return out;
}

}  // namespace stepmill::jsonata
