#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/asl/definition.h"

// Inside this folder only. Step Functions Developer Guide: "Using Map state in Distributed mode".

namespace stepmill::asl {

/// What a Map has beyond others in mode DISTRIBUTED.
struct DistributedMap {
  struct Reader {
    std::string resource;  ///< "getObject", "listObjectsV2"
    std::optional<Template> parameters;
    std::string input_type, manifest_type;  ///< empty: not given
    bool is_flattened = false;              ///< LOAD_AND_FLATTEN
    std::string delimiter = ",";
    std::optional<std::vector<std::string>> headers;  ///< GIVEN
    std::string pointer;
    NumberField items_max;
  };
  struct Batcher {
    NumberField items_max, bytes_max;
    std::optional<Template> input;
  };
  struct Writer {
    std::optional<Template> parameters;       ///< where results go; absent: nowhere
    std::string transformation, output_type;  ///< empty: not given
  };

  bool is_express = false;
  std::string label;  ///< empty: one is made
  std::optional<Reader> reader;
  std::optional<Batcher> batcher;
  std::optional<Writer> writer;
  std::optional<Json> selector;  ///< source of ItemSelector
  std::string definition;        ///< text of the children's machine
};

}  // namespace stepmill::asl
