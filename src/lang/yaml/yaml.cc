#include "lang/yaml/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cctype>
#include <istream>
#include <map>
#include <set>
#include <streambuf>

#include "base/strings.h"
#include "lang/yaml/limits.h"
#include "lang/yaml/scalar.h"

namespace stepmill {
namespace {

/// Leaves the handler when the text is refused; never leaves this file.
struct Refusal {
  std::string what;
  TextPosition at;
};

/// Reads the caller's text in place.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

/// yaml-cpp counts columns in bytes; people count characters.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back(text.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  TextPosition At(const YAML::Mark& mark) const {
    if (mark.line < 0 || Line(mark) >= starts_.size()) return {1, 1};
    TextPosition at{mark.line + 1, 1};
    for (size_t i = starts_[Line(mark)]; i < Offset(mark); ++i) {
      if ((static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80) ++at.column;
    }
    return at;
  }

  /// yaml-cpp takes the end of the text as the end of a quoted scalar that starts at `mark`.
  bool IsUnclosed(const YAML::Mark& mark) const {
    size_t i = Offset(mark);
    while (i < text_.size() && (text_[i] == '!' || text_[i] == '&')) {
      while (i < text_.size() && !std::isspace(static_cast<unsigned char>(text_[i]))) ++i;
      while (i < text_.size() && std::isspace(static_cast<unsigned char>(text_[i]))) ++i;
    }
    if (i >= text_.size() || (text_[i] != '"' && text_[i] != '\'')) return false;
    const char quote = text_[i];
    for (++i; i < text_.size(); ++i) {
      if (text_[i] == '\\' && quote == '"') {
        ++i;
      } else if (text_[i] == quote) {
        const bool doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
        if (!doubled) return false;
        ++i;
      }
    }
    return true;
  }

  /// yaml-cpp gives no text for a null: which of its spellings stands there, or nothing.
  std::string NullText(const YAML::Mark& mark) const {
    if (mark.line < 0 || Line(mark) >= starts_.size()) return "";
    const std::string_view rest = text_.substr(Offset(mark));
    for (const char* spelling : {"null", "Null", "NULL", "~"}) {
      if (rest.starts_with(spelling)) return spelling;
    }
    return "";
  }

 private:
  static size_t Line(const YAML::Mark& mark) { return static_cast<size_t>(mark.line); }
  size_t Offset(const YAML::Mark& mark) const {
    return std::min(text_.size(), starts_[Line(mark)] + static_cast<size_t>(mark.column));
  }

  std::string_view text_;
  std::vector<size_t> starts_;
};

/// A finished value and what it weighs when every alias in it is written out.
struct Weighed {
  Json value;
  size_t nodes = 1;
  size_t bytes = 0;
};

/// CloudFormation's long name of a short tag: "!Ref" -> "Ref", "!Sub" -> "Fn::Sub".
std::string LongName(std::string_view tag) {
  const std::string name(tag.substr(1));
  return name == "Ref" || name == "Condition" ? name : "Fn::" + name;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const YamlOptions& options) : lines_(text), options_(options) {}

