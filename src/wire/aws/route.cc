#include "wire/aws/route.h"

#include <algorithm>

#include "base/strings.h"

namespace stepmill::wire {

namespace {

using Protocol = ServiceModel::Protocol;

/// Sub-resources of S3: with one of these in the query a request means that and nothing else.
constexpr std::string_view kSubResources[] = {"acl",
                                              "accelerate",
                                              "analytics",
                                              "attributes",
                                              "cors",
                                              "delete",
                                              "encryption",
                                              "inventory",
                                              "intelligent-tiering",
                                              "legal-hold",
                                              "lifecycle",
                                              "location",
                                              "logging",
                                              "metrics",
                                              "metadataTable",
                                              "notification",
                                              "object-lock",
                                              "ownershipControls",
                                              "policy",
                                              "policyStatus",
                                              "publicAccessBlock",
                                              "rename",
                                              "renameObject",
                                              "replication",
                                              "requestPayment",
                                              "restore",
                                              "retention",
                                              "select",
                                              "session",
                                              "tagging",
                                              "torrent",
                                              "uploads",
                                              "versioning",
                                              "versions",
                                              "website"};

/// The query as name -> value, decoded; the first of a name wins.
std::map<std::string, std::string> QueryMap(std::string_view query) {
  std::map<std::string, std::string> out;
  for (const std::string_view part : Split(query, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    out.emplace(UrlDecode(part.substr(0, equals), true),
                equals == std::string_view::npos ? "" : UrlDecode(part.substr(equals + 1), true));
  }
  return out;
}

/// Matches "/{Bucket}/{Key+}" with a path; fills the labels.
bool MatchesPath(std::string_view pattern, std::string_view path,
                 std::map<std::string, std::string>& labels) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  if (!pattern.empty() && pattern.front() == '/') pattern.remove_prefix(1);
  while (true) {
    const size_t pattern_end = std::min(pattern.find('/'), pattern.size());
    const std::string_view want = pattern.substr(0, pattern_end);
    const bool is_label = want.size() > 2 && want.front() == '{' && want.back() == '}';
    if (is_label && want[want.size() - 2] == '+') {
      if (path.empty()) return false;
      labels[std::string(want.substr(1, want.size() - 3))] = UrlDecode(path);
      return true;
    }
    const size_t path_end = std::min(path.find('/'), path.size());
    const std::string_view have = path.substr(0, path_end);
    if (is_label) {
      if (have.empty()) return false;
      labels[std::string(want.substr(1, want.size() - 2))] = UrlDecode(have);
    } else if (want != have) {
      return false;
    }
    const bool pattern_ends = pattern_end == pattern.size();
    const bool path_ends = path_end == path.size();
    if (pattern_ends) {
      // "/bucket/" is "/bucket".
      return path_ends || path.substr(path_end) == "/";
    }
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_ends ? path_end : path_end + 1);
  }
}

struct Candidate {
  const ModelOperation* operation = nullptr;
  std::map<std::string, std::string> labels;
  int score = -1;
};

/// How well an operation fits; -1: not at all. Constants of its query and required members of
/// query and header must be there, and each makes it the better fit.
int Score(const ModelOperation& operation, const HttpRequest& request, std::string_view path,
          const std::map<std::string, std::string>& query,
          std::map<std::string, std::string>& labels) {
  if (operation.http_method != request.method) return -1;
  const size_t question = operation.uri.find('?');
  if (!MatchesPath(operation.uri.substr(0, question), path, labels)) return -1;
  int score = 0;
  if (question != std::string_view::npos) {
    for (const std::string_view part : Split(operation.uri.substr(question + 1), '&')) {
      const size_t equals = part.find('=');
      const auto found = query.find(std::string(part.substr(0, equals)));
      if (found == query.end()) return -1;
      if (equals != std::string_view::npos && found->second != part.substr(equals + 1)) return -1;
      score += 2;
    }
  }
  if (!operation.input) return score;
  for (const ShapeMember& member : operation.input->members) {
    if (!member.is_required) continue;
    using Location = ShapeMember::Location;
    if (member.location == Location::kQuery) {
      if (!query.contains(std::string(member.wire_name()))) return -1;
      score += 2;
    } else if (member.location == Location::kHeader) {
      if (!request.headers.Has(member.wire_name())) return -1;
      score += 2;
    }
  }
  return score;
}

bool NamesInUri(std::string_view uri, std::string_view name) {
  const size_t question = uri.find('?');
  if (question == std::string_view::npos) return false;
  for (const std::string_view part : Split(uri.substr(question + 1), '&'))
    if (part.substr(0, part.find('=')) == name) return true;
  return false;
}

void RouteRest(const HttpRequest& request, Target& target) {
  const ServiceModel& model = *target.service->model;
  std::string path = request.path;
  if (model.service == "s3") {
    const std::string bucket = BucketOfHost(request.host);
    if (!bucket.empty()) path = "/" + bucket + path;
  }
  const auto query = QueryMap(request.query);
  Candidate best;
  for (const ModelOperation& operation : model.operations) {
    Candidate candidate{&operation, {}, -1};
    candidate.score = Score(operation, request, path, query, candidate.labels);
    if (candidate.score > best.score) best = std::move(candidate);
  }
  target.unknown = request.method + " " + path + (request.query.empty() ? "" : "?" + request.query);
  if (!best.operation) return;
  if (model.service == "s3")
    for (const std::string_view name : kSubResources)
      if (query.contains(std::string(name)) && !NamesInUri(best.operation->uri, name)) {
        target.unknown = request.method + " ?" + std::string(name);
        return;
      }
  target.model = best.operation;
  target.operation = std::string(best.operation->name);
  target.labels = std::move(best.labels);
}

const Service* ByTarget(const Door& door, std::string_view prefix) {
  if (prefix.empty()) return nullptr;  // as the services without targets have it
  for (const Service* service : door.services())
    if (service->model && service->model->target_prefix == prefix) return service;
  return nullptr;
}

const Service* BySigningName(const Door& door, std::string_view name, const HttpRequest& request) {
  const Service* found = nullptr;
  for (const Service* service : door.services()) {
    const ServiceModel* model = service->model;
    if (!model || model->signing_name != name) continue;
    const bool is_json = model->protocol == Protocol::kJson;
    // Two services may share a name (sagemaker and its runtime): without a target, the REST one.
    if (!found || !is_json) found = service;
    if (model->protocol == Protocol::kRestJson) {
      Target probe{
          .service = service, .operation = "", .model = nullptr, .labels = {}, .unknown = ""};
      RouteRest(request, probe);
      if (probe.model) return service;
    }
  }
  return found;
}

/// "/service/SERVICE/operation/OPERATION", behind whatever prefix the endpoint has. SERVICE is what
/// stands in front of the dot in X-Amz-Target (Smithy RPC v2 CBOR: "Requests").
void RouteRpc(const Door& door, const HttpRequest& request, Target& target) {
  target.protocol = Protocol::kCbor;
  target.unknown = request.path;
  const auto parts = Split(request.path, '/');
  const size_t count = parts.size();
  if (count < 4 || parts[count - 4] != "service" || parts[count - 2] != "operation") return;
  target.unknown = std::string(parts[count - 3]) + "." + std::string(parts[count - 1]);
  const Service* service = ByTarget(door, parts[count - 3]);
  if (!service || !service->model->Speaks(Protocol::kCbor)) return;
  target.service = service;
  target.operation = parts[count - 1];
  target.model = service->model->Find(target.operation);
}

/// How a request looks that no service was found for.
Protocol GuessProtocol(const HttpRequest& request) {
  if (request.headers.Get("content-type").starts_with("application/x-www-form-urlencoded") ||
      request.Query("Action"))
    return Protocol::kQuery;
  if (request.headers.Get("x-amz-target").empty() && request.method != "POST")
    return Protocol::kRestXml;
  return Protocol::kJson;
}

/// "api.ecr.us-east-1.amazonaws.com", "sts.amazonaws.com", "s3.us-east-1.amazonaws.com".
const Service* ByHost(const Door& door, std::string_view host) {
  constexpr std::string_view kSuffix = ".amazonaws.com";
  if (host.size() <= kSuffix.size() || !host.ends_with(kSuffix)) return nullptr;
  const std::string_view front = host.substr(0, host.size() - kSuffix.size());
  for (const Service* service : door.services()) {
    if (!service->model) continue;
    const std::string_view prefix = service->model->endpoint_prefix;
    if (front == prefix || front.starts_with(std::string(prefix) + ".")) return service;
    if (prefix == "s3" && (!BucketOfHost(host).empty() || front.starts_with("s3-"))) return service;
  }
  return nullptr;
}

}  // namespace

