#include "lang/jsonata/analyse.h"

#include "lang/jsonata/parser.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

/// A call in tail position is left to the caller of the lambda, so that such
/// recursion does not grow the stack.
void MarkTailCalls(Node& node) {
  if (node.predicates.size || node.group) return;
  if (node.kind == Kind::kCall) {
    node.is_tail = true;
  } else if (node.kind == Kind::kCondition) {
    MarkTailCalls(*node.right);
    if (node.third) MarkTailCalls(*node.third);
  } else if (node.kind == Kind::kBlock && node.items.size) {
    MarkTailCalls(*node.items.back());
  }
}

}  // namespace

Node* Analysis::Fail(std::string_view code, const Node& node, std::string token,
                     std::string value) {
  fault_ = {code, node.position, std::move(token), std::move(value), ""};
  return nullptr;
}

Node* Analysis::Run(Node* root) {
  Node* node = Process(root);
  if (!node) return nullptr;
  if (node->kind == Kind::kParent || node->seeking.size) {
    const bool is_placeless = node->kind == Kind::kParent || node->kind == Kind::kPath;
    Fail("S0217", *node, Quote(TypeName(*node)));
    if (is_placeless) fault_.position = kNoPosition;
    return nullptr;
  }
  return node;
}

Node* Analysis::Process(Node* node) {
  const bool keeps_array = node->keeps_array;
  Node* out = ProcessKind(node);
  if (out && keeps_array) out->keeps_array = true;
  return out;
}

Node* Analysis::ProcessKind(Node* node) {
  switch (node->kind) {
    case Kind::kBinary: return ProcessBinary(node);
    case Kind::kNegate: return Negate(node);
    case Kind::kBlock: return Block(node);
    case Kind::kLambda: return Lambda(node);
    case Kind::kArray:
    case Kind::kObject:
    case Kind::kCall:
    case Kind::kPartial:
    case Kind::kCondition:
    case Kind::kTransform: return Children(node);
    case Kind::kWord: node->kind = Kind::kName; [[fallthrough]];
    case Kind::kName: {
      Node* path = PathOf(node);
      path->keeps_singleton_array = node->keeps_array;
      return path;
    }
    case Kind::kParent:
      node->ancestor = heap_.New<Ancestor>();
      node->ancestor->label = labels_++;
      return node;
    case Kind::kEnd: return Fail("S0207", *node, "\"(end)\"");
    default: return node;  // what stands for itself
  }
}

Node* Analysis::Children(Node* node) {
  // Arguments before the procedure, and the clauses of a transform and a
  // procedure hand nothing on: as the reference.
  const bool is_call = node->kind == Kind::kCall || node->kind == Kind::kPartial;
  const bool is_closed = is_call || node->kind == Kind::kTransform;
  for (uint32_t i = 0; i < node->items.size; ++i) {
    Node* item = Process(node->items[i]);
    if (!item) return nullptr;
    node->items.data[i] = item;
    HandOn(node, item);
  }
  for (Node** child : {&node->left, &node->right, &node->third}) {
    if (!*child) continue;
    *child = Process(*child);
    if (!*child) return nullptr;
    if (!is_closed) HandOn(node, *child);
  }
  return node;
}

Node* Analysis::ProcessBinary(Node* node) {
  switch (node->op) {
    case Op::kDot: return Dot(node);
    case Op::kBracket: return Bracket(node);
    case Op::kBrace: return Brace(node);
    case Op::kCaret: return Caret(node);
    case Op::kAt: return At(node);
    case Op::kHash: return Hash(node);
    case Op::kChain: return Chain(node);
    case Op::kAssign:
      node->kind = Kind::kBind;
      node->right = Process(node->right);
      if (!node->right) return nullptr;
      HandOn(node, node->right);
      return node;
    default: return Children(node);
  }
}

Node* Analysis::PathOf(Node* step) {
  Node* path = heap_.New<Node>();
  path->kind = Kind::kPath;
  path->position = step->position;
  path->items.Push(heap_, step);
  return path;
}

