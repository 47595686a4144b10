#include "lang/jsonata/regex.h"

#include <algorithm>
#include <memory>

#include "lang/jsonata/limits.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

using Op = Regex::Op;
using Ranges = std::vector<Regex::Range>;

struct Piece {
  enum class Sort {
    kEmpty,
    kChar,
    kAny,
    kClass,
    kSequence,
    kChoice,
    kRepeat,
    kGroup,
    kBegin,
    kEnd,
    kWordEdge,
    kReference,
    kNamedReference,
    kLook
  };
  Sort sort = Sort::kEmpty;
  uint32_t number = 0;  ///< character, class, group
  bool is_negated = false;
  bool is_behind = false;
  bool is_lazy = false;
  int min = 0, max = 0;  ///< kRepeat; max -1: no end
  uint32_t first_group = 0,
           last_group = 0;  ///< groups inside: first .. last - 1
  std::string name;
  std::vector<std::unique_ptr<Piece>> parts;
};
using PiecePtr = std::unique_ptr<Piece>;

struct ParsedClass {
  Ranges ranges;
  bool is_negated = false;
};

void AddDigits(Ranges& out) { out.push_back({'0', '9'}); }
void AddWord(Ranges& out) {
  for (const Regex::Range& range : {Regex::Range{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}})
    out.push_back(range);
}
void AddSpace(Ranges& out) {
  for (const Regex::Range& range : {Regex::Range{9, 13},
                                    {32, 32},
                                    {0xA0, 0xA0},
                                    {0x1680, 0x1680},
                                    {0x2000, 0x200A},
                                    {0x2028, 0x2029},
                                    {0x202F, 0x202F},
                                    {0x205F, 0x205F},
                                    {0x3000, 0x3000},
                                    {0xFEFF, 0xFEFF}})
    out.push_back(range);
}
void Sort(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Regex::Range& a, const Regex::Range& b) { return a.from < b.from; });
  Ranges out;
  for (const Regex::Range& range : ranges) {
    if (!out.empty() && range.from <= out.back().to + 1) {
      out.back().to = std::max(out.back().to, range.to);
    } else {
      out.push_back(range);
    }
  }
  ranges = out;
}
void AddInverse(Ranges& out, Ranges ranges) {
  Sort(ranges);
  uint32_t from = 0;
  for (const Regex::Range& range : ranges) {
    if (range.from > from) out.push_back({from, range.from - 1});
    from = range.to + 1;
  }
  out.push_back({from, 0x10FFFF});
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view text) : text_(text) {}

  PiecePtr Parse() {
    CountGroups();
    PiecePtr out = Choice();
    if (out && at_ < text_.size()) return Fail("Unmatched ')'");
    return out;
  }
  const std::string& problem() const { return problem_; }
  uint32_t group_count() const { return group_count_; }
  std::vector<ParsedClass>& classes() { return classes_; }
  const std::vector<std::pair<std::string, uint32_t>>& names() const { return names_; }

 private:
  PiecePtr Fail(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
    return nullptr;
  }
  bool Is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  static PiecePtr New(Piece::Sort sort, uint32_t number = 0) {
    auto out = std::make_unique<Piece>();
    out->sort = sort;
    out->number = number;
    return out;
  }

  /// How many groups there will be decides what \1 and \k mean.
  void CountGroups() {
    bool is_class = false;
    for (size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '\\') {
        ++i;
      } else if (is_class) {
        is_class = c != ']';
      } else if (c == '[') {
        is_class = true;
      } else if (c == '(') {
        const std::string_view rest = text_.substr(i + 1);
        const bool is_named =
            rest.starts_with("?<") && !rest.starts_with("?<=") && !rest.starts_with("?<!");
        if (!rest.starts_with("?") || is_named) ++groups_in_all_;
        has_names_ = has_names_ || is_named;
      }
    }
  }

  PiecePtr Choice() {
    if (++nesting_ > kRegexNestingMax) return Fail("Regular expression too large");
    std::vector<PiecePtr> ways;
    do {
      PiecePtr way = Sequence();
      if (!way) return nullptr;
      ways.push_back(std::move(way));
    } while (Take("|"));
    --nesting_;
    if (ways.size() == 1) return std::move(ways[0]);
    PiecePtr out = New(Piece::Sort::kChoice);
    out->parts = std::move(ways);
    return out;
  }

  PiecePtr Sequence() {
    PiecePtr out = New(Piece::Sort::kSequence);
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      const uint32_t first_group = group_count_ + 1;
      PiecePtr piece = Atom();
      if (!piece) return nullptr;
      piece = Quantified(std::move(piece), first_group);
      if (!piece) return nullptr;
      out->parts.push_back(std::move(piece));
    }
    return out;
  }

  bool ReadBraces(int& min, int& max) {
    size_t at = at_ + 1;
    const auto number = [&](int& out) {
      const size_t begin = at;
      int64_t value = 0;
      while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9')
        value = std::min<int64_t>(value * 10 + (text_[at++] - '0'), kRegexRepeatMax);
      out = static_cast<int>(value);
      return at > begin;
    };
    if (!number(min)) return false;
    max = min;
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      if (!number(max)) max = -1;
    }
    if (at >= text_.size() || text_[at] != '}') return false;
    at_ = at + 1;
    return true;
  }

  PiecePtr Quantified(PiecePtr piece, uint32_t first_group) {
    int min = 0, max = -1;
    if (Take("*")) {
    } else if (Take("+")) {
      min = 1;
    } else if (Take("?")) {
      max = 1;
    } else if (!Is('{') || !ReadBraces(min, max)) {
      return piece;
    }
    if (max >= 0 && max < min) return Fail("numbers out of order in {} quantifier");
    const bool is_look = piece->sort == Piece::Sort::kLook;
    if (piece->sort == Piece::Sort::kBegin || piece->sort == Piece::Sort::kEnd ||
        piece->sort == Piece::Sort::kWordEdge || (is_look && piece->is_behind)) {
      return Fail("Nothing to repeat");
    }
    PiecePtr out = New(Piece::Sort::kRepeat);
    out->min = min;
    out->max = max;
    out->is_lazy = Take("?");
    out->first_group = first_group;
    out->last_group = group_count_ + 1;
    out->parts.push_back(std::move(piece));
    return out;
  }

  PiecePtr Atom() {
    const char c = text_[at_];
    switch (c) {
      case '^': ++at_; return New(Piece::Sort::kBegin);
      case '$': ++at_; return New(Piece::Sort::kEnd);
      case '.': ++at_; return New(Piece::Sort::kAny);
      case '(': ++at_; return Group();
      case '[': ++at_; return Class();
      case '\\': ++at_; return Escape();
      case '*':
      case '+':
      case '?': return Fail("Nothing to repeat");
      case '{': {
        int min, max;
        const size_t at = at_;
        if (ReadBraces(min, max)) return Fail("Nothing to repeat");
        at_ = at;
        break;
      }
      default: break;  // a character for itself
    }
    return New(Piece::Sort::kChar, NextCharacter(text_, at_));
  }

  PiecePtr Group() {
    PiecePtr out;
    if (Take("?:")) {
      out = New(Piece::Sort::kSequence);
    } else if (Take("?=") || Take("?!") || Take("?<=") || Take("?<!")) {
      out = New(Piece::Sort::kLook);
      out->is_negated = text_[at_ - 1] == '!';
      out->is_behind = text_[at_ - 2] == '<';
    } else {
      out = New(Piece::Sort::kGroup, ++group_count_);
      if (Take("?<")) {
        const size_t end = text_.find('>', at_);
        if (end == std::string_view::npos || end == at_) return Fail("Invalid capture group name");
        std::string name(text_.substr(at_, end - at_));
        for (const auto& [other, number] : names_)
          if (other == name) return Fail("Duplicate capture group name");
        names_.emplace_back(std::move(name), group_count_);
        at_ = end + 1;
      } else if (Is('?')) {
        return Fail("Invalid group");
      }
    }
    PiecePtr inner = Choice();
    if (!inner) return nullptr;
    if (!Take(")")) return Fail("Unterminated group");
    out->parts.push_back(std::move(inner));
    return out;
  }

  PiecePtr ClassOf(void (*add)(Ranges&), bool is_inverse) {
    ParsedClass set;
    AddTo(set.ranges, add, is_inverse);
    classes_.push_back(std::move(set));
    return New(Piece::Sort::kClass, static_cast<uint32_t>(classes_.size() - 1));
  }

  static void AddTo(Ranges& out, void (*add)(Ranges&), bool is_inverse) {
    Ranges ranges;
    add(ranges);
    if (is_inverse) {
      AddInverse(out, std::move(ranges));
    } else {
      out.insert(out.end(), ranges.begin(), ranges.end());
    }
  }

  /// \d \D \w \W \s \S: the set, or null.
  static void (*SetOf(char c))(Ranges&) {
    if (c == 'd' || c == 'D') return AddDigits;
    if (c == 'w' || c == 'W') return AddWord;
    if (c == 's' || c == 'S') return AddSpace;
    return nullptr;
  }

  bool ReadHex(size_t digits, uint32_t& out) {
    if (at_ + digits > text_.size()) return false;
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = text_[at_ + i];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    out = value;
    at_ += digits;
    return true;
  }

  /// An escape that stands for one character; `at_` is behind the backslash.
  uint32_t CharacterEscape() {
    const char c = text_[at_];
    uint32_t out = 0;
    switch (c) {
      case 't': ++at_; return '\t';
      case 'n': ++at_; return '\n';
      case 'v': ++at_; return '\v';
      case 'f': ++at_; return '\f';
      case 'r': ++at_; return '\r';
      case 'c':
        if (at_ + 1 < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_ + 1]))) {
          at_ += 2;
          return static_cast<uint32_t>(text_[at_ - 1] & 31);
        }
        return '\\';
      case 'x': ++at_; return ReadHex(2, out) ? out : 'x';
      case 'u':
        ++at_;
        if (!ReadHex(4, out)) return 'u';
        if (out >= 0xD800 && out < 0xDC00 && Take("\\u")) {  // two halves are one character
          uint32_t low = 0;
          if (ReadHex(4, low) && low >= 0xDC00 && low < 0xE000)
            return 0x10000 + ((out - 0xD800) << 10) + (low - 0xDC00);
          at_ -= low ? 6 : 2;
        }
        return out;
      default: break;
    }
    if (c >= '0' && c <= '7') {  // octal, as browsers have it
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7' && out * 8 < 256)
        out = out * 8 + static_cast<uint32_t>(text_[at_++] - '0');
      return out;
    }
    return NextCharacter(text_, at_);
  }

  PiecePtr Escape() {
    if (at_ >= text_.size()) return Fail("\\ at end of pattern");
    const char c = text_[at_];
    if (auto* set = SetOf(c)) {
      ++at_;
      return ClassOf(set, c < 'a');
    }
    if (c == 'b' || c == 'B') {
      ++at_;
      PiecePtr out = New(Piece::Sort::kWordEdge);
      out->is_negated = c == 'B';
      return out;
    }
    if (c >= '1' && c <= '9') {
      size_t end = at_;
      uint32_t number = 0;
      while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9' && number < 100'000)
        number = number * 10 + static_cast<uint32_t>(text_[end++] - '0');
      if (number <= groups_in_all_) {
        at_ = end;
        return New(Piece::Sort::kReference, number);
      }
    }
    if (c == 'k' && has_names_) {
      const size_t end = text_.find('>', at_);
      if (!text_.substr(at_).starts_with("k<") || end == std::string_view::npos) {
        return Fail("Invalid named reference");
      }
      PiecePtr out = New(Piece::Sort::kNamedReference);
      out->name = text_.substr(at_ + 2, end - at_ - 2);
      at_ = end + 1;
      return out;
    }
    return New(Piece::Sort::kChar, CharacterEscape());
  }

  /// One member of a class: a character, or a set that was added already.
  bool ClassAtom(ParsedClass& set, uint32_t& character) {
    if (!Is('\\')) {
      character = NextCharacter(text_, at_);
      return true;
    }
    ++at_;
    if (at_ >= text_.size()) return true;
    const char c = text_[at_];
    if (auto* add = SetOf(c)) {
      ++at_;
      AddTo(set.ranges, add, c < 'a');
      return false;
    }
    if (c == 'b') {
      ++at_;
      character = '\b';
    } else {
      character = CharacterEscape();
    }
    return true;
  }

  PiecePtr Class() {
    ParsedClass set;
    set.is_negated = Take("^");
    while (!Is(']')) {
      if (at_ >= text_.size()) return Fail("Unterminated character class");
      uint32_t from = 0, to = 0;
      const bool has_from = ClassAtom(set, from);
      const bool is_range = Is('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (!is_range) {
        if (has_from) set.ranges.push_back({from, from});
        continue;
      }
      ++at_;
      const bool has_to = ClassAtom(set, to);
      if (has_from && has_to) {
        if (from > to) return Fail("Range out of order in character class");
        set.ranges.push_back({from, to});
        continue;
      }
      // A set on either side: the dash is a dash.
      set.ranges.push_back({'-', '-'});
      if (has_from) set.ranges.push_back({from, from});
      if (has_to) set.ranges.push_back({to, to});
    }
    ++at_;
    classes_.push_back(std::move(set));
    return New(Piece::Sort::kClass, static_cast<uint32_t>(classes_.size() - 1));
  }

  std::string_view text_;
  size_t at_ = 0;
  int nesting_ = 0;
  uint32_t group_count_ = 0;
  uint32_t groups_in_all_ = 0;
  bool has_names_ = false;
  std::vector<ParsedClass> classes_;
  std::vector<std::pair<std::string, uint32_t>> names_;
  std::string problem_;
};

