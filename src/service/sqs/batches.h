#pragma once

#include <string>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::sqs {

/// The errors of a batch as a whole: empty, too many entries, ids that are none or come twice.
Result<> CheckBatch(const Json::Array& entries);

/// {"Successful", "Failed"}: what becomes of each entry by itself.
class BatchAnswer {
 public:
  void Add(const Json& entry, const Result<Json>& outcome);
  Json Print() const;

 private:
  Json::Array successful_, failed_;
};

}  // namespace stepmill::sqs
