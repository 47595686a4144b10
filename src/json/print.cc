#include <array>

#include "json/json.h"

namespace stepmill {
namespace {

// For each byte: 0 as it is, 'u' as \u00XX, else the letter after the backslash. 0xED may start a
// lone surrogate (three-byte form), which JSON text can only carry as an escape.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['"'] = '"';
  table['\\'] = '\\';
  table[0x7F] = 0;
  table[0xED] = 'S';
  return table;
}();

void PrintHex(unsigned code, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[code >> shift & 15];
}

void PrintString(const std::string& text, std::string& out) {
  out += '"';
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = text[i];
    const char escape = kEscapes[c];
    if (!escape) continue;
    if (escape == 'S' && !(i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0))
      continue;
    out.append(text, done, i - done);
    if (escape == 'S') {
      PrintHex(0xD000u | (text[i + 1] & 0x3Fu) << 6 | (text[i + 2] & 0x3Fu), out);
      i += 2;
    } else if (escape == 'u') {
      PrintHex(c, out);
    } else {
      out += '\\';
      out += escape;
    }
    done = i + 1;
  }
  out.append(text, done, std::string::npos);
  out += '"';
}

/// `indent` 0 prints compactly.
void PrintValue(const Json& value, int indent, int level, std::string& out) {
  const auto new_line = [&](int at) {
    if (indent) out.append("\n").append(static_cast<size_t>(indent) * at, ' ');
  };
  switch (value.kind()) {
    case Json::Kind::kNull: out += "null"; return;
    case Json::Kind::kBool: out += value.AsBool() ? "true" : "false"; return;
    case Json::Kind::kNumber: out += value.NumberText(); return;
    case Json::Kind::kString: PrintString(value.AsString(), out); return;
    case Json::Kind::kArray: {
      out += '[';
      bool first = true;
      for (const Json& item : value.items()) {
        if (!first) out += ',';
        first = false;
        new_line(level + 1);
        PrintValue(item, indent, level + 1, out);
      }
      if (!first) new_line(level);
      out += ']';
      return;
    }
    case Json::Kind::kObject: {
      out += '{';
      bool first = true;
      for (const Json::Member& member : value.members()) {
        if (!first) out += ',';
        first = false;
        new_line(level + 1);
        PrintString(member.name, out);
        out += indent ? ": " : ":";
        PrintValue(member.value, indent, level + 1, out);
      }
      if (!first) new_line(level);
      out += '}';
      return;
    }
  }
}

}  // namespace

void Json::PrintTo(std::string& out) const { PrintValue(*this, 0, 0, out); }

std::string Json::Print() const {
  std::string out;
  PrintTo(out);
  return out;
}

std::string Json::PrintPretty(int indent) const {
  std::string out;
  PrintValue(*this, indent, 0, out);
  return out;
}

size_t Json::PrintedSize() const {
  switch (kind()) {
    case Kind::kNull: return 4;
    case Kind::kBool: return AsBool() ? 4 : 5;
    case Kind::kNumber: return NumberText().size();
    case Kind::kString: return AsString().size() + 2;
    case Kind::kArray: {
      size_t sum = 2 + (items().empty() ? 0 : items().size() - 1);
      for (const Json& item : items()) sum += item.PrintedSize();
      return sum;
    }
    case Kind::kObject: {
      size_t sum = 2 + (members().empty() ? 0 : members().size() - 1);
      for (const Member& member : members())
        sum += member.name.size() + 3 + member.value.PrintedSize();
      return sum;
    }
  }
  return 0;
}

}  // namespace stepmill
