#pragma once

#include <map>
#include <memory>
#include <string>

#include "compute/image_table.h"
#include "io/loop.h"
#include "task/ports.h"
#include "wire/registry/mirror_front.h"

namespace stepmill {

/// The images of the table, from the image cache. An image is written out as an OCI layout
/// (DIR/mirror/IMAGE-ID, `podman save`) when it is first asked for, and served from there; an image
/// that was made anew has another id.
///
/// Threads: loop thread; files are read on the pool.
class LocalImages final : public wire::ImageMirror {
 public:
  /// `cache`: the image cache (image_store.h). `folder`: DIR/mirror.
  LocalImages(io::Loop& loop, ImageTable table, std::string cache, std::string folder)
      : loop_(loop),
        table_(std::move(table)),
        cache_(std::move(cache)),
        folder_(std::move(folder)) {}

  Task<Manifest> FindManifest(std::string image) override;
  Task<Blob> OpenBlob(std::string digest) override;

 private:
  Task<std::string> Podman(std::vector<std::string> arguments);
  Task<std::string> Layout(std::string image);

  io::Loop& loop_;
  const ImageTable table_;
  const std::string cache_, folder_;
  std::map<std::string, std::shared_ptr<Signal>> writing_;  ///< image ids being written out
};

}  // namespace stepmill
