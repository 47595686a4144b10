#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

/// How batch transform cuts objects into requests and puts answers together. Pure.
/// Documentation: "Batch transform with Amazon SageMaker AI", API reference "CreateTransformJob".
namespace stepmill::sagemaker {

Result<> CheckTransformRequest(const Json& request);

/// The requests' bodies for one object. kLimit: a record is larger than a request may be.
Result<std::vector<std::string>> CutRecords(const Json& job, std::string_view object);
/// The object of an output from the answers to its requests, in order.
std::string Assemble(const Json& job, const std::vector<std::string>& answers);

/// DataProcessing: what a container gets of the records, and what becomes of its answer. Records
/// are lines of CSV (a list to the paths) or of JSON. `pieces` are the bodies that CutRecords gave.
Result<std::string> FilterInput(const Json& job, const std::string& piece);
Result<std::string> FilterOutput(const Json& job, const std::string& piece,
                                 const std::string& answer);

int64_t PayloadMax(const Json& job);  ///< bytes

}  // namespace stepmill::sagemaker
