#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace stepmill::xml {

/// An element. Names are without their prefix ("xsi:type" stays as it is in attributes).
struct Element {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  ///< all character data directly in it
  std::vector<Element> children;

  const Element* Find(std::string_view child) const;
};

/// Reads a document. kInvalid, name "MalformedXML", with line and column. Document types and
/// entities other than the five built-in ones are refused; depth and size are bounded (limits in
/// xml.cc).
Result<Element> Parse(std::string_view text);

/// Escaped for element text and attribute values. Characters that XML 1.0 cannot carry become
/// U+FFFD.
std::string Escape(std::string_view text);

/// Writes elements into one string: Open("a"), Text("b", "x"), Close("a").
class Writer {
 public:
  explicit Writer(bool has_declaration = true) {
    if (has_declaration) out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  }
  /// `attributes`: written as they are, e.g. ` xmlns="..."`.
  void Open(std::string_view name, std::string_view attributes = {}) {
    out_.append("<").append(name).append(attributes).append(">");
  }
  void Close(std::string_view name) { out_.append("</").append(name).append(">"); }
  void Text(std::string_view name, std::string_view text, std::string_view attributes = {}) {
    Open(name, attributes);
    out_ += Escape(text);
    Close(name);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace stepmill::xml
