// What executions cannot decide but must do: artifacts that move between git, zips and S3.
#include <unistd.h>

#include "archive/archive.h"
#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "repo/repo.h"
#include "service/ask.h"
#include "service/codepipeline/records.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codepipeline {
namespace {

constexpr uint64_t kInputFileBytesMax = 256 << 10;  // States Language: an execution's input
constexpr size_t kMessageCharactersMax = 2048;

Error Configuration(std::string message) {
  return {Code::kInvalid, "ConfigurationError", std::move(message)};
}

std::string TempPath(Ports& ports, const char* suffix) {
  return ports.data_dir + "/tmp/pipeline-" + ports.random.NewUuid() + suffix;
}

/// Removes a temporary file at the end of a block.
class TempFile {
 public:
  explicit TempFile(std::string path) : path_(std::move(path)) {}
  ~TempFile() { ::unlink(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<Asker> AskerOf(Ports& ports, const Json& what) {
  MILL_TRY(Principal principal, PrincipalFromJson(what["principal"]));
  return Asker{ports, std::move(principal), what.StringOr("account", ""),
               what.StringOr("region", "")};
}

struct Branch {
  std::string repository, branch, connection;
  std::string url;  ///< of another git server; empty: the built-in host
};

/// The repository and branch of a source action. A connection is asked for as the role.
Task<Branch> BranchOf(Asker asker, Json what) {
  const Json& configuration = what["configuration"];
  Branch branch;
  branch.branch = configuration.StringOr("BranchName", "");
  if (what.StringOr("provider", "") == "CodeCommit") {
    branch.repository = configuration.StringOr("RepositoryName", "");
    co_return branch;
  }
  branch.connection = configuration.StringOr("ConnectionArn", "");
  const bool is_older = branch.connection.starts_with("arn:aws:codestar-connections:");
  const std::string service = is_older ? "codestar-connections" : "codeconnections";
  const Json input = Json::Object{{"ConnectionArn", branch.connection}};
  MILL_CO_TRY(const Json answer, co_await AskService(asker, service, "UseConnection", input));
  const std::string status = answer["Connection"].StringOr("ConnectionStatus", "");
  if (status != "AVAILABLE")
    co_return Configuration("The connection " + branch.connection + " is " + status +
                            ", not AVAILABLE");
  const std::string id = configuration.StringOr("FullRepositoryId", "");
  const size_t slash = id.rfind('/');
  branch.repository = slash == id.npos ? id : id.substr(slash + 1);
  std::string endpoint = answer.StringOr("ProviderEndpoint", "");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.empty()) branch.url = endpoint + "/" + id + ".git";
  co_return branch;
}

/// Where a branch's commit can be read, and which one it is.
struct Tip {
  RepoId repo;
  std::string commit;
};

Task<Tip> TipOf(Asker asker, Branch branch, std::string wanted) {
  // Whoever may use a connection may read what it leads to.
  if (!branch.connection.empty())
    asker.principal = ServicePrincipal("codepipeline.amazonaws.com", asker.account);
  Tip tip{{asker.account, asker.region, branch.repository}, wanted};
  if (!branch.url.empty()) {
    if (!wanted.empty())
      co_return Configuration("A source revision cannot be chosen on another git host");
    // No repository of the account has a slash in its name.
    tip.repo.name = "mirror/" + Hex(Sha256(branch.url)).substr(0, 32);
    Result<std::string> fetched =
        co_await asker.ports.repos.Fetch(tip.repo, branch.url, branch.branch);
    if (!fetched) co_return Configuration(fetched.error().message);
    tip.commit = *std::move(fetched);
  } else if (wanted.empty()) {
    const Json input =
        Json::Object{{"repositoryName", branch.repository}, {"branchName", branch.branch}};
    MILL_CO_TRY(const Json answer, co_await AskService(asker, "codecommit", "GetBranch", input));
    tip.commit = answer["branch"].StringOr("commitId", "");
  } else {
    const Json input = Json::Object{{"repositoryName", branch.repository}, {"commitId", wanted}};
    MILL_CO_CHECK(co_await AskService(asker, "codecommit", "GetCommit", input));
  }
  co_return tip;
}

/// git's date with an offset as CodePipeline prints it: "2022-07-18T01:02:03Z".
std::string UtcOf(const std::string& date) {
  const Result<Time> time = ParseIso(date);
  return time ? FormatIso(*time, false) : date;
}

Json RevisionOf(const Json& artifact, const std::string& id, const std::string& summary, double now,
                const std::string& url) {
  Json::Object revision;
  revision.Set("name", artifact["name"]);
  revision.Set("revisionId", id);
  if (!summary.empty())
    revision.Set("revisionSummary", TruncateUtf8(summary, kMessageCharactersMax));
  revision.Set("created", now);
  if (!url.empty()) revision.Set("revisionUrl", url);
  return revision;
}

/// A branch's tip (or the commit that was asked for) as a zip in the artifact bucket.
Task<Json> FetchBranch(Asker asker, Json what, std::string effect_id) {
  MILL_CO_TRY(const Branch branch, co_await BranchOf(asker, what));
  const Json artifact = what["outputs"].At(0);
  MILL_CO_TRY(const Tip tip,
              co_await TipOf(asker, branch, what["revision"].StringOr("revisionValue", "")));
  MILL_CO_TRY(const Commit commit, co_await asker.ports.repos.ReadCommit(tip.repo, tip.commit));
  const TempFile zip(TempPath(asker.ports, ".zip"));
  MILL_CO_CHECK(co_await asker.ports.repos.ArchiveZip(tip.repo, tip.commit, zip.path()));
  MILL_CO_TRY(
      const Json stored,
      co_await StoreObject(asker, zip.path(), artifact.StringOr("bucket", ""),
                           artifact.StringOr("key", ""), "application/zip", effect_id + "/put"));
  const std::string message(Trim(commit.message));
  Json::Object variables;
  variables.Set("AuthorDate", UtcOf(commit.author_date));
  variables.Set("BranchName", branch.branch);
  variables.Set("CommitId", tip.commit);
  variables.Set("CommitMessage", message);
  std::string summary = message;
  if (branch.connection.empty()) {
    variables.Set("CommitterDate", UtcOf(commit.committer_date));
    variables.Set("RepositoryName", branch.repository);
  } else {
    variables.Set("ConnectionArn", branch.connection);
    variables.Set("FullRepositoryName", what["configuration"]["FullRepositoryId"]);
    summary = Json(Json::Object{{"ProviderType", "GitHub"}, {"CommitMessage", message}}).Print();
  }
  const double now = SecondsSinceEpoch(asker.ports.clock.Now());
  Json output = Json::Object{{"variables", variables},
                             {"revision", RevisionOf(artifact, tip.commit, summary, now, "")}};
  // Statuses are kept for commits of the built-in host.
  if (branch.url.empty())
    output = output.With(
        "source", Json::Object{{"repositoryName", branch.repository}, {"commitId", tip.commit}});
  co_return output;
}

/// A zip that already stands in S3, copied into the artifact bucket.
Task<Json> FetchSourceObject(Asker asker, Json what, std::string effect_id) {
  const Json artifact = what["outputs"].At(0);
  const std::string bucket = what["configuration"].StringOr("S3Bucket", "");
  const std::string key = what["configuration"].StringOr("S3ObjectKey", "");
  Json head_input = Json::Object{{"Bucket", bucket}, {"Key", key}};
  if (what["revision"].is_object())
    head_input = head_input.With("VersionId", what["revision"]["revisionValue"]);
  MILL_CO_TRY(const Json head, co_await AskService(asker, "s3", "HeadObject", head_input));
  const TempFile zip(TempPath(asker.ports, ".zip"));
  MILL_CO_CHECK(co_await FetchObject(asker, bucket, key, zip.path()));
  MILL_CO_TRY(
      const Json stored,
      co_await StoreObject(asker, zip.path(), artifact.StringOr("bucket", ""),
                           artifact.StringOr("key", ""), "application/zip", effect_id + "/put"));
  const std::string etag = ReplaceAll(head.StringOr("ETag", ""), "\"", "");
  const std::string version = head.StringOr("VersionId", etag);
  Json::Object variables;
  variables.Set("BucketName", bucket);
  variables.Set("ObjectKey", key);
  variables.Set("ETag", etag);
  variables.Set("VersionId", version);
  const double now = SecondsSinceEpoch(asker.ports.clock.Now());
  co_return Json::Object{
      {"variables", variables},
      {"revision", RevisionOf(artifact, version, "Amazon S3 version id: " + version, now, "")}};
}

Task<Json> PerformSource(Ports& ports, Engine::Performance performance) {
  MILL_CO_TRY(const Asker asker, AskerOf(ports, performance.what));
  if (performance.what.StringOr("provider", "") == "S3")
    co_return co_await FetchSourceObject(asker, performance.what, performance.effect_id);
  co_return co_await FetchBranch(asker, performance.what, performance.effect_id);
}

/// StartExecution whose input is a file of the input artifact.
Task<Json> PerformStart(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  if (what["inputs"].size() == 0)
    co_return Configuration("InputType FilePath needs an input artifact");
  const Json artifact = what["inputs"].At(0);
  const TempFile zip(TempPath(ports, ".zip"));
  MILL_CO_CHECK(co_await FetchObject(asker, artifact.StringOr("bucket", ""),
                                     artifact.StringOr("key", ""), zip.path()));
  const std::string path = what.StringOr("path", "");
  Result<std::string> text = co_await ports.archive.ReadEntry(zip.path(), path, kInputFileBytesMax);
  if (!text && text.error().code == Code::kNotFound)
    co_return Configuration("The input artifact " + artifact.StringOr("name", "") +
                            " has no file '" + path + "'");
  if (!text) co_return text.error();
  const Json input = Json::Object{{"stateMachineArn", what["configuration"]["StateMachineArn"]},
                                  {"name", what["name"]},
                                  {"input", *text}};
  co_return co_await AskService(asker, "states", "StartExecution", input,
                                performance.effect_id + "/start");
}

/// An execution's output as an artifact: a zip with one JSON file.
Task<Json> PerformOutput(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  const Json artifact = what["outputs"].At(0);
  const TempFile json(TempPath(ports, ".json"));
  const TempFile zip(TempPath(ports, ".zip"));
  MILL_CO_TRY(const BlobInfo blob, co_await WriteBlob(ports.blobs, what.StringOr("text", "{}")));
  MILL_CO_CHECK(co_await ports.blobs.Export(blob.id, json.path()));
  MILL_CO_CHECK(co_await ports.blobs.Remove(blob.id));
  std::vector<Archive::Entry> entries;
  entries.push_back({"output.json", json.path()});
  MILL_CO_CHECK(co_await ports.archive.Pack(Archive::Format::kZip, std::move(entries), zip.path()));
  co_return co_await StoreObject(asker, zip.path(), artifact.StringOr("bucket", ""),
                                 artifact.StringOr("key", ""), "application/zip",
                                 performance.effect_id + "/put");
}

}  // namespace

void AddPerformers(Ports& ports) {
  ports.engine.AddPerformer(std::string(kSourcePerformer),
                            [&ports](Engine::Performance performance) {
                              return PerformSource(ports, std::move(performance));
                            });
  ports.engine.AddPerformer(std::string(kStartPerformer),
                            [&ports](Engine::Performance performance) {
                              return PerformStart(ports, std::move(performance));
                            });
  ports.engine.AddPerformer(std::string(kOutputPerformer),
                            [&ports](Engine::Performance performance) {
                              return PerformOutput(ports, std::move(performance));
                            });
}

}  // namespace stepmill::codepipeline
