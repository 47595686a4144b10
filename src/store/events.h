#pragma once

#include <string_view>

#include "json/json.h"

namespace stepmill {

/// An EventBridge document (docs: "Events and event structure"). id and time are set at commit.
Json MakeEvent(std::string_view source, std::string_view detail_type, std::string_view account,
               std::string_view region, Json::Array resources, Json detail);

/// An event on its way to who wants it. One that comes often and that hardly anybody wants is made
/// only when somebody may: nobody is what most events of executions meet.
class OutgoingEvent {
 public:
  using Make = Json (*)(const Json& about);

  OutgoingEvent(Json document) : about_(std::move(document)) {}  // implicit: it is one
  /// `source` and `detail_type` outlive it (literals); `make` gives the document that has both.
  OutgoingEvent(std::string_view source, std::string_view detail_type, Json about, Make make)
      : about_(std::move(about)), make_(make), source_(source), detail_type_(detail_type) {}

  std::string_view source() const { return make_ ? source_ : Member("source"); }
  std::string_view detail_type() const { return make_ ? detail_type_ : Member("detail-type"); }
  Json Document() const { return make_ ? make_(about_) : about_; }

 private:
  std::string_view Member(std::string_view name) const;

  Json about_;
  Make make_ = nullptr;
  std::string_view source_, detail_type_;
};

}  // namespace stepmill
