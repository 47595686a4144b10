#include "lang/jsonata/heap.h"

#include <algorithm>
#include <cstring>

namespace stepmill::jsonata {

Heap::~Heap() {
  while (blocks_) {
    Block* next = blocks_->next;
    std::free(blocks_);
    blocks_ = next;
  }
}

void* Heap::TakeMore(size_t bytes) {
  constexpr size_t kHead = (sizeof(Block) + 15) & ~size_t{15};
  constexpr size_t kBlockBytesMax = 1 << 20;
  const size_t wanted = bytes + kHead;
  // What is large gets a block of its own, and the current one is filled
  // further.
  const bool is_alone = wanted > block_bytes_ / 2 && wanted > 4096;
  const size_t size = is_alone ? wanted : std::max(block_bytes_, wanted);
  auto* block = static_cast<Block*>(std::malloc(size));
  if (!block) std::abort();  // out of memory: as operator new would end
  block->next = blocks_;
  block->bytes = size;
  blocks_ = block;
  bytes_taken_ += size;
  if (bytes_taken_ > bytes_max_) SetFull();
  char* begin = reinterpret_cast<char*>(block) + kHead;
  if (is_alone) return begin;
  at_ = begin + bytes;
  end_ = reinterpret_cast<char*>(block) + size;
  block_bytes_ = std::min(block_bytes_ * 2, kBlockBytesMax);
  return begin;
}

std::string_view Heap::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* out = static_cast<char*>(Take(text.size()));
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

}  // namespace stepmill::jsonata