  Json Take() { return std::move(result_); }
  /// Refuses a text whose last scalar is a quote without an end.
  void CheckEnd() const {
    if (!last_quoted_.is_null() && lines_.IsUnclosed(last_quoted_)) {
      throw Refusal{"the quote is not closed that starts", At(last_quoted_)};
    }
  }
  TextPosition At(const YAML::Mark& mark) const { return lines_.At(mark); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refusal{"expected one document, found another", At(mark)};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (ExpectsKey()) return SetKey(mark, lines_.NullText(mark));
    Open(mark);
    Finish(anchor, Weighed{});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refusal{"the alias stands inside its own anchor", At(mark)};
    if (ExpectsKey()) {
      if (!found->second.value.is_string()) {
        throw Refusal{"expected a scalar as the key, got an alias of something else", At(mark)};
      }
      return SetKey(mark, found->second.value.AsString());
    }
    Open(mark);
    Finish(YAML::NullAnchor, found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (tag != "?") last_quoted_ = mark;
    if (ExpectsKey()) {
      if (anchor != YAML::NullAnchor) anchors_[anchor] = Weighed{Json(text), 1, text.size()};
      is_plain_key_ = tag == "?";
      return SetKey(mark, text);
    }
    Open(mark);
    Finish(anchor, Weighed{Scalar(mark, tag, text), 1, text.size()});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    StartCollection(mark, tag, anchor, true);
  }
  void OnSequenceEnd() override { EndCollection(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    StartCollection(mark, tag, anchor, false);
  }
  void OnMapEnd() override { EndCollection(); }

 private:
  /// A collection that is being read.
  struct Frame {
    bool is_array = false;
    std::string pointer;   ///< of the collection, below its tag's member when it has a tag
    std::string function;  ///< long name of its short tag, or empty
    YAML::anchor_t anchor = YAML::NullAnchor;
    YAML::Mark mark;
    Json::Array items;
    Json::Object members;
    std::map<std::string, size_t, std::less<>> places;  ///< member name -> index
    std::optional<std::string> key;
    bool key_is_merge = false;
    std::vector<Json> merges;
    size_t nodes = 1;
    size_t bytes = 0;
  };

  bool ExpectsKey() const {
    return !frames_.empty() && !frames_.back().is_array && !frames_.back().key;
  }

  void SetKey(const YAML::Mark& mark, const std::string& text) {
    Frame& frame = frames_.back();
    frame.key = text;
    frame.key_is_merge = options_.merge_keys && text == "<<" && is_plain_key_;
    frame.bytes += text.size();
    is_plain_key_ = false;
    if (frame.key_is_merge || !options_.refuse_duplicates) return;
    if (frame.places.count(text)) throw Refusal{"the key \"" + text + "\" stands twice", At(mark)};
  }

  /// Where the value that starts now will stand.
  std::string NextPointer() const {
    if (frames_.empty()) return "";
    const Frame& frame = frames_.back();
    if (frame.is_array) return PointerAppend(frame.pointer, std::to_string(frame.items.size()));
    return PointerAppend(frame.pointer, *frame.key);
  }

  void Open(const YAML::Mark& mark) {
    if (options_.positions) (*options_.positions)[NextPointer()] = At(mark);
  }

  Json Scalar(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!") return Json(text);
    if (tag == "?" || tag.empty()) return yaml::PlainScalar(text, options_);
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    if (std::string_view(tag).starts_with(kStandard)) {
      auto value = yaml::TaggedScalar(text, tag.substr(kStandard.size()), options_);
      if (!value) throw Refusal{"\"" + text + "\" does not fit its tag " + tag, At(mark)};
      return *std::move(value);
    }
    RequireShortTag(mark, tag);
    Json value(text);
    if (const size_t dot = text.find('.'); tag == "!GetAtt" && dot != std::string::npos) {
      value = Json(Json::Array{Json(text.substr(0, dot)), Json(text.substr(dot + 1))});
    }
    if (options_.positions) {
      (*options_.positions)[PointerAppend(NextPointer(), LongName(tag))] = At(mark);
    }
    return Json(Json::Object{{LongName(tag), value}});
  }

  void RequireShortTag(const YAML::Mark& mark, const std::string& tag) const {
    if (options_.short_tags && tag.size() > 1 && tag[0] == '!' && tag[1] != '!') return;
    throw Refusal{"the tag " + tag + " is not known here", At(mark)};
  }

  void StartCollection(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       bool is_array) {
    if (ExpectsKey()) throw Refusal{"expected a scalar as the key", At(mark)};
    if (frames_.size() >= yaml::kDepthMax) {
      throw Refusal{"nested deeper than " + std::to_string(yaml::kDepthMax), At(mark)};
    }
    Open(mark);
    Frame frame;
    frame.is_array = is_array;
    frame.pointer = options_.positions ? NextPointer() : std::string();
    frame.anchor = anchor;
    frame.mark = mark;
    const bool plain = tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:map" ||
                       tag == "tag:yaml.org,2002:seq" || tag == "tag:yaml.org,2002:omap";
    if (!plain) {
      RequireShortTag(mark, tag);
      frame.function = LongName(tag);
      if (options_.positions) {
        frame.pointer = PointerAppend(frame.pointer, frame.function);
        (*options_.positions)[frame.pointer] = At(mark);
      }
    }
    frames_.push_back(std::move(frame));
  }

  void EndCollection() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    // YAML 1.1 "Merge Key": what stands in the map itself wins, then earlier maps of the list.
    for (const Json& merged : frame.merges) {
      for (const Json::Member& member : merged.members()) {
        if (!frame.places.emplace(member.name, frame.members.members.size()).second) continue;
        frame.members.Add(member.name, member.value);
      }
    }
    Json value = frame.is_array ? Json(std::move(frame.items)) : Json(std::move(frame.members));
    if (!frame.function.empty()) {
      Json::Object wrapped;
      wrapped.Add(frame.function, std::move(value));
      value = Json(std::move(wrapped));
    }
    Finish(frame.anchor, Weighed{std::move(value), frame.nodes, frame.bytes}, &frame.mark);
  }

  void Finish(YAML::anchor_t anchor, Weighed weighed, const YAML::Mark* mark = nullptr) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = weighed;
    if (frames_.empty()) {
      result_ = std::move(weighed.value);
      return;
    }
    Frame& frame = frames_.back();
    const TextPosition at = At(mark ? *mark : frame.mark);
    frame.nodes += weighed.nodes;
    frame.bytes += weighed.bytes;
    if (frame.nodes > yaml::kNodesMax || frame.bytes > yaml::kExpandedBytesMax) {
      throw Refusal{"too many values once its aliases are written out", at};
    }
    if (frame.is_array) {
      frame.items.push_back(std::move(weighed.value));
      return;
    }
    const std::string key = *std::move(frame.key);
    frame.key.reset();
    if (frame.key_is_merge) return Merge(frame, weighed.value, at);
    const auto [place, is_new] = frame.places.emplace(key, frame.members.members.size());
    if (is_new) {
      frame.members.Add(key, std::move(weighed.value));
    } else {
      frame.members.members[place->second].value = std::move(weighed.value);
    }
  }

