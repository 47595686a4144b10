#include "lang/xml/xml.h"

#include <expat.h>

#include <memory>

#include "base/strings.h"

namespace stepmill::xml {

namespace {

constexpr size_t kBytesMax = 16 * 1024 * 1024;
constexpr size_t kDepthMax = 100;

struct Builder {
  XML_Parser parser = nullptr;
  Element root;
  std::vector<Element*> open;
  std::string refused;

  void Refuse(const char* why) {
    refused = why;
    XML_StopParser(parser, XML_FALSE);
  }
};

std::string WithoutPrefix(std::string_view name) {
  const size_t colon = name.find(':');
  return std::string(colon == std::string_view::npos ? name : name.substr(colon + 1));
}

void OnStart(void* data, const XML_Char* name, const XML_Char** attributes) {
  auto& builder = *static_cast<Builder*>(data);
  if (builder.open.size() >= kDepthMax) return builder.Refuse("nested too deeply");
  Element* element = &builder.root;
  if (!builder.open.empty()) {
    builder.open.back()->children.emplace_back();
    element = &builder.open.back()->children.back();
  }
  element->name = WithoutPrefix(name);
  for (; *attributes; attributes += 2)
    element->attributes.emplace_back(attributes[0], attributes[1]);
  builder.open.push_back(element);  // stays valid: its parent grows only after it is closed
}

void OnEnd(void* data, const XML_Char*) { static_cast<Builder*>(data)->open.pop_back(); }

void OnText(void* data, const XML_Char* text, int size) {
  auto& builder = *static_cast<Builder*>(data);
  if (!builder.open.empty()) builder.open.back()->text.append(text, static_cast<size_t>(size));
}

void OnDoctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<Builder*>(data)->Refuse("a document type is not allowed");
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

const Element* Element::Find(std::string_view child) const {
  for (const Element& element : children)
    if (element.name == child) return &element;
  return nullptr;
}

Result<Element> Parse(std::string_view text) {
  if (text.size() > kBytesMax)
    return Error{Code::kLimit, "MalformedXML", "The XML is larger than 16 MiB."};
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser(
      XML_ParserCreate("UTF-8"));
  Builder builder;
  builder.parser = parser.get();
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), OnStart, OnEnd);
  XML_SetCharacterDataHandler(parser.get(), OnText);
  XML_SetStartDoctypeDeclHandler(parser.get(), OnDoctype);
  const auto status =
      XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), /*isFinal=*/1);
  if (status == XML_STATUS_OK) return std::move(builder.root);
  const std::string why = builder.refused.empty()
                              ? std::string(XML_ErrorString(XML_GetErrorCode(parser.get())))
                              : builder.refused;
  return Error{Code::kInvalid, "MalformedXML",
               "The XML you provided was not well-formed: " + why + " at line " +
                   std::to_string(XML_GetCurrentLineNumber(parser.get())) + ", column " +
                   std::to_string(XML_GetCurrentColumnNumber(parser.get()) + 1)};
}

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\r') {
      out += "&#xD;";
    } else if (byte < 0x20 && c != '\n' && c != '\t') {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace stepmill::xml
