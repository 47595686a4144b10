#pragma once

#include <memory>
#include <string>

#include "blob/blob_store.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// The host under which the server's own container engine asks for images that no registry of the
/// network gave it: images.stepmill.amazonaws.com/docker.io/library/python:3.8.
inline constexpr std::string_view kMirrorHost = "images.stepmill.amazonaws.com";

/// Images that this machine has, as a registry serves them.
class ImageMirror {
 public:
  struct Manifest {
    std::string digest, media_type, text;
  };
  struct Blob {
    uint64_t size_bytes = 0;
    std::unique_ptr<ByteSource> bytes;
  };
  virtual ~ImageMirror() = default;
  /// Of an image by its full name, with a tag or a digest. kNotFound: the message names the command
  /// that adds it.
  virtual Task<Manifest> FindManifest(std::string image) = 0;
  /// A layer or configuration of an image whose manifest was asked for before. kNotFound.
  virtual Task<Blob> OpenBlob(std::string digest) = 0;
};

/// The reading half of the OCI distribution protocol in front of `mirror`, under kMirrorHost. Asks
/// for no credentials: base images are no secret, and the server listens on loopback.
std::unique_ptr<FrontEnd> MakeMirrorFront(ImageMirror& mirror);

}  // namespace stepmill::wire
