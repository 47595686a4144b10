#include "wire/registry/registry_front.h"

#include "base/digest.h"
#include "base/strings.h"
#include "wire/registry/path.h"

namespace stepmill::wire {
namespace {

using registry::Path;

constexpr uint64_t kManifestBytesMax = 4 << 20;  // ECR and the distribution specification
constexpr std::string_view kEcrSuffix = ".amazonaws.com";

struct Guest {
  Principal principal;
  std::string account, region;
};

/// Name in the protocol, status.
struct Refusal {
  const char* code;
  int status;
};

Refusal RefusalOf(const Error& error) {
  const struct {
    std::string_view name;
    Refusal refusal;
  } table[] = {
      {"RepositoryNotFoundException", {"NAME_UNKNOWN", 404}},
      {"ImageNotFoundException", {"MANIFEST_UNKNOWN", 404}},
      {"LayersNotFoundException", {"BLOB_UNKNOWN", 404}},
      {"ReferencedImagesNotFoundException", {"MANIFEST_BLOB_UNKNOWN", 404}},
      {"UploadNotFoundException", {"BLOB_UPLOAD_UNKNOWN", 404}},
      {"InvalidLayerException", {"DIGEST_INVALID", 400}},
      {"ImageDigestDoesNotMatchException", {"DIGEST_INVALID", 400}},
      {"InvalidLayerPartException", {"BLOB_UPLOAD_INVALID", 416}},
      {"ImageTagAlreadyExistsException", {"TAG_INVALID", 400}},
      {"AccessDeniedException", {"DENIED", 403}},
      {"InvalidParameterException", {"MANIFEST_INVALID", 400}},
  };
  for (const auto& row : table)
    if (row.name == error.name) return row.refusal;
  switch (error.code) {
    case Code::kNotFound: return {"UNKNOWN", 404};
    case Code::kDenied: return {"DENIED", 403};
    case Code::kLimit: return {"SIZE_INVALID", 413};
    case Code::kUnavailable:
    case Code::kTimeout: return {"UNAVAILABLE", 503};
    case Code::kInternal: return {"UNKNOWN", 500};
    default: return {"UNSUPPORTED", 400};
  }
}

HttpResponse RefuseAs(const Refusal& refusal, const std::string& message) {
  const Json error = Json::Object{{"code", refusal.code}, {"message", message}};
  const Json body = Json::Object{{"errors", Json(Json::Array{error})}};
  HttpResponse response = JsonResponse(refusal.status, body);
  response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}
HttpResponse Refuse(const Error& error) { return RefuseAs(RefusalOf(error), error.message); }

HttpResponse Plain(int status) {
  HttpResponse response;
  response.status = status;
  response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

/// "bytes=A-B" or "bytes=A-" of a blob of `size`; nullopt: none, or not of this form.
std::optional<std::pair<uint64_t, uint64_t>> ParseRange(std::string_view text, uint64_t size) {
  if (!text.starts_with("bytes=") || size == 0) return std::nullopt;
  const std::vector<std::string_view> ends = Split(text.substr(6), '-');
  if (ends.size() != 2) return std::nullopt;
  const std::optional<int64_t> first = ParseInt(ends[0]);
  const std::optional<int64_t> last =
      ends[1].empty() ? static_cast<int64_t>(size) - 1 : ParseInt(ends[1]);
  if (!first || !last || *first < 0 || *last < *first || static_cast<uint64_t>(*first) >= size)
    return std::nullopt;
  const uint64_t end = std::min(static_cast<uint64_t>(*last), size - 1);
  return std::pair(static_cast<uint64_t>(*first), end);
}

class RegistryFront : public FrontEnd {
 public:
  RegistryFront(Door& door, const Vault& vault, Clock& clock)
      : door_(door), vault_(vault), clock_(clock) {}

  bool Takes(const HttpRequest& request) const override {
    return request.path == "/v2" || request.path.starts_with("/v2/");
  }

  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    const std::optional<Path> path = registry::ParsePath(UrlDecode(request.path));
    if (!path) co_return RefuseAs({"UNSUPPORTED", 404}, "no such path: " + request.path);
    const Result<Guest> guest = Authenticate(request);
    if (!guest) {
      HttpResponse response = RefuseAs({"UNAUTHORIZED", 401}, guest.error().message);
      response.headers.Set("WWW-Authenticate", "Basic realm=\"https://" + request.host +
                                                   "/\",service=\"ecr.amazonaws.com\"");
      co_return response;
    }
    const bool reads = request.method == "GET" || request.method == "HEAD";
    switch (path->kind) {
      case Path::Kind::kBase: co_return reads ? Base() : NotHere(request);
      case Path::Kind::kBlob:
        if (reads) co_return co_await GetBlob(request, *guest, *path);
        co_return NotHere(request);
      case Path::Kind::kUploads:
        if (request.method == "POST") co_return co_await StartUpload(request, *guest, *path);
        co_return NotHere(request);
      case Path::Kind::kUpload: co_return co_await OnUpload(request, *guest, *path);
      case Path::Kind::kManifest:
        if (reads) co_return co_await GetManifest(request, *guest, *path);
        if (request.method == "PUT") co_return co_await PutManifest(request, *guest, *path);
        if (request.method == "DELETE") co_return co_await DeleteManifest(request, *guest, *path);
        co_return NotHere(request);
      case Path::Kind::kTags:
        if (reads) co_return co_await ListTags(request, *guest, *path);
        co_return NotHere(request);
    }
    co_return NotHere(request);
  }

 private:
  static HttpResponse NotHere(const HttpRequest& request) {
    return RefuseAs({"UNSUPPORTED", 405}, request.method + " is not supported here");
  }
  static HttpResponse Base() {
    HttpResponse response = JsonResponse(200, Json(Json::Object{}));
    response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
    return response;
  }

  /// The principal sealed into the password; the account and region of a real ECR host name win.
  Result<Guest> Authenticate(const HttpRequest& request) const {
    const Error refused{Code::kDenied, "UNAUTHORIZED",
                        "no basic auth credentials; the user is AWS, the password is that of aws "
                        "ecr get-login-password"};
    std::string sealed = request.Query("token").value_or("");
    const std::string_view header = request.headers.Get("authorization");
    if (sealed.empty()) {
      if (header.size() < 7 || !EqualsIgnoreCase(header.substr(0, 6), "Basic ")) return refused;
      const std::optional<std::string> pair = Unbase64(Trim(header.substr(6)));
      if (!pair || !pair->starts_with("AWS:")) return refused;
      sealed = pair->substr(4);
    }
    const Result<Secret> opened = vault_.Open(sealed, "ecr-authorization");
    if (!opened) return refused;
    MILL_TRY(const Json told, ParseJson(opened->Reveal()));
    if (MillisSinceEpoch(clock_.Now()) >= told.IntOr("expiresAt", 0))
      return Error{Code::kDenied, "UNAUTHORIZED",
                   "Your authorization token has expired. Reauthenticate and try again."};
    Guest guest;
    MILL_TRY(guest.principal, PrincipalFromJson(told["principal"]));
    guest.account = told.StringOr("account", "");
    guest.region = told.StringOr("region", "");
    const std::vector<std::string_view> labels = Split(request.host, '.');
    if (request.host.ends_with(kEcrSuffix) && labels.size() >= 6 && labels[1] == "dkr" &&
        labels[2] == "ecr") {
      guest.account = labels[0];
      guest.region = labels[3];
    }
    return guest;
  }

  Task<Answer> Ask(const HttpRequest& http, Guest guest, std::string operation, Json input,
                   ByteSource* body) {
    Request request;
    request.service = "ecr";
    request.operation = std::move(operation);
    request.principal = std::move(guest.principal);
    request.account = std::move(guest.account);
    request.region = std::move(guest.region);
    request.input = std::move(input);
    request.body = body;
    request.is_internal = true;
    request.source_ip = http.peer_ip;
    request.user_agent = std::string(http.headers.Get("user-agent"));
    return door_.Ask(std::move(request));
  }

  asio::awaitable<HttpResponse> GetBlob(HttpRequest& request, Guest guest, Path path) {
    const bool is_head = request.method == "HEAD";
    Json input = Json::Object{
        {"repositoryName", path.repository}, {"layerDigest", path.reference}, {"headOnly", true}};
    Result<Answer> about = co_await Ask(request, guest, "StreamLayer", input, nullptr);
    if (!about) co_return Refuse(about.error());
    const auto size = static_cast<uint64_t>(about->output.IntOr("size", 0));
    HttpResponse response = Plain(200);
    response.headers.Set("Content-Type", "application/octet-stream");
    response.headers.Set("Docker-Content-Digest", path.reference);
    response.headers.Set("Accept-Ranges", "bytes");
    response.headers.Set("ETag", "\"" + path.reference + "\"");
    if (is_head) {
      response.head_length = size;
      co_return response;
    }
    uint64_t length = size;
    input = input.Without("headOnly");
    if (const auto range = ParseRange(request.headers.Get("range"), size)) {
      length = range->second - range->first + 1;
      input = input.With("offset", range->first).With("length", length);
      response.status = 206;
      response.headers.Set("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                                std::to_string(range->second) + "/" +
                                                std::to_string(size));
    }
    Result<Answer> answer = co_await Ask(request, guest, "StreamLayer", input, nullptr);
    if (!answer) co_return Refuse(answer.error());
    response.stream = std::move(answer->body);
    response.stream_length = length;
    co_return response;
  }

  static HttpResponse UploadState(int status, const Path& path, const std::string& id,
                                  uint64_t size) {
    HttpResponse response = Plain(status);
    response.headers.Set("Location", "/v2/" + path.repository + "/blobs/uploads/" + id);
    response.headers.Set("Docker-Upload-UUID", id);
    response.headers.Set("Range", "0-" + std::to_string(size == 0 ? 0 : size - 1));
    return response;
  }
  static HttpResponse Created(const std::string& location, const std::string& digest) {
    HttpResponse response = Plain(201);
    response.headers.Set("Location", location);
    response.headers.Set("Docker-Content-Digest", digest);
    return response;
  }

  asio::awaitable<HttpResponse> StartUpload(HttpRequest& request, Guest guest, Path path) {
    const std::string mount = request.Query("mount").value_or("");
    const std::string from = request.Query("from").value_or("");
    const Json repository = Json::Object{{"repositoryName", path.repository}};
    if (!mount.empty() && !from.empty()) {
      const Json input = repository.With("layerDigest", mount).With("from", from);
      const Result<Answer> mounted = co_await Ask(request, guest, "MountLayer", input, nullptr);
      if (!mounted) co_return Refuse(mounted.error());
      if (mounted->output.BoolOr("mounted", false))
        co_return Created("/v2/" + path.repository + "/blobs/" + mount, mount);
    }
    const Result<Answer> started =
        co_await Ask(request, guest, "InitiateLayerUpload", repository, nullptr);
    if (!started) co_return Refuse(started.error());
    const std::string id = started->output.StringOr("uploadId", "");
    if (!request.Query("digest")) co_return UploadState(202, path, id, 0);
    path.reference = id;  // all of it in this one request
    co_return co_await FinishUpload(request, guest, path);
  }

  asio::awaitable<HttpResponse> OnUpload(HttpRequest& request, Guest guest, Path path) {
    const Json input =
        Json::Object{{"repositoryName", path.repository}, {"uploadId", path.reference}};
    if (request.method == "PUT") co_return co_await FinishUpload(request, guest, path);
    if (request.method == "PATCH") {
      const Result<Answer> grown = co_await Append(request, guest, path);
      if (!grown) co_return Refuse(grown.error());
      const auto size = static_cast<uint64_t>(grown->output.IntOr("size", 0));
      co_return UploadState(202, path, path.reference, size);
    }
    if (request.method == "GET") {
      const Result<Answer> state = co_await Ask(request, guest, "DescribeUpload", input, nullptr);
      if (!state) co_return Refuse(state.error());
      const auto size = static_cast<uint64_t>(state->output.IntOr("size", 0));
      co_return UploadState(204, path, path.reference, size);
    }
    if (request.method == "DELETE") {
      const Result<Answer> gone = co_await Ask(request, guest, "CancelUpload", input, nullptr);
      if (!gone) co_return Refuse(gone.error());
      co_return Plain(204);
    }
    co_return NotHere(request);
  }

  Task<Answer> Append(HttpRequest& request, Guest guest, Path path) {
    Json input = Json::Object{{"repositoryName", path.repository}, {"uploadId", path.reference}};
    const std::string_view range = request.headers.Get("content-range");  // "0-1023"
    if (!range.empty()) {
      const std::string_view first = Split(range, '-').front();
      if (const std::optional<int64_t> start = ParseInt(first))
        input = input.With("partFirstByte", *start);
    }
    return Ask(request, std::move(guest), "StreamLayerPart", std::move(input), request.body);
  }

  asio::awaitable<HttpResponse> FinishUpload(HttpRequest& request, Guest guest, Path path) {
    const std::string digest = request.Query("digest").value_or("");
    if (!digest.starts_with("sha256:"))
      co_return RefuseAs({"DIGEST_INVALID", 400}, "digest is sha256:<hex>, not '" + digest + "'");
    if (request.content_length.value_or(1) != 0) {
      const Result<Answer> grown = co_await Append(request, guest, path);
      if (!grown) co_return Refuse(grown.error());
    }
    const Json input = Json::Object{{"repositoryName", path.repository},
                                    {"uploadId", path.reference},
                                    {"layerDigests", Json(Json::Array{Json(digest)})}};
    const Result<Answer> done = co_await Ask(request, guest, "CompleteLayerUpload", input, nullptr);
    if (!done) co_return Refuse(done.error());
    co_return Created("/v2/" + path.repository + "/blobs/" + digest, digest);
  }

  static Json ImageId(const std::string& reference) {
    return Json::Object{{reference.starts_with("sha256:") ? "imageDigest" : "imageTag", reference}};
  }

  asio::awaitable<HttpResponse> GetManifest(HttpRequest& request, Guest guest, Path path) {
    const Json ids = Json::Array{ImageId(path.reference)};
    const Json input = Json::Object{{"repositoryName", path.repository}, {"imageIds", ids}};
    const Result<Answer> answer = co_await Ask(request, guest, "BatchGetImage", input, nullptr);
    if (!answer) co_return Refuse(answer.error());
    if (answer->output["images"].size() == 0)
      co_return RefuseAs({"MANIFEST_UNKNOWN", 404}, "Requested image not found");
    const Json image = answer->output["images"].At(0);
    const std::string manifest = image.StringOr("imageManifest", "");
    HttpResponse response = Plain(200);
    response.headers.Set("Content-Type", image.StringOr("imageManifestMediaType", ""));
    response.headers.Set("Docker-Content-Digest", image["imageId"].StringOr("imageDigest", ""));
    if (request.method == "HEAD") {
      response.head_length = manifest.size();
    } else {
      response.body = manifest;
    }
    co_return response;
  }

  asio::awaitable<HttpResponse> PutManifest(HttpRequest& request, Guest guest, Path path) {
    const Result<std::string> manifest = co_await ReadAll(*request.body, kManifestBytesMax);
    if (!manifest) co_return Refuse(manifest.error());
    const std::string digest = "sha256:" + Hex(Sha256(*manifest));
    const bool is_digest = path.reference.starts_with("sha256:");
    Json input = Json::Object{{"repositoryName", path.repository}, {"imageManifest", *manifest}};
    input = input.With(is_digest ? "imageDigest" : "imageTag", path.reference);
    const std::string_view media_type = request.headers.Get("content-type");
    if (!media_type.empty()) input = input.With("imageManifestMediaType", media_type);
    const Result<Answer> put = co_await Ask(request, guest, "PutImage", input, nullptr);
    // The registry's PUT may be repeated; ECR's PutImage says that it is there.
    if (!put && put.error().name != "ImageAlreadyExistsException") co_return Refuse(put.error());
    co_return Created("/v2/" + path.repository + "/manifests/" + digest, digest);
  }

  asio::awaitable<HttpResponse> DeleteManifest(HttpRequest& request, Guest guest, Path path) {
    const Json ids = Json::Array{ImageId(path.reference)};
    const Json input = Json::Object{{"repositoryName", path.repository}, {"imageIds", ids}};
    const Result<Answer> answer = co_await Ask(request, guest, "BatchDeleteImage", input, nullptr);
    if (!answer) co_return Refuse(answer.error());
    if (answer->output["failures"].size() > 0)
      co_return RefuseAs({"MANIFEST_UNKNOWN", 404}, "Requested image not found");
    co_return Plain(202);
  }

  asio::awaitable<HttpResponse> ListTags(HttpRequest& request, Guest guest, Path path) {
    const std::string last = request.Query("last").value_or("");
    const int64_t limit = ParseInt(request.Query("n").value_or("1000")).value_or(1000);
    std::vector<std::string> names;
    Json input = Json::Object{{"repositoryName", path.repository},
                              {"maxResults", 1000},
                              {"filter", Json::Object{{"tagStatus", "TAGGED"}}}};
    for (;;) {
      const Result<Answer> answer = co_await Ask(request, guest, "ListImages", input, nullptr);
      if (!answer) co_return Refuse(answer.error());
      for (const Json& id : answer->output["imageIds"].items())
        if (id.StringOr("imageTag", "") > last) names.push_back(id.StringOr("imageTag", ""));
      if (!answer->output.Has("nextToken")) break;
      input = input.With("nextToken", answer->output["nextToken"]);
    }
    std::sort(names.begin(), names.end());
    const bool is_cut = limit >= 0 && names.size() > static_cast<size_t>(limit);
    if (is_cut) names.resize(static_cast<size_t>(limit));
    Json::Array tags;
    for (const std::string& name : names) tags.push_back(name);
    HttpResponse response =
        JsonResponse(200, Json::Object{{"name", path.repository}, {"tags", tags}});
    response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
    if (is_cut && !names.empty())
      response.headers.Set("Link", "</v2/" + path.repository +
                                       "/tags/list?n=" + std::to_string(limit) +
                                       "&last=" + UrlEncode(names.back()) + ">; rel=\"next\"");
    co_return response;
  }

  Door& door_;
  const Vault& vault_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeRegistryFront(Door& door, const Vault& vault, Clock& clock) {
  return std::make_unique<RegistryFront>(door, vault, clock);
}

}  // namespace stepmill::wire
