#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

/// The errors of ECR, each once, with AWS's texts.
namespace stepmill::ecr {

struct Place {
  std::string repository, registry;
  std::string Text() const {
    return "the repository with name '" + repository + "' in the registry with id '" + registry +
           "'";
  }
};

inline Error RepositoryNotFound(const Place& place) {
  return {Code::kNotFound, "RepositoryNotFoundException",
          "The repository with name '" + place.repository +
              "' does not exist in the registry with id '" + place.registry + "'"};
}
inline Error RepositoryAlreadyExists(const Place& place) {
  return {Code::kConflict, "RepositoryAlreadyExistsException",
          "The repository with name '" + place.repository +
              "' already exists in the registry with id '" + place.registry + "'"};
}
inline Error RepositoryNotEmpty(const Place& place) {
  return {Code::kConflict, "RepositoryNotEmptyException",
          "The repository with name '" + place.repository + "' in registry with id '" +
              place.registry + "' cannot be deleted because it still contains images"};
}
inline Error ImageNotFound(const Place& place, std::string_view digest, std::string_view tag) {
  const auto text = [](std::string_view value) {
    return value.empty() ? std::string("null") : "'" + std::string(value) + "'";
  };
  return {Code::kNotFound, "ImageNotFoundException",
          "The image with imageId {imageDigest:" + text(digest) + ", imageTag:" + text(tag) +
              "} does not exist within " + place.Text()};
}
inline Error ImageAlreadyExists(const Place& place, std::string_view digest, std::string_view tag) {
  return {Code::kConflict, "ImageAlreadyExistsException",
          "Image with digest '" + std::string(digest) + "' and tag '" + std::string(tag) +
              "' already exists in " + place.Text()};
}
inline Error ImageTagAlreadyExists(const Place& place, std::string_view tag) {
  return {Code::kConflict, "ImageTagAlreadyExistsException",
          "The image tag '" + std::string(tag) + "' already exists in the '" + place.repository +
              "' repository and cannot be overwritten because the tag is immutable."};
}
inline Error ImageDigestDoesNotMatch(std::string_view given, std::string_view computed) {
  return {Code::kInvalid, "ImageDigestDoesNotMatchException",
          "Image digest '" + std::string(given) + "' does not match the manifest's digest '" +
              std::string(computed) + "'"};
}
inline Error LayersNotFound(const Place& place, std::string_view digests) {
  return {Code::kNotFound, "LayersNotFoundException",
          "Layers with digests '[" + std::string(digests) +
              "]' required for pushing image into repository with name '" + place.repository +
              "' in the registry with id '" + place.registry + "' do not exist"};
}
inline Error ReferencedImagesNotFound(const Place& place, std::string_view digests) {
  return {Code::kNotFound, "ReferencedImagesNotFoundException",
          "Images with digests '[" + std::string(digests) +
              "]' required for pushing image into repository with name '" + place.repository +
              "' in the registry with id '" + place.registry + "' do not exist"};
}
inline Error LayerNotFound(const Place& place, std::string_view digest) {
  return {Code::kNotFound, "LayersNotFoundException",
          "The layer with digest '" + std::string(digest) + "' does not exist in " + place.Text()};
}
inline Error LayerAlreadyExists(const Place& place, std::string_view digest) {
  return {Code::kConflict, "LayerAlreadyExistsException",
          "The layer with digest '" + std::string(digest) + "' already exists in " + place.Text()};
}
inline Error UploadNotFound(const Place& place, std::string_view upload) {
  return {
      Code::kNotFound, "UploadNotFoundException",
      "The layer upload with id '" + std::string(upload) + "' does not exist in " + place.Text()};
}
inline Error InvalidLayer(std::string_view given, std::string_view computed) {
  return {Code::kInvalid, "InvalidLayerException",
          "Layer digest '" + std::string(given) + "' does not match the digest '" +
              std::string(computed) + "' of the bytes that were received"};
}
inline Error InvalidLayerPart(uint64_t expected, uint64_t given) {
  return {Code::kInvalid,
          "InvalidLayerPartException",
          "The layer part starts at byte " + std::to_string(given) + ", expected was byte " +
              std::to_string(expected),
          {{"lastValidByteReceived",
            std::to_string(expected == 0 ? 0 : static_cast<int64_t>(expected) - 1)}}};
}
inline Error InvalidParameter(std::string message) {
  return {Code::kInvalid, "InvalidParameterException", std::move(message)};
}

}  // namespace stepmill::ecr
