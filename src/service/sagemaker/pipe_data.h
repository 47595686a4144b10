#pragma once

#include <memory>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "json/json.h"
#include "service/ask.h"
#include "service/sagemaker/s3_data.h"

/// What a channel in Pipe mode carries: an epoch's stream, object after object, of which no more
/// than a piece is held. Documentation: "CreateTrainingJob", TrainingInputMode and ShuffleConfig;
/// "Augmented Manifest Files for Training Jobs".
namespace stepmill::sagemaker {

/// One part of a stream: an object, or the text of an attribute.
struct PipePart {
  std::string bucket, key;  ///< bucket "": `text` is the part
  std::string text;
};

/// The parts that a line of an augmented manifest has, in the order of `attributes`: "NAME-ref"
/// names an object, any other attribute is a part itself. ValidationException.
Result<std::vector<PipePart>> PartsOfLine(const std::string& line, const Json& attributes);

/// The header of a RecordIO record, and the zeros behind its bytes. Longer than 512 MiB: kInvalid.
Result<std::string> RecordHeader(uint64_t size_bytes);
std::string RecordPadding(uint64_t size_bytes);

/// The stream of one epoch of `channel` (an element of InputDataConfig), for one of its hosts.
/// `share` says which; `epoch` counts from 0.
Task<std::unique_ptr<ByteSource>> OpenEpoch(Asker asker, Json channel, DataSource share,
                                            int64_t epoch);

}  // namespace stepmill::sagemaker