  static void Merge(Frame& frame, const Json& value, const TextPosition& at) {
    if (value.is_object()) {
      frame.merges.push_back(value);
      return;
    }
    if (!value.is_array()) throw Refusal{"<< expects a map or a list of maps", at};
    for (const Json& item : value.items()) {
      if (!item.is_object()) throw Refusal{"<< expects a map or a list of maps", at};
      frame.merges.push_back(item);
    }
  }

  Lines lines_;
  const YamlOptions& options_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Weighed> anchors_;
  Json result_;
  YAML::Mark last_quoted_ = YAML::Mark::null_mark();
  int documents_ = 0;
  bool is_plain_key_ = false;
};

Error Invalid(const std::string& what, const TextPosition& at) {
  return Error{
      Code::kInvalid, "InvalidYaml",
      what + " at line " + std::to_string(at.line) + ", column " + std::to_string(at.column)};
}

}  // namespace

YamlOptions YamlOptions::Template() {
  YamlOptions options;
  options.numbers = Numbers::kJson;
  options.short_tags = true;
  return options;
}

YamlOptions YamlOptions::Buildspec() {
  YamlOptions options;
  options.keep_number_text = false;
  return options;
}

YamlOptions YamlOptions::Workflow() {
  YamlOptions options;
  options.booleans = Booleans::kCore;
  options.numbers = Numbers::kCore;
  options.merge_keys = false;
  return options;
}

Result<Json> ParseYaml(std::string_view text, const YamlOptions& options) {
  if (text.size() > yaml::kTextBytesMax) return Invalid("the text is too long", {1, 1});
  if (!IsValidUtf8(text)) return Invalid("not UTF-8", {1, 1});
  Builder builder(text, options);
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    builder.CheckEnd();
  } catch (const Refusal& refusal) {
    return Invalid(refusal.what, refusal.at);
  } catch (const YAML::ParserException& error) {
    return Invalid(error.msg, builder.At(error.mark));
  } catch (const std::exception& error) {  // a fault of the library's on odd input, not of ours
    return Invalid(error.what(), {1, 1});
  }
  return builder.Take();
}

TextPosition NearestPosition(const Positions& positions, std::string_view pointer) {
  while (true) {
    if (const auto found = positions.find(pointer); found != positions.end()) return found->second;
    const size_t slash = pointer.rfind('/');
    if (slash == std::string_view::npos) return {};
    pointer = pointer.substr(0, slash);
  }
}

}  // namespace stepmill
