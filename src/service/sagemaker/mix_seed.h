#pragma once

#include <cstdint>

namespace stepmill::sagemaker {

/// A number from two, the same for ever (SplitMix64, over both).
inline uint64_t MixSeed(uint64_t seed, uint64_t number) {
  uint64_t z = seed + number * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace stepmill::sagemaker
