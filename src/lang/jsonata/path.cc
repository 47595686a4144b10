#include <algorithm>
#include <cmath>

#include "lang/jsonata/evaluator.h"

namespace stepmill::jsonata {

/// Gathers the results of a step for each of its inputs: sequences and arrays
/// among them are laid out flat, but a single array at the end of a path stays
/// as it is.
class StepResults {
 public:
  StepResults(Heap& heap, size_t expected) : heap_(heap), expected_(expected) {}

  void Add(const Value& value) {
    if (value.is_undefined()) return;
    if (count_++ == 0) {
      first_ = value;
      return;
    }
    if (count_ == 2) {
      list_ = NewSequence(heap_, expected_);
      Flatten(first_);
    }
    Flatten(value);
  }

  /// kUndefined: nothing. What is no array stands for a sequence of itself.
  Value Finish(bool is_last) {
    if (count_ == 0) return {};
    if (count_ > 1) return Value(list_);
    if (!first_.is_array()) return first_;
    const bool is_sequence = first_.is_list() && first_.list->is_sequence;
    const bool is_constructed = first_.is_list() && first_.list->is_constructed;
    // Inside a path an array is only walked over: it need not become a sequence.
    if (is_last ? !is_sequence : !is_constructed) return first_;
    if (is_sequence && !is_constructed && !first_.list->keeps_singleton &&
        !first_.list->is_outer_wrapper) {
      return first_;
    }
    list_ = NewSequence(heap_, 1);
    Flatten(first_);
    return Value(list_);
  }

 private:
  void Flatten(const Value& value) {
    if (value.is_array() && !(value.is_list() && value.list->is_constructed)) {
      PushAll(heap_, *list_, value);
    } else {
      Push(heap_, *list_, value);
    }
  }

  Heap& heap_;
  size_t expected_;
  uint32_t count_ = 0;
  Value first_;
  List* list_ = nullptr;
};

Value Evaluator::Member(const Json& object, std::string_view name, uint32_t hint) {
  // Objects of one array are mostly alike: the name stands where it stood the
  // last time.
  const std::vector<Json::Member>& members = object.members();
  uint32_t& place = hints_[hint];
  if (place < members.size() && members[place].name == name) {
    return FromJson(members[place].value);
  }
  if (members.size() > 16) {
    const Json* found = object.Find(name);
    if (!found) return {};
    for (uint32_t i = 0; i < members.size(); ++i)
      if (&members[i].value == found) place = i;
    return FromJson(*found);
  }
  for (uint32_t i = 0; i < members.size(); ++i) {
    if (members[i].name != name) continue;
    place = i;
    return FromJson(members[i].value);
  }
  return {};
}

Value Evaluator::Lookup(const Value& input, std::string_view name, uint32_t hint) {
  if (input.tag == Tag::kJsonObject) return Member(*input.json, name, hint);
  if (input.tag == Tag::kObject) return MemberOf(input, name);
  if (!input.is_array()) return {};
  const Items items(input);
  if (!Charge(items.size)) return Value::Failed();
  List* out = NewSequence(heap_);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    if (item.is_array() && depth_ >= depth_max_) continue;
    depth_ += item.is_array();
    const Value value = Lookup(item, name, hint);
    depth_ -= item.is_array();
    if (value.is_error()) return value;
    if (value.is_array()) {
      PushAll(heap_, *out, value);
    } else if (!value.is_undefined()) {
      Push(heap_, *out, value);
    }
  }
  return out;
}

/// The only item of a sequence of one, nothing of an empty one.
static Value Unwrapped(const Value& value) {
  if (!value.is_list() || !value.list->is_sequence || value.list->is_tuple_stream) return value;
  if (value.list->size == 0) return {};
  return value.list->size == 1 && !value.list->keeps_singleton ? value.list->items[0] : value;
}

/// A step that is a name and nothing else.
Value Evaluator::EvalName(const Node& node, const Value& input, bool is_last) {
  if (input.tag == Tag::kJsonObject) {
    const Value value = Member(*input.json, node.text, node.hint);
    return value;
  }
  if (!input.is_array()) {
    const Value value = Unwrapped(Lookup(input, node.text, node.hint));
    if (!value.is_array()) return value;
    StepResults results(heap_, 1);
    results.Add(value);
    return results.Finish(is_last);
  }
  const Items items(input);
  if (!Charge(items.size)) return Value::Failed();
  StepResults results(heap_, items.size);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value item = items[i];
    if (item.tag == Tag::kJsonObject) {
      results.Add(Member(*item.json, node.text, node.hint));
      continue;
    }
    const Value value = Unwrapped(Lookup(item, node.text, node.hint));
    if (value.is_error()) return value;
    results.Add(value);
  }
  return results.Finish(is_last);
}

Value Evaluator::EvalPath(const Node& node, const Value& input, Frame* frame) {
  if (node.tuple_scope) return EvalTuplePath(node, input, frame);
  Value value = EvalSteps(node, input, frame);
  if (value.is_error()) return value;
  if (node.keeps_singleton_array) value = KeepSingleton(value);
  if (!node.group) return value;
  return EvalGroup(node.group->pairs, node.group->position, value, frame, nullptr);
}

