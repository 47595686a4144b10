#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stepmill {

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view Trim(std::string_view text);
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to);

std::string Hex(std::string_view bytes);  ///< lower case
std::optional<std::string> Unhex(std::string_view hex);
std::string Base64(std::string_view bytes);
std::optional<std::string> Unbase64(std::string_view text);  ///< nullopt: not base64
/// RFC 3986: everything but unreserved characters as %XX (and '/' too unless `keep_slash`).
std::string UrlEncode(std::string_view text, bool keep_slash = false);
/// %XX decoded; '+' becomes a space when `plus_is_space` (forms).
std::string UrlDecode(std::string_view text, bool plus_is_space = false);

/// Decimal digits only (with '-' when negative), the whole text, within int64.
std::optional<int64_t> ParseInt(std::string_view text);

/// The first `bytes_max` bytes at most, never cutting a UTF-8 sequence.
std::string_view TruncateUtf8(std::string_view text, size_t bytes_max);
bool IsValidUtf8(std::string_view text);
/// Number of UTF-16 code units, the length that AWS's limits count.
size_t Utf16Length(std::string_view utf8);

/// A v4-shaped UUID from 128 bits that the caller drew.
std::string Uuid(uint64_t high, uint64_t low);

}  // namespace stepmill