/// Pieces to instructions.
class Emitter {
 public:
  explicit Emitter(const std::vector<std::pair<std::string, uint32_t>>& names) : names_(names) {}

  bool Emit(const Piece& piece, bool is_backward) {
    if (code.size() > kRegexInstructionsMax) return false;
    switch (piece.sort) {
      case Piece::Sort::kEmpty: return true;
      case Piece::Sort::kChar: Add(Op::kChar, piece.number, is_backward); return true;
      case Piece::Sort::kAny: Add(Op::kAny, 0, is_backward); return true;
      case Piece::Sort::kClass: Add(Op::kClass, piece.number, is_backward); return true;
      case Piece::Sort::kBegin: Add(Op::kBegin, 0, false); return true;
      case Piece::Sort::kEnd: Add(Op::kEnd, 0, false); return true;
      case Piece::Sort::kWordEdge:
        code[Add(Op::kWordEdge, 0, false)].other = piece.is_negated;
        return true;
      case Piece::Sort::kReference: return Reference(piece.number, is_backward);
      case Piece::Sort::kNamedReference:
        for (const auto& [name, number] : names_)
          if (name == piece.name) return Reference(number, is_backward);
        return false;
      case Piece::Sort::kSequence:
        for (size_t i = 0; i < piece.parts.size(); ++i) {
          const size_t at = is_backward ? piece.parts.size() - 1 - i : i;
          if (!Emit(*piece.parts[at], is_backward)) return false;
        }
        return true;
      case Piece::Sort::kChoice: return Choice(piece, is_backward);
      case Piece::Sort::kGroup: {
        Add(Op::kSave, piece.number * 2 + is_backward, false);
        if (!Emit(*piece.parts[0], is_backward)) return false;
        Add(Op::kSave, piece.number * 2 + !is_backward, false);
        return true;
      }
      case Piece::Sort::kLook: {
        has_look = true;
        const uint32_t look = Add(Op::kLook, piece.is_negated, false);
        if (!Emit(*piece.parts[0], piece.is_behind)) return false;
        Add(Op::kLookEnd, 0, false);
        code[look].next = static_cast<uint32_t>(code.size());
        return true;
      }
      case Piece::Sort::kRepeat: return Repeat(piece, is_backward);
    }
    return true;
  }

