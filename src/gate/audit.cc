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

}  // namespace stepmill
