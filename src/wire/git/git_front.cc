#include "wire/git/git_front.h"

#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "io/files.h"
#include "io/process.h"
#include "wire/git/gunzip.h"
#include "wire/git/limits.h"

namespace stepmill::wire {
namespace {

struct Target {
  std::string repository;
  std::string action;  ///< "info/refs", "git-upload-pack", "git-receive-pack"
};

/// "/git/[OWNER/]NAME[.git]/ACTION" or "/v1/repos/NAME[.git]/ACTION".
std::optional<Target> ParsePath(const std::string& encoded) {
  const std::string path = UrlDecode(encoded);
  std::string_view rest = path;
  bool takes_owner = false;
  if (rest.starts_with("/git/")) {
    rest.remove_prefix(5);
    takes_owner = true;
  } else if (rest.starts_with("/v1/repos/")) {
    rest.remove_prefix(10);
  } else {
    return std::nullopt;
  }
  for (const std::string_view action : {"info/refs", "git-upload-pack", "git-receive-pack"}) {
    if (!rest.ends_with(action)) continue;
    std::string_view name = rest.substr(0, rest.size() - action.size());
    if (!name.ends_with('/')) continue;
    name.remove_suffix(1);
    if (name.ends_with(".git")) name.remove_suffix(4);
    const size_t slash = name.find('/');
    if (slash != name.npos && takes_owner) name.remove_prefix(slash + 1);
    if (name.empty() || name.find('/') != name.npos) return std::nullopt;
    return Target{std::string(name), std::string(action)};
  }
  return std::nullopt;
}

HttpResponse Refuse(int status, const std::string& text) {
  return TextResponse(status, text + "\n");  // git shows text/plain to its user
}

HttpResponse RefuseWith(const Error& error, const std::string& repository) {
  if (error.name == "RepositoryDoesNotExistException")
    return Refuse(404, "repository '" + repository +
                           "' does not exist; make it first: aws codecommit create-repository "
                           "--repository-name " +
                           repository);
  switch (error.code) {
    case Code::kDenied: return Refuse(403, error.message);
    case Code::kNotFound: return Refuse(404, error.message);
    case Code::kLimit: return Refuse(413, error.message);
    case Code::kInvalid: return Refuse(400, error.message);
    default: return Refuse(500, error.message);
  }
}

std::string PacketLine(const std::string& text) {
  char length[5];
  std::snprintf(length, sizeof length, "%04zx", text.size() + 4);
  return length + text;
}

void ForbidCaching(HttpResponse& response) {
  response.headers.Set("Cache-Control", "no-cache, max-age=0, must-revalidate");
  response.headers.Set("Pragma", "no-cache");
}

class GitFront : public FrontEnd {
 public:
  GitFront(io::Loop& loop, Door& door, Authenticator& authenticator, std::string temp_dir)
      : loop_(loop), door_(door), authenticator_(authenticator), temp_dir_(std::move(temp_dir)) {}

  bool Takes(const HttpRequest& request) const override {
    return request.path.starts_with("/git/") || request.path.starts_with("/v1/repos/");
  }

  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    const std::optional<Target> target = ParsePath(request.path);
    if (!target)
      co_return Refuse(404, "no such path; repositories are at /git/NAME.git and /v1/repos/NAME");
    const std::string service =
        target->action == "info/refs" ? request.Query("service").value_or("") : target->action;
    if (service != "git-upload-pack" && service != "git-receive-pack")
      co_return Refuse(403,
                       "only git's smart protocol is served (service=git-upload-pack or "
                       "git-receive-pack)");
    const bool is_read = target->action == "info/refs";
    if (is_read ? request.method != "GET" : request.method != "POST")
      co_return Refuse(405, request.method + " is not used here");
    const Result<Caller> caller = co_await authenticator_.Basic(request);
    if (!caller) {
      HttpResponse response =
          Refuse(401, "give an access key id as user name and its secret as password: " +
                          caller.error().message);
      response.headers.Set("WWW-Authenticate", "Basic realm=\"stepmill\", charset=\"UTF-8\"");
      co_return response;
    }
    const bool is_push = service == "git-receive-pack";
    const Result<Json> allowed =
        co_await Ask(*caller, is_push ? "GitPush" : "GitPull", target->repository, request);
    if (!allowed) co_return RefuseWith(allowed.error(), target->repository);
    const std::string path = allowed->StringOr("path", "");
    const std::string protocol(request.headers.Get("git-protocol"));
    if (is_read) co_return co_await Advertise(service, path, protocol);
    if (!is_push) co_return co_await Fetch(request, path, protocol);
    HttpResponse response = co_await Push(request, path, protocol, caller->principal);
    // Also after a push that failed: some of its refs may have moved.
    const Result<Json> published =
        co_await Ask(*caller, "PublishRefs", target->repository, request);
    if (!published) co_return RefuseWith(published.error(), target->repository);
    co_return response;
  }

 private:
  Task<Json> Ask(Caller caller, std::string operation, std::string repository,
                 const HttpRequest& http) {
    Request request;
    request.service = "codecommit";
    request.operation = std::move(operation);
    request.principal = std::move(caller.principal);
    request.account = std::move(caller.account);
    request.region = std::move(caller.region);
    request.input = Json::Object{{"repositoryName", repository}};
    request.is_internal = true;
    request.source_ip = http.peer_ip;
    request.user_agent = std::string(http.headers.Get("user-agent"));
    MILL_CO_TRY(const Answer answer, co_await door_.Ask(std::move(request)));
    co_return answer.output;
  }

