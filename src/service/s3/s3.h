#pragma once

#include "gate/operation.h"

namespace stepmill::s3 {

/// Amazon S3: buckets, objects, multipart uploads, versions. Objects are blobs that documents name.
extern const Service kService;

}  // namespace stepmill::s3
