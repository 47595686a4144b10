#include "lang/asl/child_inputs.h"

#include <utility>

#include "lang/asl/limits.h"

namespace stepmill::asl {

Result<ChildInputs> ChildInputs::Make(const Json& plan) {
  MILL_TRY(ItemMaker maker, ItemMaker::Make(plan));
  ChildInputs out(std::move(maker));
  const Json* batcher = plan.Find("batcher");
  if (!batcher) return out;
  out.is_batched_ = true;
  if (const Json* input = batcher->Find("input")) out.batch_input_ = *input;
  out.items_max_ = batcher->IntOr("itemsMax", 0);
  out.bytes_max_ =
      static_cast<size_t>(batcher->IntOr("bytesMax", static_cast<int64_t>(kPayloadBytesMax)));
  out.base_bytes_ = out.BatchOf(Json::Array{}).PrintedSize();
  return out;
}

Json ChildInputs::BatchOf(Json::Array items) const {
  Json::Object input;
  if (batch_input_) input.Add("BatchInput", *batch_input_);
  input.Add("Items", Json(std::move(items)));
  return Json(std::move(input));
}

Result<> ChildInputs::Add(const Json& value, const std::optional<std::string>& key,
                          const std::string& source, Time now, uint64_t entropy) {
  MILL_TRY(Json selected, maker_.Select(next_item_++, value, key, source, now, entropy));
  waiting_.push_back(std::move(selected));
  return {};
}

// An item that alone is larger than a batch may be is a batch of its own.
std::optional<ChildInputs::Input> ChildInputs::Next(bool is_last) {
  if (!is_batched_) {
    if (waiting_.empty()) return std::nullopt;
    Input one{std::move(waiting_.front()), 1};
    waiting_.pop_front();
    return one;
  }
  bool is_full = false;
  while (!is_full && !waiting_.empty()) {
    const size_t bytes = waiting_.front().PrintedSize() + 1;
    is_full = !batch_.empty() && base_bytes_ + batch_bytes_ + bytes > bytes_max_;
    if (is_full) break;
    batch_bytes_ += bytes;
    batch_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    is_full = items_max_ > 0 && static_cast<int64_t>(batch_.size()) >= items_max_;
  }
  if (batch_.empty() || (!is_full && !is_last)) return std::nullopt;
  const auto count = static_cast<int64_t>(batch_.size());
  batch_bytes_ = 0;
  return Input{BatchOf(std::exchange(batch_, {})), count};
}

}  // namespace stepmill::asl
