#include "app/operations_command.h"

#include <algorithm>
#include <cstdio>

#include "app/services.h"
#include "base/strings.h"
#include "gate/model.h"
#include "gate/operation.h"

namespace stepmill {

namespace {

std::string_view AccessName(Access access) {
  switch (access) {
    case Access::kRead: return "read";
    case Access::kList: return "list";
    case Access::kWrite: return "write";
  }
  return "";
}

std::string_view ProtocolName(ServiceModel::Protocol protocol) {
  switch (protocol) {
    case ServiceModel::Protocol::kJson: return "JSON";
    case ServiceModel::Protocol::kQuery: return "Query";
    case ServiceModel::Protocol::kRestXml: return "REST-XML";
    case ServiceModel::Protocol::kRestJson: return "REST-JSON";
    case ServiceModel::Protocol::kCbor: return "RPC v2 CBOR";
  }
  return "";
}

std::string ProtocolNames(const ServiceModel& model) {
  std::vector<std::string> names;
  for (const ServiceModel::Protocol protocol : model.protocols)
    names.emplace_back(ProtocolName(protocol));
  return Join(names, " and ");
}

void AddService(const Service& service, std::string& page, size_t& total) {
  std::vector<const Operation*> rows;
  for (const Operation& row : service.operations)
    if (!row.is_internal) rows.push_back(&row);
  if (rows.empty() || !service.model) return;
  std::sort(rows.begin(), rows.end(),
            [](const Operation* a, const Operation* b) { return a->name < b->name; });
  total += rows.size();
  page += "\n## " + std::string(service.name) + "\n\n" + std::string(service.model->service_id) +
          ", " + ProtocolNames(*service.model) + ", " + std::to_string(rows.size()) +
          " operations.\n\n| operation | action | resource | access | kept without effect |\n" +
          "| --- | --- | --- | --- | --- |\n";
  for (const Operation* row : rows) {
    std::string keeps(row->keeps);
    for (size_t at = 0; (at = keeps.find(',', at)) != std::string::npos; at += 2)
      keeps.replace(at, 1, ", ");
    page += "| " + std::string(row->name) + " | `" + std::string(row->action) + "` | `" +
            std::string(row->resource) + "` | " + std::string(AccessName(row->access)) + " | " +
            keeps + " |\n";
  }
}

}  // namespace

std::string OperationsPage() {
  std::vector<const Service*> services = AllServices();
  std::sort(services.begin(), services.end(),
            [](const Service* a, const Service* b) { return a->name < b->name; });
  std::string rows;
  size_t total = 0;
  for (const Service* service : services) AddService(*service, rows, total);
  return "# Operations\n\nWhat is served, from the tables (`stepmill operations` prints this "
         "page). What is not here is\nanswered with UnknownOperationException and its name. " +
         std::to_string(total) + " operations.\n" + rows;
}

int OperationsCommand(const std::vector<std::string>&) {
  std::fputs(OperationsPage().c_str(), stdout);
  return 0;
}

}  // namespace stepmill
