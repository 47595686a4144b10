#include <algorithm>
#include <charconv>
#include <optional>

#include "base/strings.h"
#include "lang/pattern/node.h"
#include "lang/pattern/pattern.h"

namespace stepmill::pattern {

namespace {

using Kind = Matcher::Kind;

/// '*' stands for any run of bytes; "\*" and "\\" for themselves. Linear but for the last star.
bool MatchesWildcard(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0;
  std::optional<size_t> star;  // where the pattern goes on behind the last star
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    const size_t width = p < pattern.size() && pattern[p] == '\\' ? 2 : 1;
    if (p < pattern.size() && pattern[p + width - 1] == text[t]) {
      p += width;
      ++t;
    } else if (star) {
      p = *star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesCidr(const Matcher& matcher, std::string_view text) {
  const std::string address = ParseAddress(text);
  if (address.size() != matcher.address.size()) return false;
  for (int bit = 0; bit < matcher.prefix_bits; ++bit) {
    const int shift = 7 - bit % 8;
    if (((address[bit / 8] ^ matcher.address[bit / 8]) >> shift) & 1) return false;
  }
  return true;
}

bool MatchesText(const Matcher& matcher, const std::string& text) {
  switch (matcher.kind) {
    case Kind::kPrefix: return text.starts_with(matcher.text);
    case Kind::kSuffix: return text.ends_with(matcher.text);
    case Kind::kPrefixIgnoreCase: return ToLower(text).starts_with(matcher.text);
    case Kind::kSuffixIgnoreCase: return ToLower(text).ends_with(matcher.text);
    case Kind::kIgnoreCase: return ToLower(text) == matcher.text;
    case Kind::kWildcard: return MatchesWildcard(matcher.text, text);
    case Kind::kCidr: return MatchesCidr(matcher, text);
    default: return false;  // kinds that are not about text
  }
}

/// A leaf value of the event: neither object nor array.
bool MatchesValue(const Matcher& matcher, const Json& value) {
  switch (matcher.kind) {
    case Kind::kExact: return matcher.value.kind() == value.kind() && matcher.value == value;
    case Kind::kExists: return true;
    case Kind::kMissing: return false;
    case Kind::kNumeric: {
      if (!value.is_number()) return false;
      const double number = value.AsDouble();
      return (matcher.is_low_open ? number > matcher.low : number >= matcher.low) &&
             (matcher.is_high_open ? number < matcher.high : number <= matcher.high);
    }
    case Kind::kAnythingBut:
      return std::none_of(matcher.others.begin(), matcher.others.end(),
                          [&](const Matcher& other) { return MatchesValue(other, value); });
    default: return value.is_string() && MatchesText(matcher, value.AsString());
  }
}

/// Any leaf value at or below arrays; an object is none.
bool MatchesAny(const Matcher& matcher, const Json& value) {
  if (value.is_array())
    return std::any_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return MatchesAny(matcher, item); });
  return !value.is_object() && MatchesValue(matcher, value);
}

bool HasLeaf(const Json& value) {
  if (value.is_array()) return std::any_of(value.items().begin(), value.items().end(), HasLeaf);
  return !value.is_object();
}

bool MatchesLeaf(const std::vector<Matcher>& matchers, const Json* value) {
  for (const Matcher& matcher : matchers) {
    if (matcher.kind == Kind::kMissing) {
      if (!value || !HasLeaf(*value)) return true;
    } else if (value && MatchesAny(matcher, *value)) {
      return true;
    }
  }
  return false;
}

/// `value`: nullptr when it is not there. All fields must match within the same array element.
bool MatchesNode(const Node& node, const Json* value) {
  if (value && value->is_array() && value->size() > 0)
    return std::any_of(value->items().begin(), value->items().end(),
                       [&](const Json& item) { return MatchesNode(node, &item); });
  if (value && !value->is_object()) value = nullptr;
  for (const Node::Field& field : node.fields) {
    const Json* member = value ? value->Find(field.name) : nullptr;
    const bool is_match =
        field.child ? MatchesNode(*field.child, member) : MatchesLeaf(field.matchers, member);
    if (!is_match) return false;
  }
  return std::all_of(node.choices.begin(), node.choices.end(), [&](const auto& alternatives) {
    return std::any_of(alternatives.begin(), alternatives.end(),
                       [&](const Node& alternative) { return MatchesNode(alternative, value); });
  });
}

std::string ParseIpv4(std::string_view text) {
  std::string bytes;
  for (const std::string_view part : Split(text, '.')) {
    const auto number = part.size() <= 3 ? ParseInt(part) : std::nullopt;
    if (!number || *number < 0 || *number > 255) return "";
    bytes += static_cast<char>(*number);
  }
  return bytes.size() == 4 ? bytes : "";
}

/// Groups of an IPv6 address as bytes; nullopt when one is malformed. "" is no group.
std::optional<std::string> ParseGroups(std::string_view text) {
  std::string bytes;
  if (text.empty()) return bytes;
  for (const std::string_view part : Split(text, ':')) {
    if (part.find('.') != std::string_view::npos) {
      const std::string tail = ParseIpv4(part);
      if (tail.empty()) return std::nullopt;
      bytes += tail;
      continue;
    }
    unsigned group = 0;
    const auto end = part.data() + part.size();
    const auto [stop, failure] = std::from_chars(part.data(), end, group, 16);
    if (part.empty() || part.size() > 4 || failure != std::errc() || stop != end)
      return std::nullopt;
    bytes += static_cast<char>(group >> 8);
    bytes += static_cast<char>(group & 0xFF);
  }
  return bytes;
}

}  // namespace

std::string ParseAddress(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return ParseIpv4(text);
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto bytes = ParseGroups(text);
    return bytes && bytes->size() == 16 ? *bytes : "";
  }
  const auto front = ParseGroups(text.substr(0, gap));
  const auto back = ParseGroups(text.substr(gap + 2));
  if (!front || !back || front->size() + back->size() > 14) return "";
  return *front + std::string(16 - front->size() - back->size(), '\0') + *back;
}

bool Pattern::Matches(const Json& event) const { return MatchesNode(*root_, &event); }

}  // namespace stepmill::pattern
