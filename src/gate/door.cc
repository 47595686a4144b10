#include "gate/door.h"

#include <algorithm>

#include "base/strings.h"
#include "gate/audit.h"
#include "gate/model.h"
#include "gate/sealed_store.h"
#include "service/ports.h"

namespace stepmill {
namespace {

constexpr int kAttemptsMax =
    50;  // of one call that meets conflicts; each one saw another's success

Json StoredAnswer(const Answer& answer) {
  return Json::Object{{"output", answer.output}, {"requestId", answer.request_id}};
}

bool HasSecretOutput(const Service& service, const Operation& row) {
  const ModelOperation* model = service.model ? service.model->Find(row.name) : nullptr;
  return model && model->has_secret_output;
}

}  // namespace

Key Call::KeyFor(std::initializer_list<std::string_view> parts) const {
  return MakeKey({account, region}) + "/" + MakeKey(parts);
}

Door::Door(Ports& ports, Commit commit) : ports_(ports), commit_(std::move(commit)) {}
Door::~Door() = default;

void Door::Add(const Service& service) {
  MILL_ASSERT(!FindService(service.name));
  for (const Operation& row : service.operations) {
    MILL_ASSERT(row.handler && !row.action.empty());
    // A row on the wire needs its model: that is what checks its input.
    MILL_ASSERT(row.is_internal || (service.model && service.model->Find(row.name)));
  }
  services_.push_back(&service);
}

const Service* Door::FindService(std::string_view name) const {
  for (const Service* service : services_)
    if (service->name == name) return service;
  return nullptr;
}

const Operation* Door::FindOperation(std::string_view service_name,
                                     std::string_view operation) const {
  const Service* service = FindService(service_name);
  if (!service) return nullptr;
  for (const Operation& row : service->operations)
    if (row.name == operation) return &row;
  return nullptr;
}

Task<Answer> Door::Ask(Request request) {
  const Service* service = FindService(request.service);
  const Operation* row = FindOperation(request.service, request.operation);
  if (!row || (row->is_internal && !request.is_internal))
    co_return Error{Code::kInvalid, "UnknownOperationException",
                    "The operation " + request.service + ":" + request.operation +
                        " is not built in stepmill."};
  if (request.request_id.empty()) request.request_id = ports_.random.NewUuid();
  if (!request.effect_id.empty()) {
    MILL_CO_TRY(const auto stored, co_await ports_.store.Get(AnswerKey(request.effect_id)));
    if (stored) {
      MILL_CO_TRY(const Json body, OpenJson(ports_.vault, stored->body, stored->key));
      Answer answer;
      answer.output = body["output"];
      answer.request_id = body.StringOr("requestId", "");
      co_return answer;
    }
  }
  if (!row->is_internal) {
    const ModelOperation* model = service->model->Find(row->name);
    MILL_CO_TRY(request.input, CheckInput(*service->model, *model, request.input));
  }
  if (const auto allowed = Authorise(*row, request); !allowed) {
    Batch batch;
    Audit(batch, *service, *row, request, ports_.clock.Now(), &allowed.error());
    MILL_CO_CHECK(co_await ports_.store.Commit(std::move(batch)));
    co_return allowed.error();
  }
  Json kept;
  for (int attempt = 1;; ++attempt) {
    bool is_conflict = false;
    auto answer = co_await Try(*row, *service, request, kept, is_conflict);
    if (!is_conflict) co_return answer;
    if ((request.body && kept.is_null()) || attempt == kAttemptsMax)
      co_return Error{
          Code::kConflict, "OperationAborted",
          "A conflicting conditional operation is currently in progress against this resource. "
          "Please try again."};
  }
}

Task<Answer> Door::Try(const Operation& row, const Service& service, Request& request, Json& kept,
                       bool& is_conflict) {
  Call call{.principal = request.principal,
            .account = request.account,
            .region = request.region,
            .request_id = request.request_id,
            .effect_id = request.effect_id,
            .now = ports_.clock.Now(),
            .input = request.input,
            .body = request.body,
            .ports = ports_,
            .batch = {},
            .kept = kept,
            .answer_body = nullptr,
            .answer_headers = {}};
  Result<Json> handled = co_await row.handler(call);
  if (!handled) {  // it may say of something that it is there which is not durable yet
    MILL_CO_CHECK(co_await ports_.store.Settle());
    co_return handled.error();
  }
  Json output = *std::move(handled);
  kept = call.kept;
  Answer answer;
  answer.output = std::move(output);
  answer.body = std::move(call.answer_body);
  answer.headers = std::move(call.answer_headers);
  answer.request_id = request.request_id;
  Batch batch = std::move(call.batch);
  if (batch.is_empty() && request.effect_id.empty()) {
    MILL_CO_CHECK(co_await ports_.store.Settle());  // what was read may not be durable yet
    co_return answer;
  }
  Audit(batch, service, row, request, call.now, nullptr);
  if (!request.effect_id.empty()) {
    const Key key = AnswerKey(request.effect_id);
    const Json stored = StoredAnswer(answer);
    batch.Create(key, HasSecretOutput(service, row) ? SealJson(ports_.vault, stored, key) : stored);
  }
  const auto committed = co_await commit_(std::move(batch));
  if (!committed) {
    is_conflict = committed.error().code == Code::kConflict;
    co_return committed.error();
  }
  co_return answer;
}

/// Identity and account; policies are evaluated here once lang/policy is there (design.md).
Result<> Door::Authorise(const Operation& row, const Request& request) const {
  if (request.principal.account == request.account) return {};
  return Error{Code::kDenied, "AccessDeniedException",
               "User: " + request.principal.arn + " is not authorized to perform: " +
                   std::string(row.action) + " on a resource of account " + request.account};
}

Json DoorCall(std::string_view service, std::string_view operation, Json input,
              const Principal& principal, std::string_view account, std::string_view region,
              bool is_internal) {
  Json::Object what{{"service", service},        {"operation", operation},
                    {"input", std::move(input)}, {"principal", PrincipalToJson(principal)},
                    {"account", account},        {"region", region}};
  if (is_internal) what.Add("internal", true);
  return what;
}

Task<Answer> AskToRead(Call& call, std::string service, std::string operation, Json input) {
  const Operation* row = call.ports.door.FindOperation(service, operation);
  if (!row || row->access == Access::kWrite)
    co_return Error{Code::kInternal, "InternalFailure",
                    service + ":" + operation + " is not a row that only reads"};
  Request request;
  request.service = std::move(service);
  request.operation = std::move(operation);
  request.principal = call.principal;
  request.account = call.account;
  request.region = call.region;
  request.input = std::move(input);
  co_return co_await call.ports.door.Ask(std::move(request));
}

}  // namespace stepmill
