#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lang/jsonata/limits.h"

namespace stepmill::jsonata {

/// Memory of one compiled expression or of one evaluation: taken piece by
/// piece, given back as a whole. Nothing that lives here is destroyed, so it
/// holds trivial types only. One thread.
class Heap {
 public:
  explicit Heap(size_t bytes_max) : bytes_max_(bytes_max) {}
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Never null; past the bound the heap is full (`is_full`) and the caller
  /// soon told to stop.
  void* Take(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (bytes <= static_cast<size_t>(end_ - at_)) {
      char* out = at_;
      at_ += bytes;
      return out;
    }
    return TakeMore(bytes);
  }
  /// For what an expression can make large: null when the bound would be
  /// passed.
  void* TryTake(size_t bytes) {
    if (bytes > bytes_max_ - (bytes_taken_ < bytes_max_ ? bytes_taken_ : bytes_max_)) {
      SetFull();
      return nullptr;
    }
    return Take(bytes);
  }
  template <class T>
  T* New() {
    return new (Take(sizeof(T))) T();
  }
  std::string_view Copy(std::string_view text);

  /// Counts memory that is taken elsewhere.
  void Count(size_t bytes) {
    bytes_taken_ += bytes;
    if (bytes_taken_ > bytes_max_) SetFull();
  }

  bool is_full() const { return is_full_; }
  void SetFull() {
    is_full_ = true;
    work_left = 0;
  }
  /// Steps until the evaluator looks at its limits again.
  int64_t work_left = 0;

 private:
  struct Block {
    Block* next;
    size_t bytes;
  };
  void* TakeMore(size_t bytes);

  size_t bytes_max_;
  size_t bytes_taken_ = 0;
  size_t block_bytes_ = 4096;
  bool is_full_ = false;
  Block* blocks_ = nullptr;
  char* at_ = first_;
  char* end_ = first_ + sizeof first_;
  alignas(16) char first_[2048];
};

}  // namespace stepmill::jsonata
