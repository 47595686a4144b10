#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/jsonata/fault.h"
#include "lang/jsonata/native.h"
#include "lang/jsonata/program.h"
#include "lang/jsonata/value.h"

namespace stepmill::jsonata {

/// Variables of one scope at run time. Also an item of a tuple stream: `at` is
/// its context then, and the slots what `@`, `#` and `%` remember.
struct Frame {
  Frame* parent = nullptr;
  const Scope* scope = nullptr;
  uint32_t size = 0;
  bool is_captured = false;  ///< a function refers to it: not used again
  Value at;
  Value slots[1];
};

/// A function as a value.
struct Function {
  enum class Sort : uint8_t {
    kLambda,
    kNative,
    kRegex,
    kNextMatch,
    kTransform,
    kChain,
    kPartial,
  };
  Sort sort = Sort::kNative;
  uint32_t arity = 0;
  const Node* node = nullptr;  ///< kLambda, kTransform, kRegex
  Frame* frame = nullptr;      ///< kLambda, kTransform: where it was made
  Value input;                 ///< kLambda: its context; kNextMatch: the text
  const Native* native = nullptr;
  const Regex* regex = nullptr;
  size_t offset = 0;                 ///< kNextMatch: where to look on
  const Function* first = nullptr;   ///< kChain, kPartial
  const Function* second = nullptr;  ///< kChain
  Value* bound = nullptr;            ///< kPartial: kUnbound where an argument is awaited
  uint32_t bound_count = 0;
};

/// One evaluation of one expression. A failure is a Value of kError, with the
/// fault kept here.
class Evaluator {
 public:
  Evaluator(const Program& program, const Environment& environment);

  Result<std::optional<Json>> Run();

  Value Eval(const Node& node, Value input, Frame* frame);
  /// Calls a function with arguments as they are.
  Value Apply(const Function& function, Value* arguments, uint32_t count, const Value& context,
              Frame* frame);

  // Failing. Each gives Value::Failed().
  Value Fail(std::string_view code);
  Value Fail(std::string_view code, const Value& value);
  Value FailAt(std::string_view code, const Node& node);
  Value FailAt(std::string_view code, const Node& node, const Value& value);
  Fault& fault() { return fault_; }
  /// U1001, U1002, D1012: a bound that ends the whole evaluation.
  bool has_ended() const { return has_ended_; }

  /// Counts work that grows with a value. False: a limit is reached (the fault
  /// says which).
  bool Charge(int64_t work) {
    heap_.work_left -= work;
    return heap_.work_left > 0 || LookAtLimits();
  }

  Heap& heap() { return heap_; }
  const Environment& environment() const { return environment_; }
  Dialect dialect() const { return program_->dialect; }
  uint64_t Random();  ///< 64 bits of the environment's chance
  Value RootInput() const { return root_; }

  // What several parts need.
  /// "cast to boolean": 1 true, 0 false, -1 failed.
  int Truth(const Value& value);
  /// A number that is finite: 1; no number: 0; infinite: -1 and D1001.
  int IsNumeric(const Value& value);
  bool IsEqual(const Value& a, const Value& b);
  Value Append(const Value& a, const Value& b);
  Value Lookup(const Value& input, std::string_view name, uint32_t hint);
  Value Member(const Json& object, std::string_view name, uint32_t hint);
  /// As `&` and $string have it; false: failed.
  bool AppendText(const Value& value, std::string& out, bool is_pretty = false);
  Value Text(std::string_view text);  ///< copied to the heap; fails past the bound
  Value Concat(std::string_view a, std::string_view b);
  Value Range(const Value& from, const Value& to);
  Value Clone(const Value& value);
  /// Sorts indexes as the reference's merge sort does (the same comparisons in
  /// the same order); `is_after(a, b)`: 1 swap, 0 not, -1 failed. `scratch`:
  /// room for half of them.
  template <class F>
  bool MergeSort(uint32_t* items, uint32_t count, uint32_t* scratch, F is_after);
  /// The numbers 0 .. count - 1, and behind them as much room again; null when
  /// there is none.
  uint32_t* NewIndexes(uint32_t count);
  Value EvalText(std::string_view text, const Value* focus,
                 Arguments& arguments);  ///< $eval
  Value MatchObject(const Regex& regex, std::string_view text, size_t from);
  Function* NewFunction(Function::Sort sort);
  Json ToJson(const Value& value, int depth = 0);
  std::string ToText(const Value& value);  ///< JSON for messages

 private:
  friend class StepResults;

  // evaluate.cc
  Value EvalDeep(const Node& node, const Value& input, Frame* frame);
  Value EvalKind(const Node& node, const Value& input, Frame* frame);
  Value After(const Node& node, Value value, Frame* frame);
  static Value Normalise(const Node& node, const Value& value);
  Value Variable(const Node& node, Frame* frame);
  Value Free(int32_t index);
  Value EvalArray(const Node& node, const Value& input, Frame* frame);
  Value EvalBlock(const Node& node, const Value& input, Frame* frame);
  Value EvalBind(const Node& node, const Value& input, Frame* frame);
  Value EvalCondition(const Node& node, const Value& input, Frame* frame);
  Value EvalNegate(const Node& node, const Value& input, Frame* frame);
  Value Wildcard(const Value& input);
  Value Descendants(const Value& input);
  void Descend(const Value& input, List& out, int depth);
  void FlattenDeep(const Value& value, List& out, int depth);
  bool LookAtLimits();
  Value End(std::string_view code, std::string message = "");