  uint32_t Add(Op op, uint32_t argument, bool is_backward) {
    Regex::Instruction instruction;
    instruction.op = op;
    instruction.argument = argument;
    instruction.is_backward = is_backward;
    instruction.next = static_cast<uint32_t>(code.size() + 1);
    code.push_back(instruction);
    return static_cast<uint32_t>(code.size() - 1);
  }

  std::vector<Regex::Instruction> code;
  uint32_t registers = 0;
  bool has_look = false;
  bool has_reference = false;

 private:
  bool Reference(uint32_t number, bool is_backward) {
    has_reference = true;
    Add(Op::kBackReference, number, is_backward);
    return true;
  }

  bool Choice(const Piece& piece, bool is_backward) {
    std::vector<uint32_t> jumps;
    for (size_t i = 0; i < piece.parts.size(); ++i) {
      const bool is_last = i + 1 == piece.parts.size();
      const uint32_t split = is_last ? 0 : Add(Op::kSplit, 0, false);
      if (!Emit(*piece.parts[i], is_backward)) return false;
      if (is_last) break;
      jumps.push_back(Add(Op::kJump, 0, false));
      code[split].other = static_cast<uint32_t>(code.size());
    }
    for (const uint32_t jump : jumps) code[jump].next = static_cast<uint32_t>(code.size());
    return true;
  }

