#pragma once

#include <deque>
#include <optional>
#include <string>

#include "lang/asl/map_run.h"

namespace stepmill::asl {

/// Turns a Map Run's items into the inputs of its children, one by one or in batches, as a plan
/// (map_run.h) says. Pure. Step Functions Developer Guide: "ItemBatcher (Map)".
class ChildInputs {
 public:
  struct Input {
    Json value;
    int64_t items = 0;
  };
  /// As ItemMaker::Make.
  static Result<ChildInputs> Make(const Json& plan);

  /// The next item; errors are those of ItemMaker::Select.
  Result<> Add(const Json& value, const std::optional<std::string>& key, const std::string& source,
               Time now, uint64_t entropy);
  /// Takes the next input. nullopt: more items are needed, or with `is_last` (no more come) none
  /// is left.
  std::optional<Input> Next(bool is_last);

 private:
  explicit ChildInputs(ItemMaker maker) : maker_(std::move(maker)) {}
  Json BatchOf(Json::Array items) const;

  ItemMaker maker_;
  int64_t next_item_ = 0;
  std::deque<Json> waiting_;  // selected, in no batch
  bool is_batched_ = false;
  std::optional<Json> batch_input_;
  int64_t items_max_ = 0;  // 0: no bound
  size_t bytes_max_ = 0, base_bytes_ = 0;
  Json::Array batch_;  // being filled
  size_t batch_bytes_ = 0;
};

}  // namespace stepmill::asl