  io::ProcessSpec Git(const std::string& service, std::vector<std::string> options,
                      const std::string& path, const std::string& protocol) const {
    io::ProcessSpec spec;
    spec.argv = {
        "git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsync=all", service.substr(4)};
    for (std::string& option : options) spec.argv.push_back(std::move(option));
    spec.argv.push_back(path);
    spec.inherits_env = false;
    spec.env = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                {"HOME", "/nonexistent"},
                {"GIT_CONFIG_NOSYSTEM", "1"},
                {"GIT_CONFIG_GLOBAL", "/dev/null"},
                {"GIT_TERMINAL_PROMPT", "0"},
                {"LC_ALL", "C.UTF-8"}};
    if (!protocol.empty()) spec.env["GIT_PROTOCOL"] = protocol;
    return spec;
  }

  asio::awaitable<HttpResponse> Advertise(std::string service, std::string path,
                                          std::string protocol) {
    io::ProcessLimits limits;
    limits.output_max = git::kAdvertisementBytesMax;
    std::vector<std::string> options;
    options.push_back("--stateless-rpc");
    options.push_back("--http-backend-info-refs");
    io::ProcessSpec spec = Git(service, std::move(options), path, protocol);
    const Result<std::string> refs = co_await io::RunChecked(loop_, std::move(spec), "", limits);
    if (!refs) co_return RefuseWith(refs.error(), path);
    HttpResponse response;
    // Version 2 has no line of its own in front of the capabilities.
    if (protocol.find("version=2") == std::string::npos || service == "git-receive-pack")
      response.body = PacketLine("# service=" + service + "\n") + "0000";
    response.body += *refs;
    response.headers.Set("Content-Type", "application/x-" + service + "-advertisement");
    ForbidCaching(response);
    co_return response;
  }

  /// What a fetch asks for is small and must be whole before git reads it; what it gets is
  /// streamed.
  asio::awaitable<HttpResponse> Fetch(HttpRequest& request, std::string path,
                                      std::string protocol) {
    std::unique_ptr<ByteSource> unpacked;
    if (request.headers.Get("content-encoding") == "gzip")
      unpacked = git::Gunzip(*request.body, git::kFetchRequestBytesMax);
    ByteSource& body = unpacked ? *unpacked : *request.body;
    const Result<std::string> wants = co_await ReadAll(body, git::kFetchRequestBytesMax);
    if (!wants) co_return RefuseWith(wants.error(), path);
    const std::string file = temp_dir_ + "/fetch-" + loop_.random().NewUuid();
    const Result<> written = io::WriteFile(file, *wants, false);
    if (!written) co_return RefuseWith(written.error(), path);
    std::vector<std::string> options;
    options.push_back("--stateless-rpc");
    io::ProcessSpec spec = Git("git-upload-pack", std::move(options), path, protocol);
    spec.input_path = file;
    Result<std::unique_ptr<ByteSource>> pack = io::StreamProcess(loop_, std::move(spec));
    ::unlink(file.c_str());
    if (!pack) co_return RefuseWith(pack.error(), path);
    HttpResponse response;
    response.stream = *std::move(pack);
    response.headers.Set("Content-Type", "application/x-git-upload-pack-result");
    ForbidCaching(response);
    co_return response;
  }

  /// The pack streams into git; the short answer waits until the new refs are published.
  asio::awaitable<HttpResponse> Push(HttpRequest& request, std::string path, std::string protocol,
                                     Principal pusher) {
    std::unique_ptr<ByteSource> unpacked;
    if (request.headers.Get("content-encoding") == "gzip")
      unpacked = git::Gunzip(*request.body, git::kPushBytesMax);
    ByteSource& body = unpacked ? *unpacked : *request.body;
    std::vector<std::string> options;
    options.push_back("--stateless-rpc");
    io::ProcessSpec spec = Git("git-receive-pack", std::move(options), path, protocol);
    const size_t slash = pusher.arn.rfind('/');
    const std::string name =
        slash == pusher.arn.npos ? std::string("root") : pusher.arn.substr(slash + 1);
    spec.env["REMOTE_USER"] = name;
    spec.env["GIT_COMMITTER_NAME"] = name;
    spec.env["GIT_COMMITTER_EMAIL"] = name + "@example.com";
    Result<std::unique_ptr<io::Process>> process = io::Process::Start(loop_, std::move(spec));
    if (!process) co_return RefuseWith(process.error(), path);
    (*process)->FeedFrom(body);
    HttpResponse response;
    for (;;) {
      const Result<std::string> bytes = co_await (*process)->ReadOutput();
      if (!bytes) co_return RefuseWith(bytes.error(), path);
      if (bytes->empty()) break;
      response.body += *bytes;
      if (response.body.size() > git::kPushAnswerBytesMax) (*process)->Kill(9);
    }
    const Result<int> code = co_await (*process)->Wait();
    if (!code) co_return RefuseWith(code.error(), path);
    if (*code != 0 && response.body.empty()) {
      const Result<std::string> errors = co_await (*process)->ReadErrors();
      co_return Refuse(500, "git receive-pack ended with " + std::to_string(*code) + ": " +
                                (errors ? std::string(Trim(*errors)) : std::string()));
    }
    response.headers.Set("Content-Type", "application/x-git-receive-pack-result");
    ForbidCaching(response);
    co_return response;
  }

  io::Loop& loop_;
  Door& door_;
  Authenticator& authenticator_;
  std::string temp_dir_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeGitFront(io::Loop& loop, Door& door, Authenticator& authenticator,
                                       std::string temp_dir) {
  return std::make_unique<GitFront>(loop, door, authenticator, std::move(temp_dir));
}

}  // namespace stepmill::wire
