#include "sim_server.h"

namespace stepmill::sim {
namespace {

Error Refuse() { return {Code::kInternal, "NotSimulated", "no repositories"}; }

struct None final : Repos {
  Task<> Create(RepoId) override { co_return Refuse(); }
  Task<> Remove(RepoId) override { co_return Refuse(); }
  std::string Path(const RepoId&) const override { return "/nonexistent"; }
  Task<std::vector<Ref>> Refs(RepoId) override { co_return Refuse(); }
  Task<std::string> Resolve(RepoId, std::string) override { co_return Refuse(); }
  Task<Commit> ReadCommit(RepoId, std::string) override { co_return Refuse(); }
  Task<std::string> ReadFile(RepoId, std::string, std::string, uint64_t) override {
    co_return Refuse();
  }
  Task<std::vector<std::string>> ListFiles(RepoId, std::string, std::string) override {
    co_return Refuse();
  }
  Task<std::vector<std::string>> ChangedFiles(RepoId, std::string, std::string, bool) override {
    co_return Refuse();
  }
  Task<std::optional<std::string>> MergeBase(RepoId, std::string, std::string) override {
    co_return Refuse();
  }
  Task<bool> IsAncestor(RepoId, std::string, std::string) override { co_return Refuse(); }
  Task<std::string> Merge(RepoId, MergeKind, std::string, std::string, std::string,
                          Signature) override {
    co_return Refuse();
  }
  Task<> UpdateRef(RepoId, std::string, std::string, std::string) override { co_return Refuse(); }
  Task<> UpdateRefs(RepoId, std::vector<RefChange>) override { co_return Refuse(); }
  Task<std::string> MakeTag(RepoId, std::string, std::string, std::string, Signature) override {
    co_return Refuse();
  }
  Task<std::string> ReadTag(RepoId, std::string) override { co_return Refuse(); }
  Task<TreeEntry> ReadEntry(RepoId, std::string, std::string) override { co_return Refuse(); }
  Task<std::vector<TreeDifference>> Differences(RepoId, std::string, std::string) override {
    co_return Refuse();
  }
  Task<std::string> Fetch(RepoId, std::string, std::string) override { co_return Refuse(); }
  Task<> Checkout(RepoId, std::string, int64_t, std::string, std::string) override {
    co_return Refuse();
  }
  Task<> ArchiveZip(RepoId, std::string, std::string) override { co_return Refuse(); }
};

}  // namespace

std::unique_ptr<Repos> NoRepos() { return std::make_unique<None>(); }

}  // namespace stepmill::sim
