#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "json/json.h"
#include "service/ask.h"

/// Containers that serve a model: for batch transform and endpoints.
/// Documentation: "Use Your Own Inference Code with Hosting Services" and "... with Batch
/// Transform".
namespace stepmill::sagemaker {

inline constexpr int kServingPort = 8080;

/// What of a CreateModel request cannot be honoured, or AWS would refuse. Pure.
Result<> CheckModelRequest(const Json& request);
/// The one container of a model.
Json ContainerOf(const Json& model);
/// Where its artifacts are; "": it has none.
std::string ModelDataOf(const Json& container);

/// The sandbox of one instance, without the model's artifacts. Pure.
JobSpec ServingSpec(const Json& model, const JobId& id, const std::string& instance_type,
                    const std::string& account, const std::string& region);
/// Fetches the artifacts and starts it; a job that was begun before goes on. The error of a model
/// archive that is none is kInvalid, "ModelDataError".
Task<> StartServing(Asker asker, Json model, JobSpec spec);

/// Requests under way to a container, in memory: one that is to go is stopped when they are done.
class Flight {
 public:
  explicit Flight(const JobId& id);
  ~Flight();
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  static int CountOf(const JobId& id);

 private:
  std::string id_;
};

/// Tells when a container has ended.
struct EndWatch {
  bool is_over = false;
};
std::shared_ptr<EndWatch> WatchEnd(Ports& ports, JobId id);

/// Asks /ping until it answers 200: true. False: the container ended, or 4 minutes have passed.
Task<bool> WaitForPing(Ports& ports, JobId id, std::shared_ptr<EndWatch> watch);

}  // namespace stepmill::sagemaker
