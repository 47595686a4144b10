#include <cmath>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/parser.h"

namespace stepmill::jsonata {

Value Evaluator::FailOp(std::string_view code, const Node& node, const Value& value) {
  if (has_ended_) return Value::Failed();
  FailAt(code, node, value);
  fault_.token = Quote(OpText(node.op));
  return Value::Failed();
}

Value Evaluator::FailIn(const Node& node) {
  if (has_ended_) return Value::Failed();
  fault_.position = node.position;
  fault_.token = Quote(OpText(node.op));
  return Value::Failed();
}

int Evaluator::IsNumeric(const Value& value) {
  if (!value.is_number() || std::isnan(value.number)) return 0;
  if (!std::isinf(value.number)) return 1;
  Fail("D1001", value);
  return -1;
}

int Evaluator::Truth(const Value& value) {
  switch (value.tag) {
    case Tag::kBool: return value.boolean;
    case Tag::kString: return value.size > 0;
    case Tag::kNumber: {
      const int numeric = IsNumeric(value);
      return numeric <= 0 ? numeric : value.number != 0;
    }
    case Tag::kJsonObject:
    case Tag::kObject: return SizeOfObject(value) > 0;
    case Tag::kJsonArray:
    case Tag::kList: {
      const Items items(value);
      if (!Charge(items.size / 8)) return -1;
      for (uint32_t i = 0; i < items.size; ++i) {
        const int truth = Truth(items[i]);
        if (truth) return truth;
      }
      return 0;
    }
    default: return 0;
  }
}

Value Evaluator::EvalBinary(const Node& node, const Value& input, Frame* frame) {
  const Value left = Eval(*node.left, input, frame);
  if (left.is_error()) return left;
  if (node.op == Op::kAnd || node.op == Op::kOr) {
    int truth = Truth(left);
    if (truth == (node.op == Op::kAnd ? 1 : 0)) {
      const Value right = Eval(*node.right, input, frame);
      truth = right.is_error() ? -1 : Truth(right);
    }
    if (truth >= 0) return Value::Bool(truth > 0);
    return FailIn(node);  // as the reference: what fails on the right side fails at the operator
  }
  const Value right = Eval(*node.right, input, frame);
  if (right.is_error()) return right;
  switch (node.op) {
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kRemainder: return Arithmetic(node, left, right);
    case Op::kEqual:
    case Op::kNotEqual: {
      if (left.is_undefined() || right.is_undefined()) return Value::Bool(false);
      const bool is_equal = IsEqual(left, right);
      return Value::Bool(is_equal == (node.op == Op::kEqual));
    }
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual: return Compare(node, left, right);
    case Op::kConcat: {
      // Nearly always two texts, or a text and something short.
      std::string a, b;
      if (!left.is_string() && !AppendText(left, a)) return FailIn(node);
      if (!right.is_string() && !AppendText(right, b)) return FailIn(node);
      const std::string_view head = left.is_string() ? left.str() : std::string_view(a);
      const std::string_view tail = right.is_string() ? right.str() : std::string_view(b);
      if (dialect() == Dialect::kStates && head.size() + tail.size() > kStatesTextBytesMax)
        return FailOp("D1011", node, left);
      return Concat(head, tail);
    }
    case Op::kRange: {
      const Value range = Range(left, right);
      return range.is_error() ? FailIn(node) : range;
    }
    case Op::kIn: return Include(left, right);
    default: return {};  // the others are gone since the analysis
  }
}

Value Evaluator::Arithmetic(const Node& node, const Value& left, const Value& right) {
  const bool has_both = left.is_number() && right.is_number();
  if (!has_both || !std::isfinite(left.number) || !std::isfinite(right.number)) {
    if (!left.is_undefined()) {
      const int numeric = IsNumeric(left);
      if (numeric < 0) return FailOp("D1001", node, left);
      if (!numeric) return FailOp("T2001", node, left);
    }
    if (!right.is_undefined()) {
      const int numeric = IsNumeric(right);
      if (numeric < 0) return FailOp("D1001", node, right);
      if (!numeric) return FailOp("T2002", node, right);
    }
    return {};
  }
  const double a = left.number, b = right.number;
  switch (node.op) {
    case Op::kAdd: return a + b;
    case Op::kSubtract: return a - b;
    case Op::kMultiply: return a * b;
    case Op::kDivide: return a / b;
    default: return std::fmod(a, b);
  }
}

Value Evaluator::Compare(const Node& node, const Value& left, const Value& right) {
  const auto is_comparable = [](const Value& value) {
    return value.is_undefined() || value.is_number() || value.is_string();
  };
  if (!is_comparable(left) || !is_comparable(right)) {
    return FailOp("T2010", node, left.is_number() || left.is_string() ? right : left);
  }
  if (left.is_undefined() || right.is_undefined()) return {};
  if (left.tag != right.tag) {
    FailOp("T2009", node, left);
    if (!has_ended_) fault_.value2 = ToText(right);
    return Value::Failed();
  }
  if (left.is_number()) {
    const double a = left.number, b = right.number;
    switch (node.op) {
      case Op::kLess: return Value::Bool(a < b);
      case Op::kLessEqual: return Value::Bool(a <= b);
      case Op::kGreater: return Value::Bool(a > b);
      default: return Value::Bool(a >= b);
    }
  }
  const int order = CompareText(left.str(), right.str());
  switch (node.op) {
    case Op::kLess: return Value::Bool(order < 0);
    case Op::kLessEqual: return Value::Bool(order <= 0);
    case Op::kGreater: return Value::Bool(order > 0);
    default: return Value::Bool(order >= 0);
  }
}

Value Evaluator::Include(const Value& left, const Value& right) {
  if (left.is_undefined() || right.is_undefined()) return Value::Bool(false);
  if (!right.is_array()) return Value::Bool(IsSame(left, right));
  const Items items(right);
  if (!Charge(items.size / 8)) return Value::Failed();
  for (uint32_t i = 0; i < items.size; ++i)
    if (IsSame(items[i], left)) return Value::Bool(true);
  return Value::Bool(false);
}

bool Evaluator::IsEqual(const Value& a, const Value& b) { return IsEqualDeep(a, b, 0); }

bool Evaluator::IsEqualDeep(const Value& a, const Value& b, int depth) {
  if (IsSame(a, b)) return true;
  if (depth > kHeightMax) return false;
  if (a.is_array() && b.is_array()) {
    const Items x(a), y(b);
    if (x.size != y.size || !Charge(x.size / 4)) return false;
    for (uint32_t i = 0; i < x.size; ++i)
      if (!IsEqualDeep(x[i], y[i], depth + 1)) return false;
    return true;
  }
  if (!a.is_object() || !b.is_object()) return false;
  if (SizeOfObject(a) != SizeOfObject(b) || !Charge(1)) return false;
  bool is_equal = true;
  EachMember(a, [&](std::string_view name, const Value& value) {
    const Value other = MemberOf(b, name);
    is_equal = !other.is_undefined() && IsEqualDeep(value, other, depth + 1);
    return is_equal;
  });
  return is_equal;
}

Value Evaluator::Append(const Value& a, const Value& b) {
  if (a.is_undefined()) return b;
  if (b.is_undefined()) return a;
  const uint32_t more = b.is_array() ? Items(b).size : 1;
  List* out;
  if (a.is_list() && a.list->capacity - a.list->size >= more) {
    // The first array's spare room goes to the new one: appending again and
    // again stays cheap.
    out = NewList(heap_);
    out->items = a.list->items;
    out->size = a.list->size;
    out->capacity = a.list->capacity;
    a.list->capacity = a.list->size;
  } else {
    const uint32_t size = (a.is_array() ? Items(a).size : 1) + more;
    out = NewList(heap_, size > 16 ? size_t{size} * 2 : size);
    if (a.is_array()) {
      PushAll(heap_, *out, a);
    } else {
      Push(heap_, *out, a);
    }
  }
  if (b.is_array()) {
    PushAll(heap_, *out, b);
  } else {
    Push(heap_, *out, b);
  }
  return out;
}

Value Evaluator::Range(const Value& from, const Value& to) {
  const auto is_integer = [](const Value& value) {
    return value.is_number() && std::isfinite(value.number) &&
           value.number == std::floor(value.number);
  };
  if (!from.is_undefined() && !is_integer(from)) return Fail("T2003", from);
  if (!to.is_undefined() && !is_integer(to)) return Fail("T2004", to);
  if (from.is_undefined() || to.is_undefined() || from.number > to.number) return {};
  const double size = to.number - from.number + 1;
  const bool is_states = dialect() == Dialect::kStates;
  if (size > (is_states ? kStatesRangeSizeMax : kRangeSizeMax)) return Fail("D2014", Value(size));
  if (!Charge(static_cast<int64_t>(size / 16))) return Value::Failed();
  List* list = NewSequence(heap_, static_cast<size_t>(size));
  if (list->capacity < size) return Charge(0) ? Value(list) : Value::Failed();
  for (double n = from.number; n <= to.number && list->size < list->capacity; n += 1) {
    list->items[list->size++] = Value(n);
  }
  return list;
}

}  // namespace stepmill::jsonata
