#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "gate/principal.h"
#include "json/json.h"
#include "store/store.h"
#include "task/task.h"

namespace stepmill {

class ByteSource;
struct ServiceModel;  // gate/model.h
struct Ports;         // service/ports.h

/// One call on its way through the door, as its handler sees it: authorised, decoded, checked
/// against the model. The handler reads, adds its writes to `batch` and returns; it never commits.
/// On a conflict the door runs it anew with a fresh batch (a consumed body cannot be read twice: a
/// handler with a body says in `kept` what it made of it, else a conflict is the caller's).
struct Call {
  Principal principal;
  std::string account, region;
  std::string request_id;
  std::string effect_id;  ///< not empty: a repeat with the same id gets the stored answer
  Time now;
  Json input;                  ///< modelled members only
  ByteSource* body = nullptr;  ///< streamed request body, where the model has one
  Ports& ports;

  Batch batch;
  /// What the handler made of its body (the blob's id): here again when the door runs it anew.
  Json kept;
  std::unique_ptr<ByteSource> answer_body;  ///< streamed answer
  /// "http:<header>" -> text that the wire adds; S3's conditional answers use "status".
  Json::Object answer_headers;

  Time Now() const { return now; }
  std::string Arn(std::string_view service, std::string_view resource) const {
    return "arn:aws:" + std::string(service) + ":" + region + ":" + account + ":" +
           std::string(resource);
  }
  /// Key of a document of this account and region: KeyFor({"ssm", "parameter", name}).
  Key KeyFor(std::initializer_list<std::string_view> parts) const;
};

enum class Access { kRead, kList, kWrite };

/// A row: what a service offers. The wire, the SDK integrations of Step Functions, authorisation,
/// audit and docs/operations.md all read the same rows.
struct Operation {
  std::string_view name;
  Task<Json> (*handler)(Call&) = nullptr;
  std::string_view action;  ///< IAM action, "states:StartExecution"
  /// The ARN that policies are matched against; {member} is taken from the input, {account} and
  /// {region} from the call. "*" where AWS has no resource.
  std::string_view resource = "*";
  Access access = Access::kWrite;
  /// Members that are kept and given back without effect ("tracingConfiguration,tags"): see
  /// design.md. A modelled member that is on no list of its row and not in `takes` is refused.
  std::string_view keeps = "";
  /// Not on the wire: only the product's own services may ask for it (no model needed).
  bool is_internal = false;
};

/// An event pattern (JSON text) whose events are handed to one of the service's own internal
/// operations, through the door as the service's principal: input {"event": {...}}.
struct EventRow {
  std::string_view pattern;
  std::string_view operation;
};

struct Service {
  std::string_view name;                ///< "states": folder, IAM prefix of most actions, ARNs
  std::string_view host;                ///< its principal: "states.amazonaws.com"
  const ServiceModel* model = nullptr;  ///< nullptr: internal rows only
  std::span<const Operation> operations;
  std::span<const EventRow> events = {};
  /// Registers machines and performers with ports.engine; called once at start, before recovery.
  void (*wire_up)(Ports& ports) = nullptr;
};

}  // namespace stepmill
