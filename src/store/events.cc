#include "store/events.h"

namespace stepmill {

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

std::string_view OutgoingEvent::Member(std::string_view name) const {
  const Json* member = about_.Find(name);
  return member && member->is_string() ? std::string_view(member->AsString()) : "";
}

}  // namespace stepmill