  // operators.cc
  Value EvalBinary(const Node& node, const Value& input, Frame* frame);
  Value Arithmetic(const Node& node, const Value& left, const Value& right);
  Value Compare(const Node& node, const Value& left, const Value& right);
  Value FailOp(std::string_view code, const Node& node, const Value& value);
  /// The fault that is there happened at this operator.
  Value FailIn(const Node& node);
  Value Include(const Value& left, const Value& right);
  bool IsEqualDeep(const Value& a, const Value& b, int depth);

  // path.cc. Where a function takes a scope, `frame` is an empty frame of that
  // scope, for what is no tuple.
  Value EvalName(const Node& node, const Value& input, bool is_last);
  Value EvalPath(const Node& node, const Value& input, Frame* frame);
  Value EvalSteps(const Node& node, const Value& input, Frame* frame);
  Value EvalStep(const Node& step, const Value& input, bool is_first, bool is_last, Frame* frame);
  Value EvalStepOnce(const Node& step, const Value& item, Frame* frame);
  Value Filter(const Node& predicate, const Value& input, Frame* frame, const Scope* scope);
  bool Selects(const Value& chosen, uint32_t index, uint32_t count, List& out, const Value& item);
  Value KeepSingleton(Value value);
  Value AsSequence(const Value& value);

  // tuple.cc
  Value EvalTuplePath(const Node& node, const Value& input, Frame* frame);
  /// Null: failed.
  List* TupleStep(const Node& step, const Value& input, const List* tuples, Frame* frame);
  List* TupleSort(const Node& step, const Value& input, const List* tuples, Frame* frame);
  List* TupleStages(const Node& step, List* tuples, Frame* frame);
  Frame* TupleFrame(const Scope* scope, Frame* parent, const Value& tuple);
  void CopySlots(const Frame& from, Frame& to);
  static void SetSlot(Frame& frame, std::string_view name, const Value& value);
  Frame* ReduceTuples(const Value& tuples, const Scope* scope, Frame* parent);

  // group.cc, sort.cc, transform.cc
  Value EvalGroup(const Nodes& pairs, uint32_t position, Value input, Frame* frame,
                  const Scope* scope);
  Value EvalSingleObject(const Nodes& pairs, uint32_t position, const Value& input, Frame* frame);
  Value CheckKey(const Value& key, uint32_t position);
  Value EvalSort(const Node& node, const Value& input, Frame* frame, const Scope* scope);
  Value EvalTransform(const Node& node, Frame* frame);
  Value ApplyTransform(const Function& function, const Value& argument);
  bool TransformMatch(const Function& function, const Value& match);

  // call.cc
  Value EvalCall(const Node& node, const Value& input, Frame* frame, const Value* first);
  Value EvalApply(const Node& node, const Value& input, Frame* frame);
  Value EvalPartial(const Node& node, const Value& input, Frame* frame);
  Value EvalLambda(const Node& node, const Value& input, Frame* frame);
  Value ApplyOnce(const Function& function, Value* arguments, uint32_t count, const Value& context,
                  Frame* frame);
  Value ApplyLambda(const Function& function, Value* arguments, uint32_t count,
                    const Value& context);
  Value ApplyPartial(const Function& function, Value* arguments, uint32_t count,
                     const Value& context, Frame* frame);
  bool FitArguments(const Signature& signature, Value*& arguments, uint32_t& count,
                    const Value& context);
  Frame* NewFrame(const Scope* scope, Frame* parent);
  void Release(Frame* frame);
  void ReleaseUpTo(Frame* frame, const Frame* end);
  static void Capture(Frame* frame);
  uint32_t PositionOf(uint32_t offset) const;

  static constexpr uint32_t kFrameSizes = 9;

  const Program* program_;
  const Environment& environment_;
  Heap heap_;
  Value root_;
  Value* free_ = nullptr;  ///< values of the free names; kUnbound: not asked for yet
  uint32_t free_count_ = 0;
  const Native** natives_ = nullptr;
  std::string_view* names_ = nullptr;
  uint32_t* hints_ = nullptr;
  uint32_t hint_count_ = 0;
  Frame* recycled_[kFrameSizes] = {};
  int depth_ = 0;
  int depth_max_;
  int eval_nesting_ = 0;
  bool has_ended_ = false;
  int64_t steps_ = 0;
  int64_t work_given_ = 0;  ///< at the last look at the limits
  uint64_t chance_;
  const char* stack_begin_;
  struct {
    const Node* node;
    Value input;
    Frame* frame;
  } tail_ = {};
  struct {
    char* begin;
    size_t used;
    size_t capacity;
  } growing_ = {};  ///< the text that `&` made last: grows in place
  Fault fault_;
  std::vector<std::shared_ptr<const Program>> evals_;
};

template <class F>
bool Evaluator::MergeSort(uint32_t* items, uint32_t count, uint32_t* scratch, F is_after) {
  if (count <= 1) return true;
  const uint32_t middle = count / 2;
  if (!MergeSort(items, middle, scratch, is_after)) return false;
  if (!MergeSort(items + middle, count - middle, scratch, is_after)) return false;
  for (uint32_t i = 0; i < middle; ++i) scratch[i] = items[i];
  uint32_t left = 0, right = middle, out = 0;
  while (left < middle && right < count) {
    const int swaps = is_after(scratch[left], items[right]);
    if (swaps < 0) return false;
    items[out++] = swaps ? items[right++] : scratch[left++];
  }
  while (left < middle) items[out++] = scratch[left++];
  return true;
}

}  // namespace stepmill::jsonata
