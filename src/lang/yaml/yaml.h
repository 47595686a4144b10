#pragma once

#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace stepmill {

/// How plain (unquoted) scalars become values. Quoted and block scalars are always strings; object
/// keys are always the text of their scalar (`on:` is the key "on", `1:` the key "1").
struct YamlOptions {
  enum class Booleans {
    kYaml11,  ///< true false yes no on off, in the three usual spellings of case
    kCore,    ///< true false (YAML 1.2): `on` and `yes` are strings
    kText,    ///< none: every such scalar is a string
  };
  enum class Numbers {
    kYaml11,  ///< 0x1F 0b11 0777 (octal) 1_000 1:30 (sixties) .5 3.10
    kCore,    ///< YAML 1.2: 0x1F 0o17 .5 3.10; 0777 is 777
    kJson,    ///< only what JSON calls a number; `0123` and `.5` are strings
    kText,    ///< none: every such scalar is a string
  };
  Booleans booleans = Booleans::kYaml11;
  Numbers numbers = Numbers::kYaml11;
  /// 3.10 keeps its text (Json::NumberText() and Print() give "3.10"); false: 3.10 becomes 3.1 and
  /// 1e3 becomes 1000.0, as a program that reads YAML into floats and prints them would show.
  bool keep_number_text = true;
  /// `<<` merges the map or maps it names; false: it is a key like any other.
  bool merge_keys = true;
  /// A key that stands twice in a map is an error; false: the last one wins.
  bool refuse_duplicates = true;
  /// CloudFormation's short tags: `!Ref X` is {"Ref": "X"}, `!Condition X` {"Condition": "X"},
  /// `!GetAtt A.B` {"Fn::GetAtt": ["A", "B"]}, any other `!Name V` {"Fn::Name": V} (a scalar V is a
  /// string). false: a tag that YAML does not define is an error.
  bool short_tags = false;
  /// JSON pointer -> where the value stands. What an alias or a merge brings in has only the place
  /// of the alias: look for the nearest parent (NearestPosition).
  Positions* positions = nullptr;

  // The three sorts of file that are read here.
  static YamlOptions Template();   ///< CloudFormation and SAM: short tags, 1.1 booleans
  static YamlOptions Buildspec();  ///< YAML 1.1, 3.10 is 3.1
  static YamlOptions Workflow();   ///< YAML 1.2 core: `on` is a string; no merge keys
};

/// YAML text (one document; JSON text too) to a value. An empty text is null. kInvalid, name
/// "InvalidYaml", message ending in "at line L, column C". Bounds are in limits.h: aliases count
/// with everything below them, so that a short text cannot grow without end.
Result<Json> ParseYaml(std::string_view text, const YamlOptions& options = {});

/// The position of `pointer`, or of the nearest parent that has one; {0, 0} when none has.
TextPosition NearestPosition(const Positions& positions, std::string_view pointer);

}  // namespace stepmill