  static bool CanBeEmpty(const Piece& piece) {
    switch (piece.sort) {
      case Piece::Sort::kChar:
      case Piece::Sort::kAny:
      case Piece::Sort::kClass: return false;
      case Piece::Sort::kSequence:
        return std::all_of(piece.parts.begin(), piece.parts.end(),
                           [](const PiecePtr& part) { return CanBeEmpty(*part); });
      case Piece::Sort::kChoice:
        return std::any_of(piece.parts.begin(), piece.parts.end(),
                           [](const PiecePtr& part) { return CanBeEmpty(*part); });
      case Piece::Sort::kGroup: return CanBeEmpty(*piece.parts[0]);
      case Piece::Sort::kRepeat: return piece.min == 0 || CanBeEmpty(*piece.parts[0]);
      default: return true;
    }
  }

  bool Once(const Piece& piece, bool is_backward) {
    if (piece.last_group > piece.first_group) {
      const uint32_t reset = Add(Op::kReset, piece.first_group * 2, false);
      code[reset].other = piece.last_group * 2;
    }
    return Emit(*piece.parts[0], is_backward);
  }

  bool Repeat(const Piece& piece, bool is_backward) {
    if (piece.min > static_cast<int>(kRegexInstructionsMax)) return false;
    for (int i = 0; i < piece.min; ++i)
      if (!Once(piece, is_backward)) return false;
    const bool can_be_empty = CanBeEmpty(*piece.parts[0]);
    const auto split = [&] { return Add(Op::kSplit, 0, false); };
    const auto leave = [&](uint32_t at, uint32_t to) {
      if (piece.is_lazy) {
        code[at].other = code[at].next;
        code[at].next = to;
      } else {
        code[at].other = to;
      }
    };
    if (piece.max < 0) {
      const uint32_t begin = split();
      const uint32_t mark = can_be_empty ? registers++ : 0;
      if (can_be_empty) Add(Op::kMark, mark, false);
      if (!Once(piece, is_backward)) return false;
      if (can_be_empty) Add(Op::kProgress, mark, false);
      code[Add(Op::kJump, 0, false)].next = begin;
      leave(begin, static_cast<uint32_t>(code.size()));
      return true;
    }
    if (piece.max - piece.min > static_cast<int>(kRegexInstructionsMax)) return false;
    std::vector<uint32_t> splits;
    for (int i = piece.min; i < piece.max; ++i) {
      splits.push_back(split());
      const uint32_t mark = can_be_empty ? registers++ : 0;
      if (can_be_empty) Add(Op::kMark, mark, false);
      if (!Once(piece, is_backward)) return false;
      if (can_be_empty) Add(Op::kProgress, mark, false);
    }
    for (const uint32_t at : splits) leave(at, static_cast<uint32_t>(code.size()));
    return true;
  }

