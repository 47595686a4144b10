#pragma once

#include <map>
#include <memory>
#include <string>

#include "chance.h"
#include "gate/door.h"
#include "sim_loop.h"
#include "sim_server.h"
#include "trace.h"

namespace stepmill::sim {

struct Reply {
  Json output;
  std::string body;  ///< of a streamed answer
};

/// What callers say why a run is wrong. Shared by all parts of a run.
struct Findings {
  std::vector<std::string> reasons;
  void Fail(std::string reason) {
    if (reasons.size() < 20) reasons.push_back(std::move(reason));
  }
};

/// Between the callers and the server's door: time passes, requests and answers are lost, and
/// nobody knows what became of a call when the server dies.
class Network {
 public:
  Network(SimLoop& loop, Trace& trace, const Faults& faults, uint64_t seed)
      : loop_(loop), trace_(trace), faults_(faults), chance_(seed) {}

  /// A server that answers from now on; nullptr: none does. Calls under way are lost.
  void Connect(SimServer* server);
  /// One attempt. kUnavailable, kTimeout: the outcome is unknown.
  Task<Reply> Ask(std::string service, std::string operation, Json input, std::string body);
  bool repeats_requests() const { return faults_.repeat_request != 0; }
  uint64_t asked() const { return last_call_; }

 private:
  struct Call {
    Signal done;
    Result<Reply> reply = Error{Code::kTimeout, "ConnectionLost", "no answer"};
    std::string body;
    std::unique_ptr<ByteSource> source;
  };
  /// `is_heard`: the caller gets the answer.
  Task<> Serve(SimServer* server, uint64_t id, std::shared_ptr<Call> call, Request request,
               bool is_heard);
  void Finish(uint64_t id, Result<Reply> reply);
  Task<> Travel();

  SimLoop& loop_;
  Trace& trace_;
  const Faults faults_;
  Chance chance_;
  SimServer* server_ = nullptr;
  uint64_t last_call_ = 0;
  std::map<uint64_t, std::shared_ptr<Call>> open_;  ///< shared with their callers
};

/// Somebody who uses the server, and tries again when an outcome is unknown.
class Caller {
 public:
  Caller(SimLoop& loop, Network& network, Findings& findings, uint64_t seed)
      : loop_(loop), network_(network), findings_(findings), chance_(seed) {}

  /// Until there is a definite answer. `attempts`, when given: how often it was asked.
  Task<Reply> Ask(std::string service, std::string operation, Json input, std::string body = "",
                  int* attempts = nullptr);
  /// For what must succeed: a refusal is a finding and the answer null.
  Task<Json> Must(std::string service, std::string operation, Json input, std::string body = "");
  Task<> Sleep(Millis time);
  Time now() const { return loop_.now(); }
  Chance& chance() { return chance_; }
  Findings& findings() { return findings_; }
  Network& network() { return network_; }

 private:
  SimLoop& loop_;
  Network& network_;
  Findings& findings_;
  Chance chance_;
};

}  // namespace stepmill::sim
