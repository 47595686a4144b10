#include <algorithm>

#include "lang/jsonata/native.h"
#include "lang/jsonata/program.h"

namespace stepmill::jsonata {
namespace {

/// Two walks over the tree: the first finds what each scope binds, the second
/// where each variable is found then.
class Resolver {
 public:
  explicit Resolver(Program& program) : program_(program), heap_(program.heap) {}

  void Run(Scope* outer) {
    Scope* scope = heap_.New<Scope>();
    Declare(program_.root, scope);
    if (scope->size) {
      scope->parent = outer;
      program_.scope = scope;
    }
    Place(program_.root, scope->size ? scope : outer, true);
  }

 private:
  std::string_view LabelOf(const Ancestor& ancestor) {
    return heap_.Copy("!" + std::to_string(ancestor.label));
  }

  static bool HasTuples(const Node& path) {
    return std::any_of(path.items.begin(), path.items.end(),
                       [](const Node* step) { return step->is_tuple; });
  }

  /// Calls `f` for each direct child that is evaluated, but for those of a
  /// path's tuple part.
  template <class F>
  void EachChild(Node* node, F f) {
    for (Node* child : {node->left, node->right, node->third})
      if (child) f(child);
    if (node->kind == Kind::kLambda) return;
    for (Node* item : node->items) f(item);
  }

  /// All names that tuples of this tree may carry.
  void Symbols(Node* node, Scope* scope) {
    if (!node->focus.empty()) scope->Add(heap_, node->focus);
    if (!node->index.empty()) scope->Add(heap_, node->index);
    if (node->ancestor && node->kind != Kind::kParent) scope->Add(heap_, LabelOf(*node->ancestor));
    EachChild(node, [&](Node* child) { Symbols(child, scope); });
    for (Node* stage : node->stages) Symbols(stage, scope);
    for (Node* stage : node->predicates) Symbols(stage, scope);
  }

  void DeclareAfter(Node* node, Scope* scope) {
    for (Node* stage : node->predicates) Declare(stage, scope);
    if (node->group)
      for (Node* item : node->group->pairs) Declare(item, scope);
  }

  void Declare(Node* node, Scope* scope) {
    switch (node->kind) {
      case Kind::kBind:
        scope->Add(heap_, node->left->text);
        Declare(node->right, scope);
        break;
      case Kind::kBlock:
        node->scope = heap_.New<Scope>();
        for (Node* item : node->items) Declare(item, node->scope);
        if (!node->scope->size) node->scope = nullptr;
        break;
      case Kind::kLambda:
        node->scope = heap_.New<Scope>();
        for (Node* parameter : node->items)
          parameter->hint = node->scope->Add(heap_, parameter->text);
        Declare(node->left, node->scope);
        if (!node->scope->size) node->scope = nullptr;
        break;
      case Kind::kPath: DeclarePath(node, scope); return;
      default:
        EachChild(node, [&](Node* child) { Declare(child, scope); });
        for (Node* stage : node->stages) Declare(stage, scope);
    }
    if (node->kind != Kind::kPath && node->kind != Kind::kBlock) {
      DeclareAfter(node, scope);
      return;
    }
    if (node->is_tuple && (node->predicates.size || node->group)) {
      node->tuple_scope = heap_.New<Scope>();
      Symbols(node, node->tuple_scope);
      scope = node->tuple_scope;
    }
    DeclareAfter(node, scope);
  }

  void DeclarePath(Node* path, Scope* scope) {
    if (HasTuples(*path)) {
      path->tuple_scope = heap_.New<Scope>();
      Symbols(path, path->tuple_scope);
    }
    bool is_tuple_stream = false;
    for (Node* step : path->items) {
      is_tuple_stream = is_tuple_stream || step->is_tuple;
      Scope* inner = is_tuple_stream ? path->tuple_scope : scope;
      Declare(step, inner);
      for (Node* stage : step->stages)
        if (step->kind == Kind::kBlock || step->kind == Kind::kLambda) Declare(stage, inner);
    }
    DeclareAfter(path, is_tuple_stream ? path->tuple_scope : scope);
  }

  // The second walk. `is_outer`: the context is still the input of the whole
  // expression.

  void PlaceAfter(Node* node, Scope* scope) {
    for (Node* stage : node->predicates) Place(stage, scope, false);
    if (node->group)
      for (Node* item : node->group->pairs) Place(item, scope, false);
  }

