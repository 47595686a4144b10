#include "app/sam_options.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/strings.h"
#include "lang/toml/toml.h"
#include "lang/yaml/yaml.h"

namespace stepmill {
namespace {

enum class Kind { kText, kList, kFlag };

struct Option {
  std::string_view name;  ///< "stack-name"; a flag also has "no-..."
  Kind kind;
  std::string_view commands;  ///< first letters: b build, d deploy, x delete
};
constexpr Option kOptions[] = {
    {"template-file", Kind::kText, "bd"},
    {"template", Kind::kText, "bd"},
    {"build-dir", Kind::kText, "b"},
    {"base-dir", Kind::kText, "b"},
    {"cached", Kind::kFlag, "b"},
    {"parallel", Kind::kFlag, "b"},
    {"stack-name", Kind::kText, "dx"},
    {"s3-bucket", Kind::kText, "dx"},
    {"s3-prefix", Kind::kText, "dx"},
    {"region", Kind::kText, "bdx"},
    {"capabilities", Kind::kList, "d"},
    {"parameter-overrides", Kind::kList, "bd"},
    {"tags", Kind::kList, "d"},
    {"notification-arns", Kind::kList, "d"},
    {"role-arn", Kind::kText, "d"},
    {"kms-key-id", Kind::kText, "d"},
    {"confirm-changeset", Kind::kFlag, "d"},
    {"execute-changeset", Kind::kFlag, "d"},
    {"fail-on-empty-changeset", Kind::kFlag, "d"},
    {"disable-rollback", Kind::kFlag, "d"},
    {"force-upload", Kind::kFlag, "d"},
    {"progressbar", Kind::kFlag, "d"},
    {"resolve-s3", Kind::kFlag, "d"},
    {"prompts", Kind::kFlag, "x"},
    {"config-file", Kind::kText, "bdx"},
    {"config-env", Kind::kText, "bdx"},
    {"debug", Kind::kFlag, "bdx"},
};

Error UsageError(const std::string& what) { return Error{Code::kInvalid, "Usage", what}; }

std::string ConfigName(std::string_view name) {
  std::string out = ReplaceAll(name, "-", "_");
  return out == "template" ? "template_file" : out;
}

/// Splits at blanks outside quotes; quotes go away.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool has_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && quote != '\'') {
      word += text[++i];
      has_word = true;
    } else if (quote) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      has_word = true;
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      if (has_word) words.push_back(std::move(word));
      word.clear();
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(std::move(word));
  return words;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.AsString();
  return value.is_null() ? "" : value.Print();
}

const Option* FindOption(std::string_view name, char command) {
  for (const Option& option : kOptions) {
    if (option.name == name && option.commands.find(command) != std::string_view::npos) {
      return &option;
    }
  }
  return nullptr;
}

/// One argument and its value; `i` stands at its last word afterwards.
Result<> TakeArgument(const std::vector<std::string>& args, size_t& i, char command,
                      SamOptions& options) {
  std::string name = args[i];
  std::optional<std::string> value;
  if (name == "-t") name = "--template-file";
  if (name == "-b") name = "--build-dir";
  if (const size_t equals = name.find('='); name.starts_with("--") && equals != name.npos) {
    value = name.substr(equals + 1);
    name.resize(equals);
  }
  if (!name.starts_with("--")) return UsageError("Got unexpected extra argument (" + name + ")");
  std::string_view bare = std::string_view(name).substr(2);
  const Option* option = FindOption(bare, command);
  const bool is_off = !option && bare.starts_with("no-");
  if (is_off) option = FindOption(bare.substr(3), command);
  if (!option || (is_off && option->kind != Kind::kFlag)) {
    return UsageError("No such option: " + name);
  }
  const std::string key = ConfigName(option->name);
  if (option->kind == Kind::kFlag) {
    options.Set(key, Json(!is_off));
    return {};
  }
  std::vector<std::string> values;
  if (value) {
    values.push_back(*value);
  } else {
    while (i + 1 < args.size() && !args[i + 1].starts_with("--")) {
      values.push_back(args[++i]);
      if (option->kind == Kind::kText) break;
    }
  }
  if (values.empty()) return UsageError("Option '" + name + "' requires an argument.");
  if (option->kind == Kind::kText) {
    options.Set(key, Json(values[0]));
    return {};
  }
  Json::Array list;
  if (options.Has(key)) {  // given before: both count
    for (const std::string& before : options.List(key)) list.push_back(before);
  }
  for (const std::string& one : values) list.push_back(one);
  options.Set(key, Json(std::move(list)));
  return {};
}

