#include "store/store.h"

#include <iterator>

#include "base/strings.h"

namespace stepmill {

Key MakeKey(std::initializer_list<std::string_view> parts) {
  Key key;
  for (std::string_view part : parts) {
    if (!key.empty()) key += '/';
    for (char c : part) {
      if (c == '/')
        key += "%2F";
      else if (c == '%')
        key += "%25";
      else
        key += c;
    }
  }
  return key;
}

std::vector<std::string> KeyParts(std::string_view key) {
  std::vector<std::string> parts;
  for (std::string_view part : Split(key, '/')) parts.push_back(UrlDecode(part));
  return parts;
}

Key AnswerKey(std::string_view effect_id) { return MakeKey({"answer", effect_id}); }

Key PrefixEnd(std::string_view prefix) {
  Key end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

namespace {
template <class T>
void MoveAll(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}
}  // namespace

void Batch::Merge(Batch other) {
  MoveAll(expects, other.expects);
  MoveAll(stream_expects, other.stream_expects);
  MoveAll(puts, other.puts);
  MoveAll(deletes, other.deletes);
  MoveAll(appends, other.appends);
  MoveAll(truncates, other.truncates);
  MoveAll(stream_deletes, other.stream_deletes);
  MoveAll(dues, other.dues);
  MoveAll(due_removals, other.due_removals);
  MoveAll(events, other.events);
  MoveAll(notices, other.notices);
}

Error DocumentConflict(const Batch::Expect& expect, Version found) {
  return {Code::kConflict, "Conflict",
          "document " + expect.key + ": expected version " + std::to_string(expect.version) +
              ", found " + std::to_string(found)};
}

Error StreamConflict(const Batch::ExpectStream& expect, uint64_t found) {
  return {Code::kConflict, "Conflict",
          "stream " + expect.stream + ": expected newest record " + std::to_string(expect.newest) +
              ", found " + std::to_string(found)};
}

}  // namespace stepmill
