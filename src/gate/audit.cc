#include "gate/audit.h"

namespace stepmill {

void Audit(Batch& batch, const Service& service, const Operation& row, const Request& request,
           Time now, const Error* error) {
  constexpr std::string_view kTypes[] = {"Root", "IAMUser", "AssumedRole", "AWSService"};
  const Principal& principal = request.principal;
  Json::Object identity{{"type", kTypes[static_cast<int>(principal.kind)]},
                        {"principalId", principal.user_id},
                        {"arn", principal.arn},
                        {"accountId", principal.account}};
  if (!principal.access_key_id.empty()) identity.Add("accessKeyId", principal.access_key_id);
  Json::Object record{{"eventVersion", "1.08"},
                      {"userIdentity", std::move(identity)},
                      {"eventTime", FormatIso(now, false)},
                      {"eventSource", std::string(service.name) + ".amazonaws.com"},
                      {"eventName", row.name},
                      {"awsRegion", request.region},
                      {"sourceIPAddress", request.source_ip},
                      {"userAgent", request.user_agent},
                      {"requestID", request.request_id},
                      {"readOnly", row.access != Access::kWrite},
                      {"recipientAccountId", request.account}};
  if (error) {
    record.Add("errorCode", error->name);
    record.Add("errorMessage", error->message);
  }
  batch.AppendTo(kAuditStream, std::move(record));
}

Task<> TruncateAudit(Store& store, Time until) {
  constexpr int kPage = 1000;
  const std::string end = FormatIso(until, false);  // texts of one form: they compare as times
  for (;;) {
    MILL_CO_TRY(const auto records,
                co_await store.Read(kAuditStream, 1, Direction::kForward, kPage));
    uint64_t before = 0;
    for (const Record& record : records)
      if (record.body.StringOr("eventTime", "") < end) before = record.sequence + 1;
    if (before == 0) co_return Result<>();
    Batch batch;
    batch.truncates.push_back({kAuditStream, before});
    MILL_CO_CHECK(co_await store.Commit(std::move(batch)));
    if (records.size() < kPage) co_return Result<>();
  }
}

}  // namespace stepmill
