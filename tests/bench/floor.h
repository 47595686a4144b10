#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace stepmill::bench {

[[noreturn]] inline void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

using Steady = std::chrono::steady_clock;

inline double SecondsSince(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

/// The value at `share` (0 to 1) of the sorted values; 0 for none.
inline double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(values.size())))];
}
inline double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

/// What others have left to write is written before a measurement, not during it.
inline void SettleDisk(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0 || syncfs(fd) != 0) Fail("cannot sync " + folder);
  close(fd);
}

struct BareLogFigures {
  double records_per_s = 0, bytes_per_s = 0;
};

/// The least that a durable log costs here: `batch` records of `record_bytes` are written to a
/// preallocated file, then fdatasync, again and again. The file is used as a ring, as a log with
/// recycled segments would be.
inline BareLogFigures BareLog(const std::string& folder, size_t record_bytes, size_t batch,
                              double seconds) {
  const std::string path = folder + "/floor.log";
  constexpr off_t kFileBytes = 256 << 20;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  const std::vector<char> zeros(1 << 20, 0);
  for (off_t at = 0; at < kFileBytes; at += static_cast<off_t>(zeros.size()))
    if (pwrite(fd, zeros.data(), zeros.size(), at) < 0) Fail("cannot write " + path);
  SettleDisk(folder);
  const std::vector<char> block(record_bytes * batch, 'x');
  off_t at = 0;
  size_t syncs = 0;
  const auto start = Steady::now();
  while (SecondsSince(start) < seconds) {
    if (pwrite(fd, block.data(), block.size(), at) < 0 || fdatasync(fd) != 0)
      Fail("cannot write " + path);
    ++syncs;
    at += static_cast<off_t>(block.size());
    if (at + static_cast<off_t>(block.size()) > kFileBytes) at = 0;
  }
  const double records = static_cast<double>(syncs * batch) / SecondsSince(start);
  close(fd);
  unlink(path.c_str());
  return {records, records * static_cast<double>(record_bytes)};
}

}  // namespace stepmill::bench
