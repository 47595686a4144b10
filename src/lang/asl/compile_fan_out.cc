#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadParallel(const Json& json, const Where& at, State& state, int depth) {
  const Json* list = json.Find("Branches");
  if (!list) return Schema("These fields are required: [Branches]", at);
  const Where there = at.Member("Branches");
  if (!list->is_array()) return Schema("Expected value of type Array", there);
  if (list->size() == 0) return Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i)
    ReadNested(list->At(i), there.Item(i), " StartAt States Comment ", state, depth);
}

void Compiler::ReadMap(const Json& json, const Where& at, State& state, int depth) {
  const char* field = json.Has("ItemProcessor") ? "ItemProcessor" : "Iterator";
  if (json.Has("ItemProcessor") && json.Has("Iterator")) OnlyOne({"ItemProcessor", "Iterator"}, at);
  const Json* processor = json.Find(field);
  if (!processor) return Schema("These fields are required: [ItemProcessor]", at);
  const Where there = at.Member(field);
  const Json& config = (*processor)["ProcessorConfig"];
  if (config["Mode"] == Json("DISTRIBUTED")) return ReadDistributedMap(json, at, state, depth);
  if (config.Has("Mode") && config["Mode"] != Json("INLINE"))
    Schema("The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
           there.Member("ProcessorConfig").Member("Mode"));
  for (const char* distributed : {"ItemReader", "ItemBatcher", "ResultWriter", "Label"})
    if (json.Has(distributed))
      Schema("Field '" + std::string(distributed) + "' is only supported in DISTRIBUTED mode", at);
  if (const Json* path = json.Find("ItemsPath"))
    state.items_path = ReadPath(*path, at.Member("ItemsPath"), false);
  if (state.items_path && !state.items_path->path().is_reference())
    Schema("Value is not a Reference Path", at.Member("ItemsPath"));
  state.concurrency_max = ReadNumber(json, "MaxConcurrency", 0, 1e9, at);
  state.tolerated_failure_count = ReadNumber(json, "ToleratedFailureCount", 0, 1e9, at);
  state.tolerated_failure_percentage =
      ReadNumber(json, "ToleratedFailurePercentage", 0, 100, at, true);
  ReadNested(*processor, there, " StartAt States Comment ProcessorConfig ", state, depth);
}

}  // namespace stepmill::asl
