#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/parser.h"

namespace stepmill::jsonata {

/// $eval: the text is compiled where it stands, so that it sees the same
/// variables.
Value Evaluator::EvalText(std::string_view text, const Value* focus, Arguments& arguments) {
  if (++eval_nesting_ > static_cast<int>(kEvalNestingMax)) return End("U1001");
  Value input = arguments.context;
  if (focus) {
    input = *focus;
    if (input.is_array() && !(input.is_list() && input.list->is_sequence)) {
      List* wrapper = NewSequence(heap_, 1);
      Push(heap_, *wrapper, input);
      wrapper->is_outer_wrapper = true;
      input = Value(wrapper);
    }
  }
  // The scopes of the frames, as the compiler links them.
  Scope* scopes = nullptr;
  Scope** end = &scopes;
  for (const Frame* frame = arguments.frame; frame; frame = frame->parent) {
    Scope* scope = heap_.New<Scope>();
    *scope = *frame->scope;
    scope->parent = nullptr;
    *end = scope;
    end = &scope->parent;
  }
  auto compiled = CompileProgram(text, program_->dialect, scopes, free_count_, hint_count_);
  if (!compiled) {
    Fail("D3120");
    if (!has_ended_) fault_.value = Quote(compiled.error().message);
    return Value::Failed();
  }
  const Program& program = **compiled;
  evals_.push_back(*compiled);
  if (!Charge(static_cast<int64_t>(text.size() / 4 + 64))) return Value::Failed();
  const auto free_more = static_cast<uint32_t>(program.free_names.size());
  auto* values = static_cast<Value*>(heap_.Take((free_count_ + free_more) * sizeof(Value)));
  auto* names = static_cast<std::string_view*>(
      heap_.Take((free_count_ + free_more) * sizeof(std::string_view)));
  auto** natives =
      static_cast<const Native**>(heap_.Take((free_count_ + free_more) * sizeof(void*)));
  for (uint32_t i = 0; i < free_count_ + free_more; ++i) {
    const bool is_old = i < free_count_;
    values[i] = is_old ? free_[i] : Value::Of(Tag::kUnbound);
    names[i] = is_old ? names_[i] : program.free_names[i - free_count_];
    natives[i] = is_old ? natives_[i] : program.free_natives[i - free_count_];
  }
  free_ = values;
  names_ = names;
  natives_ = natives;
  free_count_ += free_more;
  auto* hints =
      static_cast<uint32_t*>(heap_.Take((hint_count_ + program.hint_count + 1) * sizeof(uint32_t)));
  for (uint32_t i = 0; i < hint_count_ + program.hint_count; ++i)
    hints[i] = i < hint_count_ ? hints_[i] : 0;
  hints_ = hints;
  hint_count_ += program.hint_count;
  Frame* frame = program.scope ? NewFrame(program.scope, arguments.frame) : arguments.frame;
  const Value value = Eval(*program.root, input, frame);
  --eval_nesting_;
  if (!value.is_error() || has_ended_) return value;
  const std::string message = MessageOf(fault_);
  Fail("D3121");
  fault_.value = Quote(message);
  return Value::Failed();
}

}  // namespace stepmill::jsonata