bool Analysis::MarkPath(Node* path) {
  for (Node* step : path->items) {
    if (step->kind == Kind::kNumber || step->kind == Kind::kLiteral) {
      // Steps cannot be numbers, true, false, null.
      std::string value = "null";
      if (step->value.is_bool()) value = step->value.boolean ? "true" : "false";
      if (step->value.is_number()) value = NumberToText(step->value.number);
      Fail("S0213", *step, "", value);
      return false;
    }
    if (step->kind == Kind::kString) step->kind = Kind::kName;
    if (step->keeps_array) path->keeps_singleton_array = true;
  }
  Node* first = path->items[0];
  Node* last = path->items.back();
  if (first->kind == Kind::kArray) first->is_constructed_array = true;
  if (last->kind == Kind::kArray) last->is_constructed_array = true;
  return true;
}

Node* Analysis::Dot(Node* node) {
  Node* first = Process(node->left);
  if (!first) return nullptr;
  Node* path = first->kind == Kind::kPath ? first : PathOf(first);
  if (first->kind == Kind::kParent) {
    path->seeking = Ancestors();
    path->seeking.Push(heap_, first->ancestor);
  }
  Node* rest = Process(node->right);
  if (!rest) return nullptr;
  if (rest->kind == Kind::kPath) {
    for (Node* step : rest->items) path->items.Push(heap_, step);
  } else {
    if (rest->predicates.size) {
      rest->stages = rest->predicates;
      rest->predicates = Nodes();
    }
    path->items.Push(heap_, rest);
  }
  return MarkPath(path) && ResolveAncestry(path) ? path : nullptr;
}

Node* Analysis::Bracket(Node* node) {
  Node* out = Process(node->left);
  if (!out) return nullptr;
  Node* step = out->kind == Kind::kPath ? out->items.back() : out;
  if (step->group) return Fail("S0209", *node);
  Node* predicate = Process(node->right);
  if (!predicate) return nullptr;
  for (uint32_t i = 0; i < predicate->seeking.size; ++i) {
    Ancestor& slot = *predicate->seeking.data[i];
    if (slot.level != 1) {
      --slot.level;
    } else if (!Seek(step, slot)) {
      return nullptr;
    }
  }
  if (predicate->seeking.size) HandOn(step, predicate);
  node->kind = Kind::kFilter;
  node->op = Op::kNone;
  node->left = predicate;
  node->right = nullptr;
  (out->kind == Kind::kPath ? step->stages : step->predicates).Push(heap_, node);
  return out;
}

Node* Analysis::Brace(Node* node) {
  Node* out = Process(node->left);
  if (!out) return nullptr;
  if (out->group) return Fail("S0210", *node);
  Group* group = heap_.New<Group>();
  group->position = node->position;
  for (Node* item : node->items) {
    Node* done = Process(item);
    if (!done) return nullptr;
    group->pairs.Push(heap_, done);
  }
  out->group = group;
  return out;
}

Node* Analysis::Caret(Node* node) {
  Node* out = Process(node->left);
  if (!out) return nullptr;
  if (out->kind != Kind::kPath) out = PathOf(out);
  Node* sort = heap_.New<Node>();
  sort->kind = Kind::kSort;
  sort->position = node->position;
  for (Node* term : node->items) {
    term->left = Process(term->left);
    if (!term->left) return nullptr;
    HandOn(sort, term->left);
    sort->items.Push(heap_, term);
  }
  out->items.Push(heap_, sort);
  return ResolveAncestry(out) ? out : nullptr;
}

Node* Analysis::At(Node* node) {
  Node* out = Process(node->left);
  if (!out) return nullptr;
  Node* step = out->kind == Kind::kPath ? out->items.back() : out;
  if (step->stages.size || step->predicates.size) return Fail("S0215", *node);
  if (step->kind == Kind::kSort) return Fail("S0216", *node);
  if (node->keeps_array) step->keeps_array = true;
  step->focus = node->right->text;
  step->is_tuple = true;
  return out;
}

