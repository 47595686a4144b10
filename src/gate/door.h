#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "blob/blob_store.h"
#include "gate/operation.h"
#include "task/ports.h"

namespace stepmill {

/// What somebody asks for.
struct Request {
  std::string service;  ///< Service::name
  std::string operation;
  Principal principal;
  std::string account, region;
  Json input;
  ByteSource* body = nullptr;
  std::string effect_id;     ///< see Call::effect_id
  bool is_internal = false;  ///< may reach internal rows: only the product sets it
  std::string source_ip, user_agent, request_id;  ///< for the audit record; request_id may be empty
};

struct Answer {
  Json output;
  std::unique_ptr<ByteSource> body;
  Json headers;  ///< Call::answer_headers
  std::string request_id;
};

/// The one door. Every capability is reached by Ask: it finds the row, checks the input against the
/// model, asks Authorise, runs the handler, and commits its batch, the audit record, the answer
/// under the effect id and the events together; on a conflict it runs the handler anew.
///
/// Errors are AWS's: UnknownOperationException, ValidationException, AccessDeniedException, ...
/// Threads: loop thread.
class Door {
 public:
  /// Commits what a call writes and takes up what follows from it: Engine::Commit.
  using Commit = std::function<Task<>(Batch)>;

  Door(Ports& ports, Commit commit);
  ~Door();

  void Add(const Service& service);
  const std::vector<const Service*>& services() const { return services_; }
  const Service* FindService(std::string_view name) const;
  const Operation* FindOperation(std::string_view service, std::string_view operation) const;

  Task<Answer> Ask(Request request);

 private:
  Task<Answer> Try(const Operation& row, const Service& service, Request& request, Json& kept,
                   bool& is_conflict);
  Result<> Authorise(const Operation& row, const Request& request) const;

  Ports& ports_;
  Commit commit_;
  std::vector<const Service*> services_;
};

/// The `what` of an effect for the performer "door": asks `operation` with `input` as `principal`.
/// The effect's result is the operation's output (streamed bodies are not carried).
Json DoorCall(std::string_view service, std::string_view operation, Json input,
              const Principal& principal, std::string_view account, std::string_view region,
              bool is_internal = false);

/// Reads through the door from inside a handler: the same principal, rows with Access::kRead or
/// kList only (another service's write needs a machine). kInternal for others.
Task<Answer> AskToRead(Call& call, std::string service, std::string operation, Json input);

}  // namespace stepmill
