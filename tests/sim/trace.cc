#include "trace.h"

namespace stepmill::sim {

std::string PrintBatch(const Batch& batch) {
  std::string text;
  const auto add = [&text](std::string_view what, std::string_view where, const Json& body) {
    text.append("\n  ").append(what).append(" ").append(where).append(" ");
    body.PrintTo(text);
  };
  for (const auto& expect : batch.expects)
    add("expect", expect.key, Json(static_cast<int64_t>(expect.version)));
  for (const auto& expect : batch.stream_expects)
    add("expect-stream", expect.stream, Json(static_cast<int64_t>(expect.newest)));
  for (const auto& key : batch.deletes) add("delete", key, Json());
  for (const auto& put : batch.puts) add("put", put.key, put.body);
  for (const auto& stream : batch.stream_deletes) add("delete-stream", stream, Json());
  for (const auto& append : batch.appends) add("append", append.stream, append.body);
  for (const auto& truncate : batch.truncates)
    add("truncate", truncate.stream, Json(static_cast<int64_t>(truncate.before)));
  for (const auto& id : batch.due_removals) add("done", id, Json());
  for (const auto& due : batch.dues) add("due", due.id + " " + FormatIso(due.at), due.body);
  return text;
}

}  // namespace stepmill::sim
