#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "lang/asl/definition.h"
#include "lang/asl/distributed.h"
#include "lang/asl/limits.h"

// Inside this folder only: how a definition is read and checked. One unit per concern: compile.cc
// the text and the machine, compile_graph.cc transitions, compile_state.cc what states have in
// common, compile_fields.cc kinds of fields, compile_errors.cc Retry and Catch, and the kinds of
// states in compile_task.cc, compile_plain.cc, compile_choice.cc, compile_fan_out.cc and
// compile_distributed.cc.

namespace stepmill::asl {

inline constexpr std::string_view kSchema = "SCHEMA_VALIDATION_FAILED";
inline constexpr std::string_view kMissingTarget = "MISSING_TRANSITION_TARGET";

/// A place of the definition: as AWS writes it, and as a JSON pointer.
struct Where {
  std::string aws;
  std::string pointer;
  Where Member(std::string_view name) const {
    return {aws + "/" + std::string(name), PointerAppend(pointer, name)};
  }
  Where Item(size_t index) const {
    const std::string number = std::to_string(index);
    return {aws + "[" + number + "]", pointer + "/" + number};
  }
};

/// Fields that only one of the query languages has.
inline constexpr std::string_view kJsonataOnly = " Arguments Output Items Condition ";
inline constexpr std::string_view kJsonPathOnly =
    " InputPath OutputPath ResultPath Parameters ResultSelector Result ItemsPath "
    "TimeoutSecondsPath "
    "HeartbeatSecondsPath SecondsPath TimestampPath MaxConcurrencyPath "
    "ToleratedFailurePercentagePath ToleratedFailureCountPath MaxItemsPath MaxItemsPerBatchPath "
    "MaxInputBytesPerBatchPath ErrorPath CausePath Variable And Or "
    "Not ";

/// True when `words` (" A B C ") has `word`.
inline bool Lists(std::string_view words, std::string_view word) {
  return words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

/// Reads one definition. What is wrong is collected as findings; what is read goes on as far as it
/// makes sense, so that one pass tells everything.
class Compiler {
 public:
  explicit Compiler(const CompileOptions& options)
      : options_(options), is_express_(options.is_express) {}

  Compiled Run(const Json& source, Positions positions);
  Compiled Run(std::string_view text);

 private:
  // compile.cc
  Compiled Finish();
  void Add(std::string_view code, std::string message, const Where& where);
  void Schema(std::string message, const Where& where) { Add(kSchema, std::move(message), where); }
  void ReadText(std::string_view text);
  void BadJson(std::string_view text);
  void ReadDefinition(const Json& json);
  void Warn(std::string_view code, std::string message, const Where& where, bool is_own = false);
  void CheckLanguageValue(const Json& json, const Where& at);
  void ReadMachine(const Json& json, const Where& here, StateMachine& machine, int depth);
  void CheckName(const std::string& name, const Where& at);
  void CollectAssigned(const Json& states);

  // compile_graph.cc: targets, the end and reachability, per machine.
  void CheckTransitions(const Json& json, const Where& here, StateMachine& machine);

  // compile_state.cc
  void ReadState(const Json& json, const Where& at, State& state, int depth);
  void ReadBody(const Json& json, const Where& at, State& state, int depth);
  void CheckNext(const Json& json, const Where& at);
  void ReadDataFlow(const Json& json, const Where& at, State& state);
  std::optional<Template> ReadAssign(const Json& json, const Where& at, const QueryOffers& offers);
  void CheckVariableName(std::string_view name, const Where& at);
  ResultPlace ReadResultPath(const Json& json, const Where& at);
  void ReadNested(const Json& json, const Where& at, std::string_view fields, State& state,
                  int depth);

  // compile_fields.cc
  /// AWS names the type that it wants in brackets: "STRING", "OBJECT", "ARRAY", "BOOLEAN".
  void WrongType(std::string_view wanted, const Where& at);
  void OneOf(std::string_view values, const Where& at);
  void OnlyOne(std::initializer_list<std::string_view> names, const Where& at);
  void MustHaveOne(std::initializer_list<std::string_view> names, const Where& at);
  /// Members that the object does not have, or that only the other query language has.
  void CheckFields(const Json& json, std::string_view fields, const Where& at);
  void CheckLanguage(const std::string& field, const Where& at);
  std::optional<PathField> ReadPathField(const Json& json, const char* field, const Where& at);
  std::optional<Expression> ReadPath(const Json& value, const Where& at, bool must_be_reference);
  /// Of the state's own query language.
  std::optional<Template> ReadTemplate(const Json& json, const char* field, const Where& at,
                                       const QueryOffers& offers = {});
  void WarnOfPaths(const Json& source, const Where& at, int depth);
  void OptionalText(const Json& json, const char* field, const Where& at);
  std::optional<int64_t> Integer(const Json& value, int64_t min, int64_t max, const Where& at);
  std::optional<double> Number(const Json& value, double min, double max, const Where& at,
                               bool is_float = false);
  /// `name`, and JSONPath's `name`Path or a JSONata expression.
  NumberField ReadNumber(const Json& json, const std::string& name, double min, double max,
                         const Where& at, bool is_float = false);

  // compile_errors.cc
  std::vector<std::string> ReadErrorEquals(const Json& json, const Where& at, bool is_last);
  void ReadRetriers(const Json& list, const Where& at, State& state);
  void ReadCatchers(const Json& list, const Where& at, State& state);

  // compile_task.cc
  void ReadTask(const Json& json, const Where& at, State& state);
  void ReadResource(const std::string& arn, const Where& at, State& state);
  void CheckParameters(const Json& json, const Where& at, const State& state);

  // compile_plain.cc
  void ReadWait(const Json& json, const Where& at, State& state);
  void ReadFail(const Json& json, const Where& at, State& state);

  // compile_choice.cc
  void ReadChoice(const Json& json, const Where& at, State& state);
  ChoiceRule ReadQueryRule(const Json& json, const Where& at);
  ChoiceTest ReadTest(const Json& json, const Where& at, bool is_top, int depth);
  std::optional<Expression> ReadRulePath(const Json& value, const Where& at);
  void ReadComparison(const Json& json, const std::string& name, const Where& at, ChoiceTest& test);

  // compile_fan_out.cc
  void ReadParallel(const Json& json, const Where& at, State& state, int depth);
  void ReadMap(const Json& json, const Where& at, State& state, int depth);
  void ReadItems(const Json& json, const Where& at, State& state);

  // compile_distributed.cc: a Map of mode DISTRIBUTED, with the fields that only it has.
  void ReadDistributedMap(const Json& json, const Json& processor, const Where& at,
                          const Where& there, State& state);
  void ReadItemReader(const Json& json, const Where& at, DistributedMap& out);
  void ReadReaderConfig(const Json& json, const Where& at, DistributedMap::Reader& reader);
  /// What the state's query language calls parameters.
  const char* Arguments() const { return is_query_ ? "Arguments" : "Parameters"; }
  void ReadItemBatcher(const Json& json, const Where& at, DistributedMap& out);
  void ReadResultWriter(const Json& json, const Where& at, DistributedMap& out);
  std::string ReadChoiceOf(const Json& json, const char* field,
                           std::initializer_list<std::string_view> values, const Where& at);
  std::string ReadS3Action(const Json& json, std::initializer_list<std::string_view> actions,
                           const Where& at);

  // warnings.cc: what AWS does not warn of.
  void OwnWarnings(const Json& json, const Where& here, const StateMachine& machine);
  void WarnOfCatchers(const State& state, const Where& at);
  void WarnOfJobNames(const Json& json, const State& state, const Where& at);
  void WarnOfContextPath(const std::string& text, const Where& at);
  void WarnOfContextPaths(const Json& json, const Where& at, int depth);

  const CompileOptions& options_;
  bool is_express_;  // of the machine at hand: a Distributed Map may have Express children
  std::optional<Json> source_;
  Positions positions_;
  std::vector<Finding> findings_;
  std::shared_ptr<Definition> definition_;  // becomes const and shared when it is complete
  std::set<std::string> names_;
  bool is_query_ = false;  // the state at hand is a JSONata state
  // Its language is refused: no word then about the other language's fields.
  bool is_downgraded_ = false;
  std::vector<std::set<std::string>> assigned_;  // variables by scope, from outside in
};

}  // namespace stepmill::asl