std::string BucketOfHost(std::string_view host) {
  // The label "s3" or "s3-REGION" behind the bucket, and "amazonaws.com" or a local name at the
  // end.
  for (size_t at = host.find(".s3"); at != std::string_view::npos; at = host.find(".s3", at + 1)) {
    const std::string_view rest = host.substr(at + 3);
    const bool is_label = rest.starts_with(".") || rest.starts_with("-");
    if (!is_label || at == 0) continue;
    if (rest.ends_with(".amazonaws.com") || rest.ends_with(".localhost") ||
        rest.ends_with(".localhost.localdomain"))
      return std::string(host.substr(0, at));
  }
  return "";
}

Target FindTarget(const Door& door, const HttpRequest& request, const Signature* signature) {
  Target target;
  if (request.headers.Get("smithy-protocol") == "rpc-v2-cbor") {
    RouteRpc(door, request, target);
    return target;
  }
  target.protocol = GuessProtocol(request);
  const std::string_view header = request.headers.Get("x-amz-target");
  if (!header.empty()) {
    const size_t dot = header.rfind('.');
    const std::string_view prefix = header.substr(0, dot == std::string_view::npos ? 0 : dot);
    target.unknown = std::string(header);
    target.operation = header.substr(dot == std::string_view::npos ? 0 : dot + 1);
    target.service = ByTarget(door, prefix);
    if (target.service)
      target.protocol = target.service->model->Speaks(Protocol::kJson)
                            ? Protocol::kJson
                            : target.service->model->protocol;
    if (target.service) target.model = target.service->model->Find(target.operation);
    return target;
  }
  if (signature) target.service = BySigningName(door, signature->service, request);
  if (!target.service) target.service = ByHost(door, request.host);
  if (!target.service && !signature && request.headers.Get("content-type").empty())
    target.service = door.FindService("s3");  // an unsigned GET of a path
  target.unknown = signature ? "the service " + signature->service : request.host + request.path;
  if (!target.service) return target;
  const ServiceModel& model = *target.service->model;
  target.protocol = model.Speaks(Protocol::kQuery) ? Protocol::kQuery : model.protocol;
  switch (target.protocol) {
    case Protocol::kRestXml:
    case Protocol::kRestJson: RouteRest(request, target); break;
    case Protocol::kJson:
    case Protocol::kCbor: target.unknown = "a request without X-Amz-Target"; break;
    case Protocol::kQuery: break;
  }
  return target;
}

}  // namespace stepmill::wire
