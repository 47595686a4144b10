#include "wire/registry/mirror_front.h"

#include "base/strings.h"
#include "wire/registry/path.h"

namespace stepmill::wire {
namespace {

using registry::Path;

HttpResponse Refuse(int status, const char* code, const std::string& message) {
  const Json error = Json::Object{{"code", code}, {"message", message}};
  HttpResponse response = JsonResponse(status, Json::Object{{"errors", Json(Json::Array{error})}});
  response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

HttpResponse RefuseFor(const Error& error, const char* code) {
  return error.code == Code::kNotFound ? Refuse(404, code, error.message)
                                       : Refuse(500, "UNKNOWN", error.message);
}

HttpResponse Found(const std::string& type, const std::string& digest) {
  HttpResponse response;
  response.headers.Set("Docker-Distribution-Api-Version", "registry/2.0");
  response.headers.Set("Content-Type", type);
  response.headers.Set("Docker-Content-Digest", digest);
  return response;
}

class MirrorFront final : public FrontEnd {
 public:
  explicit MirrorFront(ImageMirror& mirror) : mirror_(mirror) {}

  bool Takes(const HttpRequest& request) const override { return request.host == kMirrorHost; }

  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    const auto path = registry::ParsePath(UrlDecode(request.path));
    const bool is_head = request.method == "HEAD";
    if (!path) co_return Refuse(404, "NAME_UNKNOWN", "no such path: " + request.path);
    if (!is_head && request.method != "GET")
      co_return Refuse(405, "UNSUPPORTED", "the mirror of local images only reads");
    if (path->kind == Path::Kind::kBase) co_return JsonResponse(200, Json(Json::Object{}));
    if (path->kind == Path::Kind::kManifest) co_return co_await Manifest(*path, is_head);
    if (path->kind == Path::Kind::kBlob) co_return co_await Blob(*path, is_head);
    co_return Refuse(404, "UNSUPPORTED", "the mirror of local images has no such list");
  }

 private:
  asio::awaitable<HttpResponse> Manifest(Path path, bool is_head) {
    const char* mark = path.reference.starts_with("sha256:") ? "@" : ":";
    const std::string image = path.repository + mark + path.reference;
    const auto found = co_await mirror_.FindManifest(image);
    if (!found) co_return RefuseFor(found.error(), "MANIFEST_UNKNOWN");
    HttpResponse response = Found(found->media_type, found->digest);
    if (is_head)
      response.head_length = found->text.size();
    else
      response.body = found->text;
    co_return response;
  }

  asio::awaitable<HttpResponse> Blob(Path path, bool is_head) {
    auto found = co_await mirror_.OpenBlob(path.reference);
    if (!found) co_return RefuseFor(found.error(), "BLOB_UNKNOWN");
    HttpResponse response = Found("application/octet-stream", path.reference);
    if (is_head) {
      response.head_length = found->size_bytes;
    } else {
      response.stream_length = found->size_bytes;
      response.stream = std::move(found->bytes);
    }
    co_return response;
  }

  ImageMirror& mirror_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeMirrorFront(ImageMirror& mirror) {
  return std::make_unique<MirrorFront>(mirror);
}

}  // namespace stepmill::wire