  const std::vector<std::pair<std::string, uint32_t>>& names_;
};

/// Which bytes a match can begin with.
class FirstBytes {
 public:
  FirstBytes(const Regex& regex, uint64_t* out) : regex_(regex), out_(out) {}

  void Run() {
    seen_.assign(regex_.size, false);
    Walk(0);
    if (!is_all_) return;
    for (int i = 0; i < 4; ++i) out_[i] = ~uint64_t{0};
  }

 private:
  void AddByte(unsigned byte) { out_[byte / 64] |= uint64_t{1} << (byte % 64); }
  void AddAbove() {
    for (unsigned byte = 128; byte < 256; ++byte) AddByte(byte);
  }

  void Walk(uint32_t at) {
    while (!is_all_ && !seen_[at]) {
      seen_[at] = true;
      const Regex::Instruction& code = regex_.code[at];
      switch (code.op) {
        case Op::kChar:
          if (code.argument >= 128 || regex_.ignores_case) AddAbove();
          for (unsigned byte = 0; byte < 128; ++byte) {
            const bool is_same =
                byte == code.argument ||
                (regex_.ignores_case && Canonical(byte) == Canonical(code.argument));
            if (is_same) AddByte(byte);
          }
          return;
        case Op::kClass:
          for (unsigned byte = 0; byte < 128; ++byte)
            if (IsInClass(regex_, regex_.classes[code.argument], byte)) AddByte(byte);
          AddAbove();
          return;
        case Op::kSplit:
          Walk(code.other);
          at = code.next;
          break;
        case Op::kJump:
        case Op::kSave:
        case Op::kReset:
        case Op::kMark:
        case Op::kProgress: at = code.next; break;
        default: is_all_ = true; return;
      }
    }
  }

