#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadParallel(const Json& json, const Where& at, State& state, int depth) {
  const Json* list = json.Find("Branches");
  if (!list) return Schema("These fields are required: [Branches]", at);
  const Where there = at.Member("Branches");
  if (!list->is_array()) return WrongType("ARRAY", there);
  if (list->size() == 0) return Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i)
    ReadNested(list->At(i), there.Item(i), " StartAt States Comment ", state, depth);
}

// JSONata: an array, maybe with expressions inside, or an expression that gives one.
void Compiler::ReadItems(const Json& json, const Where& at, State& state) {
  const Json* items = json.Find("Items");
  if (!items) return;
  const bool is_text = items->is_string() && items->AsString().starts_with("{%");
  if (!is_text && !items->is_array() && !items->is_object())
    return WrongType("ARRAY", at.Member("Items"));
  state.items = ReadTemplate(json, "Items", at);
}

void Compiler::ReadMap(const Json& json, const Where& at, State& state, int depth) {
  const char* field = json.Has("ItemProcessor") ? "ItemProcessor" : "Iterator";
  if (json.Has("ItemProcessor") && json.Has("Iterator")) OnlyOne({"ItemProcessor", "Iterator"}, at);
  const Json* processor = json.Find(field);
  if (!processor) return MustHaveOne({"ItemProcessor", "Iterator"}, at);
  const Where there = at.Member(field);
  const Json& config = (*processor)["ProcessorConfig"];
  const Where mode = there.Member("ProcessorConfig").Member("Mode");
  if (config["Mode"] == Json("DISTRIBUTED")) {
    ReadDistributedMap(json, *processor, at, there, state);
  } else {
    if (config.Has("Mode") && !config["Mode"].is_string())
      WrongType("STRING", mode);
    else if (config.Has("Mode") && config["Mode"] != Json("INLINE"))
      OneOf("INLINE, DISTRIBUTED", mode);
    if (config.is_object()) CheckFields(config, " Mode ", there.Member("ProcessorConfig"));
    for (const char* distributed : {"ItemReader", "ItemBatcher", "ResultWriter", "Label"})
      if (json.Has(distributed))
        Schema("Field '" + std::string(distributed) + "' is only supported in DISTRIBUTED mode",
               at);
  }
  if (is_query_) ReadItems(json, at, state);
  if (const Json* path = json.Find("ItemsPath"); path && !is_query_)
    state.items_path = ReadPath(*path, at.Member("ItemsPath"), false);
  if (state.items_path && !state.items_path->path().is_reference())
    Schema("Value is not a Reference Path", at.Member("ItemsPath"));
  state.concurrency_max = ReadNumber(json, "MaxConcurrency", 0, 1e9, at);
  state.tolerated_failure_count = ReadNumber(json, "ToleratedFailureCount", 0, 1e9, at);
  state.tolerated_failure_percentage =
      ReadNumber(json, "ToleratedFailurePercentage", 0, 100, at, true);
  const bool was_express = is_express_;
  is_express_ = is_express_ || (state.distributed && state.distributed->is_express);
  ReadNested(*processor, there, " StartAt States Comment ProcessorConfig ", state, depth);
  is_express_ = was_express;
}

}  // namespace stepmill::asl
