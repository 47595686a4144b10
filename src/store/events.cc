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

}  // namespace stepmill
