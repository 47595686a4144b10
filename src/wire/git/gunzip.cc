#include "wire/git/gunzip.h"

#include <zlib.h>

namespace stepmill::wire::git {
namespace {

constexpr int kGzipWindow = 16 + MAX_WBITS;  // zlib: gzip only
constexpr size_t kPieceBytes = 64 * 1024;

class GunzipSource : public ByteSource {
 public:
  GunzipSource(ByteSource& packed, uint64_t bytes_max) : packed_(packed), left_(bytes_max) {
    MILL_ASSERT(inflateInit2(&stream_, kGzipWindow) == Z_OK);
  }
  ~GunzipSource() override { inflateEnd(&stream_); }

  Task<std::string> Read() override {
    std::string out;
    while (!is_at_end_ && out.empty()) {
      if (stream_.avail_in == 0) {
        MILL_CO_TRY(input_, co_await packed_.Read());
        if (input_.empty()) co_return Bad("ends early");
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(input_.size());
      }
      out.resize(kPieceBytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        co_return Bad(stream_.msg ? stream_.msg : "is damaged");
      out.resize(out.size() - stream_.avail_out);
      is_at_end_ = result == Z_STREAM_END;
      if (out.size() > left_)
        co_return Error{Code::kLimit, "RequestTooLarge", "the request's body is too large"};
      left_ -= out.size();
    }
    co_return out;
  }

 private:
  static Error Bad(const std::string& why) {
    return {Code::kInvalid, "BadRequest", "the request's gzip body " + why};
  }
  ByteSource& packed_;
  uint64_t left_;
  z_stream stream_{};
  std::string input_;
  bool is_at_end_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> Gunzip(ByteSource& packed, uint64_t bytes_max) {
  return std::make_unique<GunzipSource>(packed, bytes_max);
}

}  // namespace stepmill::wire::git