Node* Analysis::Hash(Node* node) {
  Node* out = Process(node->left);
  if (!out) return nullptr;
  Node* step = out;
  if (out->kind == Kind::kPath) {
    step = out->items.back();
  } else {
    out = PathOf(out);
    step->stages = step->predicates;
    step->predicates = Nodes();
  }
  if (step->stages.size) {
    Node* stage = heap_.New<Node>();
    stage->kind = Kind::kIndex;
    stage->index = node->right->text;
    stage->position = node->position;
    step->stages.Push(heap_, stage);
  } else {
    step->index = node->right->text;
  }
  step->is_tuple = true;
  return out;
}

Node* Analysis::Chain(Node* node) {
  node->kind = Kind::kApply;
  node->left = Process(node->left);
  if (!node->left) return nullptr;
  node->right = Process(node->right);
  if (!node->right) return nullptr;
  node->keeps_array = node->left->keeps_array || node->right->keeps_array;
  return node;
}

Node* Analysis::Negate(Node* node) {
  node->left = Process(node->left);
  if (!node->left) return nullptr;
  if (node->left->kind == Kind::kNumber) {
    node->left->value.number = -node->left->value.number;
    return node->left;
  }
  HandOn(node, node->left);
  return node;
}

Node* Analysis::Block(Node* node) {
  if (!Children(node)) return nullptr;
  for (const Node* part : node->items) {
    if (part->is_constructed_array ||
        (part->kind == Kind::kPath && part->items[0]->is_constructed_array)) {
      node->is_constructed_array = true;
    }
  }
  return node;
}

Node* Analysis::Lambda(Node* node) {
  node->left = Process(node->left);
  if (!node->left) return nullptr;
  MarkTailCalls(*node->left);
  return node;
}

bool Analysis::Seek(Node* node, Ancestor& slot) {
  switch (node->kind) {
    case Kind::kName:
    case Kind::kWildcard:
      if (--slot.level == 0) {
        // A step that is already remembered keeps its label.
        if (node->ancestor) slot.label = node->ancestor->label;
        node->ancestor = &slot;
        node->is_tuple = true;
      }
      return true;
    case Kind::kParent: ++slot.level; return true;
    case Kind::kBlock:
      if (!node->items.size) return true;
      node->is_tuple = true;
      return Seek(node->items.back(), slot);
    case Kind::kPath: {
      node->is_tuple = true;
      uint32_t left = node->items.size;
      do {
        if (!Seek(node->items[--left], slot)) return false;
      } while (slot.level > 0 && left > 0);
      return true;
    }
    default: Fail("S0217", *node, Quote(TypeName(*node))); return false;
  }
}

void Analysis::HandOn(Node* to, Node* from) {
  for (uint32_t i = 0; i < from->seeking.size; ++i) {
    to->seeking.Push(heap_, from->seeking.data[i]);
  }
  if (from->kind == Kind::kParent) to->seeking.Push(heap_, from->ancestor);
}

bool Analysis::ResolveAncestry(Node* path) {
  Node* last = path->items.back();
  Ancestors slots;
  for (uint32_t i = 0; i < last->seeking.size; ++i) slots.Push(heap_, last->seeking.data[i]);
  if (last->kind == Kind::kParent) slots.Push(heap_, last->ancestor);
  for (uint32_t i = 0; i < slots.size; ++i) {
    Ancestor& slot = *slots.data[i];
    int at = static_cast<int>(path->items.size) - 2;
    while (slot.level > 0) {
      if (at < 0) {
        path->seeking.Push(heap_, &slot);
        break;
      }
      Node* step = path->items[at--];
      // Steps that bind their context one behind the other count once.
      while (at >= 0 && !step->focus.empty() && !path->items[at]->focus.empty()) {
        step = path->items[at--];
      }
      if (!Seek(step, slot)) return false;
    }
  }
  return true;
}

}  // namespace stepmill::jsonata
