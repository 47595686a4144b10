#include "engine/turns.h"

namespace stepmill {
namespace {

// The forms of engine.cc.
Key InstanceKey(const std::string& id) { return MakeKey({"engine", "instance", id}); }

void AddInbox(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
              Time at, std::string_view id, Key shared) {
  Json::Object body{{"instance", instance_id}, {"kind", kind}, {"data", std::move(data)}};
  if (!shared.empty()) body.Add("shared", std::move(shared));
  batch.dues.push_back({"in/" + std::string(id), at, "inbox", Json(std::move(body))});
}

}  // namespace

void AddStart(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
              Time at, Key shared) {
  batch.Create(InstanceKey(instance_id), Json::Object{{"machine", machine}});
  AddInbox(batch, instance_id, "start", std::move(data), at, "start/" + instance_id,
           std::move(shared));
}

void AddReopen(Batch& batch, const std::string& instance_id, std::string_view machine,
               int64_t times, std::string_view kind, Json data, Time at) {
  batch.PutDocument(InstanceKey(instance_id),
                    Json::Object{{"machine", machine}, {"reopened", times}});
  AddInbox(batch, instance_id, kind, std::move(data), at,
           "reopen/" + instance_id + "/" + std::to_string(times), {});
}

void AddPost(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
             Time at, std::string_view id) {
  AddInbox(batch, instance_id, kind, std::move(data), at, id, {});
}

}  // namespace stepmill
