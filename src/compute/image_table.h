#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace stepmill {

/// How an image is made from Debian packages (`stepmill images make NAME`).
struct ImageRecipe {
  std::string name;
  std::string suite = "bookworm";
  std::vector<std::string> packages;
  /// Programs taken out of packages without their dependencies: package -> path inside.
  std::map<std::string, std::string> picked_files;
  std::vector<std::string> commands;  ///< run inside (sh -c) after the packages are there
  std::vector<std::string> changes;   ///< as of `podman import --change`
  /// The names under which the image stands in the store.
  std::vector<std::string> references;
};

/// images.toml: which local image a name means.
///
///     [[image]]
///     names = ["ubuntu-*", "aws/codebuild/*"]     patterns with '*'
///     reference = "localhost/stepmill/runner:latest"
///     recipe = "runner"                           or archive = "PATH"
///
///     [[recipe]]
///     name = "runner"
///     packages = ["git", ...]
///     pick = {"docker.io" = "./usr/bin/docker"}
///     commands = ["..."]
///     changes = ["ENV ..."]
///     references = ["localhost/stepmill/runner:latest"]
struct ImageTable {
  struct Row {
    std::vector<std::string> names;
    std::string reference;
    std::string recipe;
    std::string archive;
  };
  std::vector<Row> rows;
  std::vector<ImageRecipe> recipes;

  /// The row of `name`; the first that matches.
  const Row* Find(std::string_view name) const;
  const ImageRecipe* FindRecipe(std::string_view name) const;
};

/// From the parsed TOML. Unknown members are refused by name.
Result<ImageTable> ImageTableFromJson(const Json& json);
/// Rows of `over` come before those of `under`; recipes of the same name replace.
ImageTable MergeTables(ImageTable under, ImageTable over);

/// "python:3.8" -> "docker.io/library/python:3.8"; a name with a registry stays; no tag: ":latest".
std::string FullImageName(std::string_view name);
/// ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY[:TAG|@DIGEST]; nullopt for other names.
struct EcrImage {
  std::string account, region, host, repository;
  std::string tag;     ///< "latest" when none is given; empty with a digest
  std::string digest;  ///< "sha256:..."
};
std::optional<EcrImage> ParseEcrImage(std::string_view name);

/// '*' matches any number of characters.
bool MatchesImageName(std::string_view pattern, std::string_view text);

}  // namespace stepmill
