#include "blob/owned_blobs.h"

namespace stepmill {

std::string_view OwnerOf(const BlobId& id) {
  const size_t dash = id.value.find('-');
  if (dash == std::string::npos) return {};
  return std::string_view(id.value).substr(dash + 1);
}

Task<std::unique_ptr<BlobWriter>> CreateBlobFor(BlobStore& blobs, std::string owner,
                                                BlobHashes hashes) {
  auto* owned = dynamic_cast<OwnedBlobs*>(&blobs);
  return owned ? owned->CreateFor(std::move(owner), hashes) : blobs.Create();
}

BlobId NewBlobId(Random& random, std::string_view owner) {
  BlobId id = NewBlobId(random);
  if (!owner.empty()) id.value += "-" + std::string(owner);
  return id;
}

bool IsBlobId(const BlobId& id) {
  constexpr size_t kDigits = 32, kOwnerMax = 16;
  const std::string_view text = id.value;
  if (text.substr(0, kDigits).find_first_not_of("0123456789abcdef") != text.npos) return false;
  if (text.size() <= kDigits) return text.size() == kDigits;
  const std::string_view owner = text.substr(kDigits + 1);
  return text[kDigits] == '-' && !owner.empty() && owner.size() <= kOwnerMax &&
         owner.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == owner.npos;
}

}  // namespace stepmill