Result<> ReadConfig(const std::string& command, SamOptions& options) {
  namespace fs = std::filesystem;
  std::vector<std::string> candidates;
  const std::string given = options.Text("config_file");
  if (!given.empty()) {
    candidates.push_back(given);
  } else {
    const std::string beside = fs::path(options.Text("template_file")).parent_path().string();
    for (const std::string& folder : {beside, std::string()}) {
      for (const char* name : {"samconfig.toml", "samconfig.yaml", "samconfig.yml"}) {
        candidates.push_back((fs::path(folder) / name).string());
      }
    }
  }
  for (const std::string& path : candidates) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    MILL_TRY(const std::string text, ReadFileText(path));
    auto parameters =
        SamConfigParameters(text, !path.ends_with(".toml"), options.config_env, command);
    if (!parameters) {
      return Error{Code::kInvalid, "Config",
                   "Error reading configuration: " + path + ": " + parameters.error().message};
    }
    for (const Json::Member& member : parameters->members()) {
      options.SetUnlessThere(ConfigName(member.name), member.value);
    }
    options.config_path = path;
    return {};
  }
  if (!given.empty()) {
    return UsageError("Config file " + given + " does not exist or could not be read!");
  }
  return {};
}

}  // namespace

Result<std::string> ReadFileText(const std::string& path) {
  std::error_code trouble;
  if (!std::filesystem::is_regular_file(path, trouble)) {
    return Error{Code::kNotFound, "NoSuchFile", "there is no file " + path};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Code::kNotFound, "NoSuchFile", "cannot read " + path};
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

Result<Json> SamConfigParameters(std::string_view text, bool is_yaml, const std::string& env,
                                 const std::string& command) {
  auto config = is_yaml ? ParseYaml(text) : ParseToml(text);
  if (!config) return config.error();
  if (!config->Has("version")) {
    return Error{Code::kInvalid, "Config",
                 "'version' key is not present or is in unrecognized format."};
  }
  if (TextOf((*config)["version"]) != "0.1") {
    return Error{Code::kInvalid, "Config",
                 "'" + TextOf((*config)["version"]) + "' is not a supported version: 0.1 is."};
  }
  const Json& of_env = (*config)[env];
  Json::Object out;
  for (const std::string& section : {std::string("global"), command}) {
    const Json& parameters = of_env[section]["parameters"];
    if (!parameters.is_object()) continue;
    for (const Json::Member& member : parameters.members()) {
      out.Set(ReplaceAll(member.name, "-", "_"), member.value);
    }
  }
  return Json(std::move(out));
}

std::string SamOptions::Text(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : TextOf(found->second);
}

bool SamOptions::Flag(const std::string& name, bool otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  if (found->second.is_bool()) return found->second.AsBool();
  const std::string text = ToLower(TextOf(found->second));
  return text == "true" || text == "1" || text == "yes";
}

std::vector<std::string> SamOptions::List(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return {};
  if (!found->second.is_array()) return Words(TextOf(found->second));
  std::vector<std::string> out;
  for (const Json& item : found->second.items()) {
    // One word of the command line may hold several: "A=1 B=2". One with its blanks in quotes is
    // already without them.
    out.push_back(TextOf(item));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> SamOptions::Pairs(
    const std::string& name) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto found = values_.find(name);
  if (found == values_.end()) return pairs;
  if (found->second.is_object()) {
    for (const Json::Member& member : found->second.members()) {
      pairs.emplace_back(member.name, TextOf(member.value));
    }
    return pairs;
  }
  std::vector<std::string> words;
  for (const std::string& item : List(name)) {
    // "A=x y" given as one argument is one pair unless each of its words is one.
    const std::vector<std::string> parts = Words(item);
    const bool is_several =
        parts.size() > 1 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
          return part.find('=') != std::string::npos && part.find('=') > 0;
        });
    if (is_several || item.find('"') != std::string::npos) {
      words.insert(words.end(), parts.begin(), parts.end());
    } else {
      words.push_back(item);
    }
  }
  for (const std::string& word : words) {
    constexpr std::string_view kKey = "ParameterKey=";
    constexpr std::string_view kValue = ",ParameterValue=";
    const size_t value_at = word.find(kValue);
    if (word.starts_with(kKey) && value_at != std::string::npos) {
      pairs.emplace_back(word.substr(kKey.size(), value_at - kKey.size()),
                         word.substr(value_at + kValue.size()));
      continue;
    }
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(word + " is not in valid format for --" + ReplaceAll(name, "_", "-") +
                        ": expected Name=value");
    }
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

Result<SamOptions> ReadSamOptions(const std::string& command,
                                  const std::vector<std::string>& args) {
  const char letter = command == "build" ? 'b' : command == "deploy" ? 'd' : 'x';
  SamOptions options;
  for (size_t i = 0; i < args.size(); ++i) {
    MILL_CHECK(TakeArgument(args, i, letter, options));
  }
  options.config_env = options.Text("config_env", "default");
  MILL_CHECK(ReadConfig(command, options));
  return options;
}

}  // namespace stepmill
