#include "store/events.h"

namespace stepmill {

void TurnEventsIntoDues(Batch& batch, Time now, Random& random) {
  for (Json& event : batch.events) {
    if (!event.Has("id")) event = event.With("id", random.NewUuid());
    if (!event.Has("time")) event = event.With("time", FormatIso(now, false));
    batch.dues.push_back({"e/" + event.StringOr("id", ""), now, "event", event});
  }
  batch.events.clear();
}

Json MakeEvent(std::string_view source, std::string_view detail_type, std::string_view account,
               std::string_view region, Json::Array resources, Json detail) {
  return Json::Object{{"version", "0"},
                      {"detail-type", detail_type},
                      {"source", source},
                      {"account", account},
                      {"region", region},
                      {"resources", std::move(resources)},
                      {"detail", std::move(detail)}};
}

}  // namespace stepmill