Value Evaluator::KeepSingleton(Value value) {
  if (value.is_undefined()) return value;
  if (value.is_list() && value.list->is_constructed && !value.list->is_sequence) {
    List* outer = NewSequence(heap_, 1);
    Push(heap_, *outer, value);
    value = Value(outer);
  }
  value = AsSequence(value);
  if (value.is_list() && value.list->is_sequence) value.list->keeps_singleton = true;
  return value;
}

Value Evaluator::AsSequence(const Value& value) {
  if (value.is_array()) return value;
  List* list = NewSequence(heap_, 1);
  Push(heap_, *list, value);
  return list;
}

Value Evaluator::EvalSteps(const Node& node, const Value& input, Frame* frame) {
  const uint32_t count = node.items.size;
  Value value = input;
  for (uint32_t i = 0; i < count; ++i) {
    const Node& step = *node.items[i];
    if (i == 0 && step.is_constructed_array) {
      value = Eval(step, AsSequence(value), frame);
    } else {
      value = EvalStep(step, value, i == 0, i + 1 == count, frame);
    }
    if (value.is_error() || value.is_undefined()) return value;
    if (value.is_array() && Items(value).size == 0) {
      return i + 1 == count || step.is_constructed_array ? value : Value();
    }
  }
  return value;
}

Value Evaluator::EvalStepOnce(const Node& step, const Value& item, Frame* frame) {
  Value value = Eval(step, item, frame);
  for (const Node* stage : step.stages) {
    if (value.is_error()) return value;
    value = Filter(*stage->left, value, frame, nullptr);
  }
  return value;
}

Value Evaluator::EvalStep(const Node& step, const Value& input, bool is_first, bool is_last,
                          Frame* frame) {
  if (step.kind == Kind::kSort) {
    Value value = EvalSort(step, input, frame, nullptr);
    for (const Node* stage : step.stages) {
      if (value.is_error()) return value;
      value = Filter(*stage->left, value, frame, nullptr);
    }
    return value;
  }
  const bool is_absolute = is_first && (step.kind == Kind::kVariable || step.kind == Kind::kRoot ||
                                        step.kind == Kind::kContext);
  if (step.kind == Kind::kName && !step.stages.size && !step.keeps_array) {
    return EvalName(step, input, is_last);
  }
  if (!input.is_array() || is_absolute) {
    const Value value = EvalStepOnce(step, input, frame);
    if (value.is_error() || !value.is_array()) return value;
    StepResults results(heap_, 1);
    results.Add(value);
    return results.Finish(is_last);
  }
  const Items items(input);
  StepResults results(heap_, items.size);
  for (uint32_t i = 0; i < items.size; ++i) {
    const Value value = EvalStepOnce(step, items[i], frame);
    if (value.is_error()) return value;
    results.Add(value);
  }
  return results.Finish(is_last);
}

bool Evaluator::Selects(const Value& chosen, uint32_t index, uint32_t count, List& out,
                        const Value& item) {
  const auto select = [&](double number) {
    double place = std::floor(number);
    if (place < 0) place += count;
    if (place == index) Push(heap_, out, item);
  };
  if (chosen.is_bool()) {
    if (chosen.boolean) Push(heap_, out, item);
    return true;
  }
  if (chosen.is_number()) {
    const int numeric = IsNumeric(chosen);
    if (numeric < 0) return false;
    if (numeric) {
      select(chosen.number);
      return true;
    }
  }
  if (chosen.is_array()) {
    const Items items(chosen);
    if (!Charge(items.size / 8)) return false;
    bool has_numbers_only = true;
    for (uint32_t i = 0; i < items.size && has_numbers_only; ++i) {
      const int numeric = IsNumeric(items[i]);
      if (numeric < 0) return false;
      has_numbers_only = numeric != 0;
    }
    if (has_numbers_only) {
      for (uint32_t i = 0; i < items.size; ++i) select(items[i].number);
      return true;
    }
  }
  const int truth = Truth(chosen);
  if (truth < 0) return false;
  if (truth) Push(heap_, out, item);
  return true;
}

Value Evaluator::Filter(const Node& predicate, const Value& input, Frame* frame,
                        const Scope* scope) {
  const bool is_tuples = input.is_list() && input.list->is_tuple_stream;
  const uint32_t count = input.is_array() ? Items(input).size : 1;
  List* out = NewSequence(heap_);
  out->is_tuple_stream = is_tuples;
  if (predicate.kind == Kind::kNumber && !predicate.has_after) {
    double index = std::floor(predicate.value.number);
    if (index < 0) index += count;
    if (!(index >= 0 && index < count)) return out;
    const Value item = input.is_array() ? Items(input)[static_cast<uint32_t>(index)] : input;
    if (item.is_array()) return item;
    if (!item.is_undefined()) Push(heap_, *out, item);
    return out;
  }
  const Items items(input);
  for (uint32_t i = 0; i < count; ++i) {
    const Value item = input.is_array() ? items[i] : input;
    Value context = item;
    Frame* inner = frame;
    if (is_tuples) {
      if (scope) inner = TupleFrame(scope, frame->parent, item);
      context = item.tuple->at;
    }
    const Value chosen = Eval(predicate, context, inner);
    if (chosen.is_error() || !Selects(chosen, i, count, *out, item)) return Value::Failed();
  }
  return out;
}

}  // namespace stepmill::jsonata
