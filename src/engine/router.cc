#include "engine/router.h"

namespace stepmill {
namespace {

Due InboxDue(const std::string& id, Time now, const Router::Subscription& to, const Json& event) {
  const Json data = Json::Object{{"subscription", to.id}, {"event", event}};
  return {"in/" + id, now, "inbox",
          Json::Object{{"instance", to.instance}, {"kind", "event"}, {"data", data}}};
}

/// The values that a pattern's member takes as they are; {""} when it may take others.
std::vector<std::string> Named(const Json& pattern, std::string_view member) {
  const Json* values = pattern.Find(member);
  if (!values || !values->is_array()) return {""};
  std::vector<std::string> names;
  for (const Json& value : values->items()) {
    if (!value.is_string()) return {""};
    names.push_back(value.AsString());
  }
  return names;
}

}  // namespace

void Router::CountInterest(const Json& pattern, int by) {
  for (const std::string& source : Named(pattern, "source")) {
    for (const std::string& detail_type : Named(pattern, "detail-type")) {
      int& count = interest_[source][detail_type];
      count += by;
      if (count == 0) interest_[source].erase(detail_type);
    }
  }
}

bool Router::MayBeWanted(std::string_view source, std::string_view detail_type) const {
  for (const std::string_view name : {source, std::string_view()}) {
    const auto types = interest_.find(name);
    if (types == interest_.end()) continue;
    if (types->second.contains(detail_type) || types->second.contains(std::string_view()))
      return true;
  }
  return false;
}

Key Router::SubscriptionKey(std::string_view instance, std::string_view id) {
  return MakeKey({"engine", "subscription", instance, id});
}

void Router::AddSubscriber(std::string id, Json pattern, std::string performer, Json with) {
  CountInterest(pattern, 1);
  wired_.push_back({std::move(id), {std::move(pattern), std::move(performer), std::move(with)}});
}

void Router::TakeDurable(const Due& due) {
  const auto known = durable_.find(due.body.StringOr("gone", due.id));
  if (known != durable_.end()) {
    CountInterest(known->second.pattern, -1);
    durable_.erase(known);
  }
  if (due.body.Has("gone")) return;
  CountInterest(due.body["pattern"], 1);
  durable_[due.id] = {due.body["pattern"], due.body.StringOr("performer", ""), due.body["with"]};
}

void Router::AddSubscription(const Key& key, Json pattern) {
  RemoveSubscription(key);
  CountInterest(pattern, 1);
  const auto parts = KeyParts(key);
  subscriptions_[key] = {parts.at(2), parts.at(3), std::move(pattern)};
}

void Router::RemoveSubscription(const Key& key) {
  const auto known = subscriptions_.find(key);
  if (known == subscriptions_.end()) return;
  CountInterest(known->second.pattern, -1);
  subscriptions_.erase(known);
}

std::vector<Key> Router::SubscriptionsOf(std::string_view instance) const {
  std::vector<Key> keys;
  const Key prefix = SubscriptionKey(instance, "");
  for (auto at = subscriptions_.lower_bound(prefix);
       at != subscriptions_.end() && at->first.starts_with(prefix); ++at)
    keys.push_back(at->first);
  return keys;
}

void Router::Route(Batch& batch, Time now, const std::vector<Subscription>& more) {
  for (const OutgoingEvent& outgoing : batch.events) {
    if (more.empty() && !MayBeWanted(outgoing.source(), outgoing.detail_type())) continue;
    Json event = outgoing.Document();
    if (!event.Has("id")) event = event.With("id", random_.NewUuid());
    if (!event.Has("time")) event = event.With("time", FormatIso(now, false));
    RouteOne(event, batch, now, more);
  }
  batch.events.clear();
}

void Router::RouteOne(const Json& event, Batch& batch, Time now,
                      const std::vector<Subscription>& more) {
  const std::string event_id = event.StringOr("id", "");
  const auto deliver = [&](const std::string& id, const Subscriber& to) {
    if (!matcher_(to.pattern, event)) return;
    const Json body =
        Json::Object{{"performer", to.performer}, {"what", to.with.With("event", event)}};
    batch.dues.push_back({"d/" + event_id + "/" + id, now, "delivery", body});
  };
  for (const auto& [id, subscriber] : wired_) deliver(id, subscriber);
  for (const auto& [id, subscriber] : durable_) deliver(id, subscriber);
  const auto tell = [&](const Key& key, const Subscription& to) {
    if (matcher_(to.pattern, event))
      batch.dues.push_back(InboxDue(event_id + "/" + key, now, to, event));
  };
  for (const auto& [key, subscription] : subscriptions_) tell(key, subscription);
  for (const Subscription& each : more) tell(SubscriptionKey(each.instance, each.id), each);
}

std::vector<Due> Router::AskAll(Time now) const {
  const Json event = Json::Object{{"source", kRecovered}, {"detail-type", "Recovered"}};
  std::vector<Due> dues;
  for (const auto& [key, subscription] : subscriptions_)
    dues.push_back(InboxDue("recovered/" + key, now, subscription, event));
  return dues;
}

}  // namespace stepmill