  const Regex& regex_;
  uint64_t* out_;
  std::vector<bool> seen_;
  bool is_all_ = false;
};

void FillAscii(const Regex& regex, Regex::Class& set) {
  uint64_t ascii[2] = {};
  for (uint32_t c = 0; c < 128; ++c) {
    const auto has = [&](uint32_t character) {
      for (uint32_t i = 0; i < set.count; ++i)
        if (character >= set.ranges[i].from && character <= set.ranges[i].to) return true;
      return false;
    };
    bool is_in = has(c);
    if (regex.ignores_case) is_in = is_in || has(ToLowerSimple(c)) || has(ToUpperSimple(c));
    if (is_in != set.is_negated) ascii[c / 64] |= uint64_t{1} << (c % 64);
  }
  set.ascii[0] = ascii[0];
  set.ascii[1] = ascii[1];
}

}  // namespace

const Regex* CompileRegex(std::string_view source, std::string_view flags, Heap& heap,
                          std::string& problem) {
  PatternParser parser(source);
  const PiecePtr piece = parser.Parse();
  if (!piece) {
    problem = parser.problem();
    return nullptr;
  }
  if (flags.size() > 2 || (flags.size() == 2 && flags[0] == flags[1])) {
    problem = "Invalid flags";
    return nullptr;
  }
  Emitter emitter(parser.names());
  if (!emitter.Emit(*piece, false)) {
    problem = emitter.code.size() > kRegexInstructionsMax ? "Regular expression too large"
                                                          : "Invalid named capture referenced";
    return nullptr;
  }
  emitter.Add(Op::kMatch, 0, false);
  Regex* regex = heap.New<Regex>();
  regex->size = static_cast<uint32_t>(emitter.code.size());
  auto* code =
      static_cast<Regex::Instruction*>(heap.Take(emitter.code.size() * sizeof(Regex::Instruction)));
  std::copy(emitter.code.begin(), emitter.code.end(), code);
  regex->code = code;
  regex->group_count = parser.group_count();
  regex->register_count = emitter.registers;
  regex->ignores_case = flags.find('i') != std::string_view::npos;
  regex->is_multiline = flags.find('m') != std::string_view::npos;
  regex->is_memoizable = !emitter.has_look && !emitter.has_reference && emitter.registers <= 3;
  regex->source = heap.Copy(source);
  auto* classes =
      static_cast<Regex::Class*>(heap.Take(parser.classes().size() * sizeof(Regex::Class)));
  regex->classes = classes;
  for (size_t i = 0; i < parser.classes().size(); ++i) {
    ParsedClass& parsed = parser.classes()[i];
    Sort(parsed.ranges);
    auto* ranges =
        static_cast<Regex::Range*>(heap.Take(parsed.ranges.size() * sizeof(Regex::Range)));
    std::copy(parsed.ranges.begin(), parsed.ranges.end(), ranges);
    classes[i] = {ranges, static_cast<uint32_t>(parsed.ranges.size()), parsed.is_negated, {0, 0}};
    FillAscii(*regex, classes[i]);
  }
  FirstBytes(*regex, regex->first_bytes).Run();
  return regex;
}

}  // namespace stepmill::jsonata
