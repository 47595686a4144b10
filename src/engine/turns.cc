#include "engine/turns.h"

namespace stepmill {

// The forms of engine.cc.
void AddStart(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
              Time at) {
  batch.Create(MakeKey({"engine", "instance", instance_id}), Json::Object{{"machine", machine}});
  AddPost(batch, instance_id, "start", std::move(data), at, "start/" + instance_id);
}

void AddPost(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
             Time at, std::string_view id) {
  const Json body =
      Json::Object{{"instance", instance_id}, {"kind", kind}, {"data", std::move(data)}};
  batch.dues.push_back({"in/" + std::string(id), at, "inbox", body});
}

}  // namespace stepmill
