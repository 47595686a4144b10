#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "json/json.h"

namespace stepmill::pattern {

/// One alternative of a leaf ("any of these").
struct Matcher {
  enum class Kind {
    kExact,             ///< value: string, number, bool or null
    kPrefix,            ///< text
    kSuffix,            ///< text
    kPrefixIgnoreCase,  ///< text, lower case
    kSuffixIgnoreCase,  ///< text, lower case
    kIgnoreCase,        ///< text, lower case
    kWildcard,          ///< text with '*' and its escapes
    kNumeric,           ///< low to high
    kExists,
    kMissing,
    kCidr,        ///< address, prefix_bits
    kAnythingBut  ///< none of `others`
  };
  Kind kind = Kind::kExact;
  Json value;
  std::string text;
  double low = 0, high = 0;
  bool is_low_open = false, is_high_open = false;  ///< open: the bound itself is outside
  std::string address;                             ///< 4 or 16 raw bytes
  int prefix_bits = 0;
  std::vector<Matcher> others;
};

/// An object of the pattern: all fields, and one alternative of each "$or".
struct Node {
  struct Field {
    std::string name;
    std::vector<Matcher> matchers;      ///< a leaf; or
    std::shared_ptr<const Node> child;  ///< an object
  };
  std::vector<Field> fields;
  std::vector<std::vector<Node>> choices;
};

/// 4 or 16 bytes of an IPv4 or IPv6 address; empty when it is none.
std::string ParseAddress(std::string_view text);

}  // namespace stepmill::pattern
