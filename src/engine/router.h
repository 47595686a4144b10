#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "json/json.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill {

inline constexpr std::string_view kRecovered = "stepmill.engine";

/// Who wants which events. An event is routed when its batch is made: who wants it gets a due in
/// the same batch; one that nobody can want, by its source and detail-type, is not even made.
///
/// Threads: loop thread only.
class Router {
 public:
  using Matcher = std::function<bool(const Json& pattern, const Json& event)>;

  Router(Matcher matcher, Random& random) : matcher_(std::move(matcher)), random_(random) {}

  /// Those that are wired.
  void AddSubscriber(std::string id, Json pattern, std::string performer, Json with);
  /// A durable one, or the news that one is gone, as its due has it.
  void TakeDurable(const Due& due);
  /// An instance's: `key` as SubscriptionKey gives it.
  void AddSubscription(const Key& key, Json pattern);
  void RemoveSubscription(const Key& key);
  static Key SubscriptionKey(std::string_view instance, std::string_view id);
  /// Those of an instance.
  std::vector<Key> SubscriptionsOf(std::string_view instance) const;

  /// Gives the batch's events their id and time where they lack them, and turns them into dues for
  /// who wants them. `more`: subscriptions that come into force with this batch.
  struct Subscription {
    std::string instance, id;
    Json pattern;
  };
  void Route(Batch& batch, Time now, const std::vector<Subscription>& more = {});
  /// Dues that ask every instance that waits for an event to look once more how it stands.
  std::vector<Due> AskAll(Time now) const;

 private:
  struct Subscriber {
    Json pattern;
    std::string performer;
    Json with;
  };
  /// Counts the pattern among those that want events of its sources and detail-types, or out.
  void CountInterest(const Json& pattern, int by);
  bool MayBeWanted(std::string_view source, std::string_view detail_type) const;
  void RouteOne(const Json& event, Batch& batch, Time now, const std::vector<Subscription>& more);

  Matcher matcher_;
  Random& random_;
  std::vector<std::pair<std::string, Subscriber>> wired_;
  std::map<std::string, Subscriber> durable_;  // by the due's id, "s/ID"
  std::map<Key, Subscription> subscriptions_;
  /// How many patterns name this source and then this detail-type; "": any.
  std::map<std::string, std::map<std::string, int, std::less<>>, std::less<>> interest_;
};

}  // namespace stepmill
