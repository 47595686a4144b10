#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "json/json.h"

namespace stepmill::asl {

/// A Map of mode DISTRIBUTED hands its work to a Map Run, outside the execution that waits for it.
/// `plan` is all that the run needs, as JSON, since the run keeps it for as long as it lives:
///
///   state        name of the Map state
///   prefix       what data errors begin with ("An error occurred while executing the state ...")
///   isJsonata    the language of the state's templates
///   isExpress    how children run
///   definition   text of the children's definition
///   items        the array, where the data come with the execution; otherwise
///   reader       {resource: "getObject" | "listObjectsV2", parameters, inputType, manifestType,
///                isFlattened, delimiter, headers?, pointer, maxItems?}
///   selector     {template, input, variables, context}: ItemSelector and what it reads
///   batcher      {itemsMax?, bytesMax?, input?}
///   writer       {parameters?, transformation?, outputType?}
///   concurrencyMax, toleratedCount, toleratedPercentage   0 where not given
struct StartMapRun {
  uint64_t map_run = 0;  ///< id in its execution; comes back with the run's end
  std::string arn;
  std::string label;
  Json plan;
  int64_t redrive_count = 0;  ///< above 0: the run is there and starts what failed again
};

/// Makes the inputs of a run's children from items. Pure; not shared between threads.
class ItemMaker {
 public:
  /// kInternal: the plan's template does not compile, which a plan of ours always does.
  static Result<ItemMaker> Make(const Json& plan);
  ItemMaker(ItemMaker&&) noexcept;
  ItemMaker& operator=(ItemMaker&&) noexcept;
  ~ItemMaker();

  /// ItemSelector over one item; the item itself where the state has none (a member of an object:
  /// {"Key", "Value"}). Errors are the state's: the message is the whole cause.
  Result<Json> Select(int64_t index, const Json& value, const std::optional<std::string>& key,
                      const std::string& source, Time now, uint64_t entropy) const;

 private:
  struct Parts;
  explicit ItemMaker(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace stepmill::asl
