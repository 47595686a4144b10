#pragma once

#include <string>

#include "algorithm/xgboost/booster.h"

namespace stepmill::xgboost {

struct Reply {
  int status = 200;
  std::string type = "text/csv";
  std::string body;
};

/// One POST /invocations: rows of CSV or libsvm (no label) to predictions, as AWS's container
/// answers: "0.5,0.25" (a row's several values as a list), a line each when `is_batch`, or JSON as
/// `accept` asks. 204 for no rows, 415 for what cannot be read, 400 for the wrong number of
/// columns.
Reply Predict(const Booster& booster, const std::string& content_type, const std::string& accept,
              const std::string& body, bool is_batch);

}  // namespace stepmill::xgboost
