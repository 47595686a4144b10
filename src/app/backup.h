#pragma once

#include <string>

#include "base/result.h"

namespace stepmill {

/// Copies a data folder to `to`, which must not be there or be empty; also while a server runs on
/// it. The copy is a data folder itself: the store of one moment, every blob that it names, the
/// repositories, key, credentials and certificates. What belongs to this machine and moment is left
/// out: jobs, engine, sockets, temporary files. A job that ran is started anew by a server on the
/// copy. Durable when it returns; complete when it has the file "backup.json", written last.
Result<> BackUpData(const std::string& data_dir, const std::string& to);

/// Makes a data folder from such a copy. `data_dir` must not be there or be empty; it is there
/// whole, or not at all.
Result<> RestoreData(const std::string& from, const std::string& data_dir);

}  // namespace stepmill
