#include "base/gunzip.h"

#include <zlib.h>

#include <string>

namespace stepmill {
namespace {

constexpr int kGzipWindow = 16 + MAX_WBITS;  // zlib: gzip only
constexpr size_t kPieceBytes = 64 * 1024;
constexpr std::string_view kMagic = "\x1f\x8b";

Error Damaged(const std::string& why) {
  return {Code::kInvalid, "InvalidGzip", "The gzip data " + why};
}

}  // namespace

struct MaybeGunzip::State {
  enum class Kind { kUnknown, kPlain, kPacked } kind = Kind::kUnknown;
  std::string start;  // the first bytes while they tell nothing
  z_stream stream{};
  bool is_at_end = false;  // of a member
  ~State() {
    if (kind == Kind::kPacked) inflateEnd(&stream);
  }

  Result<> Unpack(std::string_view bytes, const Sink& sink) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    while (stream.avail_in > 0) {
      if (is_at_end && inflateReset(&stream) != Z_OK) return Damaged("is damaged");
      is_at_end = false;
      for (;;) {
        out.resize(kPieceBytes);
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        const int result = inflate(&stream, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
          return Damaged(stream.msg ? stream.msg : "is damaged");
        out.resize(out.size() - stream.avail_out);
        is_at_end = result == Z_STREAM_END;
        if (!out.empty()) MILL_CHECK(sink(out));
        if (is_at_end || out.size() < kPieceBytes) break;
      }
    }
    return {};
  }
};

MaybeGunzip::MaybeGunzip() : state_(std::make_unique<State>()) {}
MaybeGunzip::~MaybeGunzip() = default;

Result<> MaybeGunzip::Push(std::string_view bytes, const Sink& sink) {
  State& state = *state_;
  std::string joined;
  if (state.kind == State::Kind::kUnknown) {
    state.start.append(bytes);
    if (state.start.size() < kMagic.size()) return {};
    joined = std::move(state.start);
    bytes = joined;
    state.kind = State::Kind::kPlain;
    if (bytes.starts_with(kMagic)) {
      MILL_ASSERT(inflateInit2(&state.stream, kGzipWindow) == Z_OK);
      state.kind = State::Kind::kPacked;
    }
  }
  if (bytes.empty()) return {};
  return state.kind == State::Kind::kPlain ? sink(bytes) : state.Unpack(bytes, sink);
}

Result<> MaybeGunzip::Finish(const Sink& sink) {
  State& state = *state_;
  if (state.kind == State::Kind::kPacked && !state.is_at_end) return Damaged("ends early");
  if (state.kind == State::Kind::kUnknown && !state.start.empty()) return sink(state.start);
  return {};
}

}  // namespace stepmill
