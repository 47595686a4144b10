#pragma once

#include "engine/engine.h"
#include "repo/repo.h"
#include "service/ask.h"
#include "service/log_pump.h"

/// What a build does outside. Each performer may be called again after a crash and then does
/// nothing twice: jobs and steps have ids, objects are written under an effect id.
namespace stepmill::codebuild {

/// Registers all of them.
void AddPerformers(Ports& ports);

/// The build's service role in the build's account and region.
Result<Asker> AskerOf(Ports& ports, const Json& build);
LogTarget LogTargetOf(const Json& build);

Task<Json> Provision(Ports& ports, Json what);
/// Stages the sources, reads the buildspec, sets the environment up. {"spec", "lines",
/// "resolvedSourceVersion"}.
Task<Json> DownloadSource(Ports& ports, Json what);
Task<Json> RunCommand(Ports& ports, Json what);
Task<Json> UploadArtifacts(Ports& ports, Json what, std::string effect_id);
/// {"NAME": value} of the variables of the project that are not plain text, and those of `spec`.
Task<std::map<std::string, Secret>> SecretVariables(Asker asker, Json build, Json spec);

/// What a batch's buildspec wants, as lang/buildspec/batch.h gives it, and the commit.
Task<Json> ReadBatchSpec(Ports& ports, Json what);
/// The commit that a source version names: branch, tag, commit, pr/N, refs/..., refs/heads/b^{SHA}.
Task<std::string> ResolveVersion(Asker asker, RepoId repo, std::string version);

}  // namespace stepmill::codebuild
