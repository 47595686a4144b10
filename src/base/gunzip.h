#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace stepmill {

/// Unpacks what begins as gzip does and passes on everything else as it is. Streams: nothing but a
/// piece is held. Several members behind each other are one stream (RFC 1952).
class MaybeGunzip {
 public:
  using Sink = std::function<Result<>(std::string_view bytes)>;

  MaybeGunzip();
  ~MaybeGunzip();
  MaybeGunzip(const MaybeGunzip&) = delete;
  MaybeGunzip& operator=(const MaybeGunzip&) = delete;

  /// kInvalid ("InvalidGzip"): the packed bytes are damaged. An error of the sink is returned.
  Result<> Push(std::string_view bytes, const Sink& sink);
  /// Nothing follows. kInvalid: the packed bytes end early.
  Result<> Finish(const Sink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stepmill
