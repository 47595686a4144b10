#include "service/counter.h"

#include <algorithm>

#include "service/ports.h"

namespace stepmill {

Task<int64_t> NextNumber(Call& call, Key key) {
  for (Batch::Put& put : call.batch.puts)
    if (put.key == key) {
      const int64_t next = put.body.IntOr("last", 0) + 1;
      put.body = Json::Object{{"last", next}};
      co_return next;
    }
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  const int64_t next = (known ? known->body.IntOr("last", 0) : 0) + 1;
  const Json body = Json::Object{{"last", next}};
  if (known)
    call.batch.Replace(*known, body);
  else
    call.batch.Create(key, body);
  co_return next;
}

std::string PaddedNumber(int64_t number) {
  const std::string text = std::to_string(number);
  return std::string(15 - std::min<size_t>(15, text.size()), '0') + text;
}

}  // namespace stepmill
