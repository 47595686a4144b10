#include "engine/turns.h"

namespace stepmill {
namespace {

/// An inbox due, as engine.cc describes it.
void AddInbox(Batch& batch, std::string_view id, Time at, Json::Object body) {
  batch.dues.push_back({"in/" + std::string(id), at, "inbox", Json(std::move(body))});
}

}  // namespace

Key InstanceKey(std::string_view instance_id) {
  return MakeKey({"engine", "instance", instance_id});
}

void AddStart(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
              Time at, Key shared, std::string_view id) {
  batch.Create(InstanceKey(instance_id), Json::Object{{"machine", machine}});
  Json::Object body{{"instance", instance_id}, {"kind", "start"}, {"data", std::move(data)}};
  if (!shared.empty()) body.Add("shared", std::move(shared));
  AddInbox(batch, id, at, std::move(body));
}

void AddReopen(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
               Time at, std::string_view id) {
  AddInbox(
      batch, id, at,
      {{"instance", instance_id}, {"kind", kind}, {"data", std::move(data)}, {"reopens", true}});
}

void AddPost(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
             Time at, std::string_view id) {
  AddInbox(batch, id, at, {{"instance", instance_id}, {"kind", kind}, {"data", std::move(data)}});
}

}  // namespace stepmill