  void Place(Node* node, Scope* scope, bool is_outer) {
    node->has_after = node->kind != Kind::kPath && (node->predicates.size || node->group);
    switch (node->kind) {
      case Kind::kVariable: PlaceVariable(node, scope, is_outer); break;
      case Kind::kParent: FindName(node, LabelOf(*node->ancestor), scope, false); break;
      case Kind::kWildcard:
      case Kind::kDescendant:
        if (is_outer) NoteContext(node->kind == Kind::kWildcard ? "*" : "**");
        break;
      case Kind::kBind: {
        auto* place = heap_.New<jsonata::Place>();
        *place = {0, static_cast<uint16_t>(scope->Find(node->left->text))};
        node->places = place;
        node->place_count = 1;
        Place(node->right, scope, is_outer);
        break;
      }
      case Kind::kBlock: {
        Scope* inner = Enter(node->scope, scope);
        for (Node* item : node->items) Place(item, inner, is_outer);
        break;
      }
      case Kind::kLambda: Place(node->left, Enter(node->scope, scope), false); break;
      case Kind::kTransform: {
        Node* clone = heap_.New<Node>();
        clone->kind = Kind::kVariable;
        clone->text = "clone";
        EachChild(node, [&](Node* child) { Place(child, scope, false); });
        node->items.Push(heap_, clone);
        Place(clone, scope, false);
        break;
      }
      case Kind::kPath: PlacePath(node, scope, is_outer); return;
      case Kind::kName: node->hint = program_.hint_base + program_.hint_count++; break;
      case Kind::kSort:
      case Kind::kFilter:
      case Kind::kIndex: is_outer = false; [[fallthrough]];
      default: EachChild(node, [&](Node* child) { Place(child, scope, is_outer); });
    }
    PlaceAfter(node, node->tuple_scope ? Enter(node->tuple_scope, scope) : scope);
  }

  static Scope* Enter(Scope* scope, Scope* parent) {
    if (!scope) return parent;
    scope->parent = parent;
    return scope;
  }

  void PlacePath(Node* path, Scope* scope, bool is_outer) {
    NoteUse(*path);
    Enter(path->tuple_scope, scope);
    bool is_tuple_stream = false;
    for (uint32_t i = 0; i < path->items.size; ++i) {
      Node* step = path->items[i];
      is_tuple_stream = is_tuple_stream || step->is_tuple;
      Scope* inner = is_tuple_stream ? path->tuple_scope : scope;
      if (i == 0 && is_outer && step->kind == Kind::kName) NoteContext(step->text);
      Place(step, inner, is_outer && i == 0);
      for (Node* stage : step->stages) Place(stage, inner, false);
    }
    PlaceAfter(path, is_tuple_stream ? path->tuple_scope : scope);
    Node* first = path->items[0];
    const bool is_field = path->items.size == 1 && first->kind == Kind::kName &&
                          !first->stages.size && !first->is_tuple && !first->keeps_array &&
                          !path->keeps_array && !path->keeps_singleton_array && !path->group;
    if (is_field) {
      path->kind = Kind::kField;
      path->text = first->text;
      path->hint = first->hint;
      path->position = first->position;
    }
  }

  void PlaceVariable(Node* node, Scope* scope, bool is_outer) {
    if (node->text.empty() || node->text == "$") {
      node->kind = node->text.empty() ? Kind::kContext : Kind::kRoot;
      if (is_outer) NoteContext(node->text.empty() ? "$" : "$$");
      return;
    }
    FindName(node, node->text, scope, true);
    if (!node->place_count && !node->native) Note(node->text, node == path_begin_ ? member_ : "");
  }

  void FindName(Node* node, std::string_view name, Scope* scope, bool is_variable) {
    jsonata::Place found[16];
    uint16_t count = 0, hops = 0;
    for (; scope && count < 16; scope = scope->parent, ++hops) {
      const int at = scope->Find(name);
      if (at >= 0) found[count++] = {hops, static_cast<uint16_t>(at)};
    }
    if (count) {
      auto* places = static_cast<jsonata::Place*>(heap_.Take(count * sizeof(found[0])));
      std::copy(found, found + count, places);
      node->places = places;
      node->place_count = count;
    }
    if (!is_variable) return;
    auto& names = program_.free_names;
    const auto at = std::find(names.begin(), names.end(), name);
    node->free_index = static_cast<int32_t>(program_.free_base + (at - names.begin()));
    if (at == names.end()) {
      names.push_back(name);
      program_.free_natives.push_back(FindNative(name, program_.dialect));
    }
    node->native = program_.free_natives[node->free_index - program_.free_base];
  }

  void Note(std::string_view variable, std::string_view member) {
    for (const Program::Use& use : program_.uses)
      if (use.variable == variable && use.member == member) return;
    program_.uses.push_back({variable, member});
    auto& names = program_.free_variables;
    if (std::find(names.begin(), names.end(), variable) == names.end())
      names.emplace_back(variable);
  }

  /// `$states.result.x` uses the member "result" of "states".
  void NoteUse(const Node& path) {
    const Node* first = path.items[0];
    path_begin_ = first;
    member_ = {};
    if (first->kind != Kind::kVariable || first->predicates.size || first->stages.size) return;
    if (path.items.size > 1 && path.items[1]->kind == Kind::kName) member_ = path.items[1]->text;
  }

  void NoteContext(std::string_view name) {
    if (program_.context_reference.empty()) program_.context_reference = name;
  }

  Program& program_;
  Heap& heap_;
  const Node* path_begin_ = nullptr;  // of the path that was entered last
  std::string_view member_;           // its second step's name
};

}  // namespace

void Resolve(Program& program, Scope* outer) { Resolver(program).Run(outer); }

}  // namespace stepmill::jsonata
