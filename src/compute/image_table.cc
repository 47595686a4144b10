#include "compute/image_table.h"

#include <algorithm>

#include "base/strings.h"

namespace stepmill {

bool MatchesImageName(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const ImageTable::Row* ImageTable::Find(std::string_view name) const {
  for (const Row& row : rows) {
    for (const std::string& pattern : row.names) {
      if (MatchesImageName(pattern, name)) return &row;
    }
  }
  return nullptr;
}

const ImageRecipe* ImageTable::FindRecipe(std::string_view name) const {
  for (const ImageRecipe& recipe : recipes) {
    if (recipe.name == name) return &recipe;
  }
  return nullptr;
}

namespace {

Error BadTable(const std::string& what) {
  return Error{Code::kInvalid, "ImageTableError", "images.toml: " + what};
}

Result<std::vector<std::string>> Strings(const Json& json, const std::string& where) {
  std::vector<std::string> result;
  if (json.is_null()) return result;
  if (!json.is_array()) return BadTable(where + ": expected a list of strings");
  for (const Json& item : json.items()) {
    if (!item.is_string()) return BadTable(where + ": expected a list of strings");
    result.push_back(item.AsString());
  }
  return result;
}

Result<> CheckMembers(const Json& json, std::initializer_list<std::string_view> known,
                      const std::string& where) {
  if (!json.is_object()) return BadTable(where + ": expected a table");
  for (const auto& member : json.members()) {
    if (std::find(known.begin(), known.end(), member.name) == known.end())
      return BadTable(where + ": unknown key '" + member.name + "'");
  }
  return {};
}

Result<ImageTable::Row> ReadRow(const Json& json) {
  MILL_CHECK(CheckMembers(json, {"names", "reference", "recipe", "archive"}, "[[image]]"));
  ImageTable::Row row;
  MILL_TRY(row.names, Strings(json["names"], "[[image]] names"));
  row.reference = json.StringOr("reference", "");
  row.recipe = json.StringOr("recipe", "");
  row.archive = json.StringOr("archive", "");
  if (row.names.empty() || row.reference.empty())
    return BadTable("[[image]] needs names and reference");
  return row;
}

Result<ImageRecipe> ReadRecipe(const Json& json) {
  MILL_CHECK(
      CheckMembers(json, {"name", "suite", "packages", "pick", "commands", "changes", "references"},
                   "[[recipe]]"));
  ImageRecipe recipe;
  recipe.name = json.StringOr("name", "");
  recipe.suite = json.StringOr("suite", recipe.suite);
  if (recipe.name.empty()) return BadTable("[[recipe]] needs a name");
  MILL_TRY(recipe.packages, Strings(json["packages"], "[[recipe]] packages"));
  MILL_TRY(recipe.commands, Strings(json["commands"], "[[recipe]] commands"));
  MILL_TRY(recipe.changes, Strings(json["changes"], "[[recipe]] changes"));
  MILL_TRY(recipe.references, Strings(json["references"], "[[recipe]] references"));
  const Json& pick = json["pick"];
  if (!pick.is_null() && !pick.is_object()) return BadTable("[[recipe]] pick: expected a table");
  if (pick.is_object()) {
    for (const auto& member : pick.members()) {
      if (!member.value.is_string()) return BadTable("[[recipe]] pick: expected paths");
      recipe.picked_files[member.name] = member.value.AsString();
    }
  }
  return recipe;
}

}  // namespace

Result<ImageTable> ImageTableFromJson(const Json& json) {
  MILL_CHECK(CheckMembers(json, {"image", "recipe"}, "top level"));
  ImageTable table;
  if (json["image"].is_array()) {
    for (const Json& item : json["image"].items()) {
      MILL_TRY(ImageTable::Row row, ReadRow(item));
      table.rows.push_back(std::move(row));
    }
  }
  if (json["recipe"].is_array()) {
    for (const Json& item : json["recipe"].items()) {
      MILL_TRY(ImageRecipe recipe, ReadRecipe(item));
      table.recipes.push_back(std::move(recipe));
    }
  }
  return table;
}

ImageTable MergeTables(ImageTable under, ImageTable over) {
  for (ImageRecipe& recipe : under.recipes) {
    if (!over.FindRecipe(recipe.name)) over.recipes.push_back(std::move(recipe));
  }
  for (ImageTable::Row& row : under.rows) over.rows.push_back(std::move(row));
  return over;
}

std::string FullImageName(std::string_view name) {
  std::string full(name);
  const size_t slash = full.find('/');
  const std::string_view first = std::string_view(full).substr(0, slash);
  const bool has_registry =
      slash != std::string::npos &&
      (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
  if (!has_registry)
    full = (slash == std::string::npos ? "docker.io/library/" : "docker.io/") + full;
  const size_t last = full.rfind('/');
  if (full.find_first_of(":@", last) == std::string::npos) full += ":latest";
  return full;
}

std::optional<EcrImage> ParseEcrImage(std::string_view name) {
  constexpr size_t kAccountDigits = 12;
  constexpr std::string_view kHost = ".dkr.ecr.";
  constexpr std::string_view kSuffix = ".amazonaws.com";
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view host = name.substr(0, slash);
  if (host.size() < kAccountDigits + kHost.size() + kSuffix.size()) return std::nullopt;
  if (host.substr(kAccountDigits, kHost.size()) != kHost || !host.ends_with(kSuffix))
    return std::nullopt;
  EcrImage image;
  image.host = host;
  image.account = host.substr(0, kAccountDigits);
  if (!ParseInt(image.account)) return std::nullopt;
  const size_t region_at = kAccountDigits + kHost.size();
  image.region = host.substr(region_at, host.size() - region_at - kSuffix.size());
  std::string_view rest = name.substr(slash + 1);
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    image.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  const size_t colon = rest.find(':');
  if (colon != std::string_view::npos && image.digest.empty()) image.tag = rest.substr(colon + 1);
  image.repository = rest.substr(0, colon);
  if (image.tag.empty() && image.digest.empty()) image.tag = "latest";
  return image;
}

}  // namespace stepmill
