#include "service/states/map_child.h"

#include "service/states/express.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

Error Gone(const std::string& key) {
  return {Code::kNotFound, "States.Runtime", "There is no document " + key};
}

/// A child that ended, as it begins again.
Json Again(const Json& document, const Json& redrive_count, Time now) {
  Json out = document.With("status", "RUNNING")
                 .With("redriveCount", redrive_count)
                 .With("redriveDate", MillisSinceEpoch(now));
  for (const char* member : {"stopDate", "error", "cause", "output"})
    if (out.Has(member)) out = out.Without(member);
  return out;
}

Task<Json> RunChild(Ports& ports, Json what) {
  const std::string key = what.StringOr("revision", "");
  MILL_CO_TRY(const auto revision, co_await ports.store.Get(key));
  if (!revision) co_return Gone(key);
  Json data = what["data"];
  if (what.Has("again")) {
    data = what["again"];
    const std::string at = data.StringOr("key", "");
    MILL_CO_TRY(const auto child, co_await ports.store.Get(at));
    if (!child) co_return Gone(at);
    data = data.With("document", Again(child->body, what["redriveCount"], ports.clock.Now()));
  }
  const Json shared = revision->body;
  co_return co_await RunExpress(ports, data, shared);
}

}  // namespace

Engine::Performer MakeMapChildPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return RunChild(ports, std::move(performance.what));
  };
}

}  // namespace stepmill::states
