#pragma once

#include <cstdint>

namespace stepmill::sim {

/// Numbers from a seed (splitmix64): the same seed, the same numbers. Each part of a run draws from
/// one of its own, so that a change in one part leaves the others' choices as they were.
class Chance {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15ull;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
  }
  /// 0 to count - 1.
  uint64_t Below(uint64_t count) { return Next() % count; }
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low + 1)));
  }
  /// True once in `count`.
  bool OneIn(uint64_t count) { return Below(count) == 0; }

 private:
  uint64_t state_;
};

}  // namespace stepmill::sim
