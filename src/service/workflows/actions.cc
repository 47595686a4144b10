#include "service/workflows/actions.h"

#include "base/strings.h"

namespace stepmill::workflows {
namespace {

std::string Quote(std::string_view text) { return "'" + ReplaceAll(text, "'", "'\\''") + "'"; }

std::string Input(const workflow::ResolvedStep& step, std::string_view name,
                  std::string_view other = "") {
  for (const auto& [key, value] : step.with)
    if (EqualsIgnoreCase(key, name) && !value.empty()) return value;
  return std::string(other);
}

/// Majors of "v2", "v2.1.0"; branches and commits count as the newest.
int64_t MajorOf(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  return ParseInt(version.substr(0, version.find('.'))).value_or(99);
}

/// actions/checkout: the commit of the run (or `ref`) in the workspace (or `path`), with `origin`
/// and credentials for a later push.
Result<std::string> Checkout(const workflow::ResolvedStep& step, const ActionFacts& facts) {
  std::string repository = Input(step, "repository", facts.repository);
  repository = repository.substr(repository.rfind('/') + 1);
  const bool is_own = repository == facts.repository;
  const std::string wanted = Input(step, "ref");
  const std::string depth = Input(step, "fetch-depth", "1");
  const std::string token = Input(step, "token", facts.token);
  std::string from, checkout;
  if (wanted.empty() && is_own) {
    // A pull request is checked out detached at its merge, a branch as that branch.
    const bool is_branch = facts.ref.starts_with("refs/heads/");
    const std::string branch = is_branch ? facts.ref.substr(11) : "";
    const std::string local = is_branch ? "refs/remotes/origin/" + branch
                              : facts.ref.starts_with("refs/pull/")
                                  ? "refs/remotes/" + facts.ref.substr(5)
                                  : facts.ref;
    const bool has_ref = facts.ref.starts_with("refs/");
    from = "+" + facts.sha + (has_ref ? ":" + local : "");
    checkout = is_branch ? "git checkout --quiet --force -B " + Quote(branch) + " " + Quote(local)
                         : "git checkout --quiet --force --detach " + Quote(facts.sha);
  } else {
    from = wanted.empty() ? "HEAD" : wanted;
    checkout = "git checkout --quiet --force --detach FETCH_HEAD";
    if (!wanted.empty() && !wanted.starts_with("refs/") && wanted.size() != 40)
      checkout = "if git show-ref --quiet --verify " + Quote("refs/remotes/origin/" + wanted) +
                 "; then git checkout --quiet --force -B " + Quote(wanted) + " " +
                 Quote("refs/remotes/origin/" + wanted) + "; else " + checkout + "; fi";
  }
  const std::string url = facts.server_url + "/git/" + repository + ".git";
  const std::string header = "http." + facts.server_url + "/.extraheader";
  const bool is_persistent = Input(step, "persist-credentials", "true") != "false";
  std::string script;
  script += "echo " + Quote("::add-mask::" + token) + "\n";
  script += "folder=\"$GITHUB_WORKSPACE\"/" + Quote(Input(step, "path", ".")) + "\n";
  script += "mkdir -p \"$folder\"\ncd \"$folder\"\n";
  script += "git config --global --add safe.directory \"$PWD\"\n";
  if (Input(step, "clean", "true") != "false")
    script +=
        "if [ -d .git ]; then git clean -ffdx --quiet; git reset --hard --quiet || true; fi\n";
  script += "echo " + Quote("Syncing repository: " + repository) + "\n";
  script += "git init --quiet .\n";
  script += "git remote remove origin 2>/dev/null || true\n";
  script += "git remote add origin " + Quote(url) + "\n";
  script += "git config --local gc.auto 0\n";
  script +=
      "git config --local " + Quote(header) + " " + Quote("AUTHORIZATION: basic " + token) + "\n";
  script += "git -c protocol.version=2 fetch --no-tags --prune --no-progress --quiet";
  if (depth != "0") script += " --depth=" + Quote(depth);
  script += " origin " + Quote(from);
  if (depth == "0" || !wanted.empty()) script += " '+refs/heads/*:refs/remotes/origin/*'";
  if (depth == "0") script += " '+refs/tags/*:refs/tags/*'";
  script += "\n" + checkout + "\n";
  const std::string submodules = Input(step, "submodules", "false");
  if (submodules == "true" || submodules == "recursive")
    script += std::string("git submodule update --init --force --depth=1") +
              (submodules == "recursive" ? " --recursive" : "") + "\n";
  if (Input(step, "lfs", "false") == "true") script += "git lfs pull\n";
  if (!is_persistent) script += "git config --local --unset-all " + Quote(header) + "\n";
  script += "git log -1 --format='%H %s'\n";
  script += "echo \"commit=$(git rev-parse HEAD)\" >> \"$GITHUB_OUTPUT\"\n";
  script +=
      "echo " + Quote("ref=" + (wanted.empty() ? facts.ref : wanted)) + " >> \"$GITHUB_OUTPUT\"\n";
  return script;
}

/// aws-actions/configure-aws-credentials: keys, or a role taken on with what there is.
Result<std::string> ConfigureCredentials(const workflow::ResolvedStep& step, int64_t major) {
  const std::string region = Input(step, "aws-region");
  if (region.empty())
    return Error{Code::kInvalid, "InvalidAction", "Input required and not supplied: aws-region"};
  const std::string id = Input(step, "aws-access-key-id"),
                    secret = Input(step, "aws-secret-access-key");
  const std::string token = Input(step, "aws-session-token"), role = Input(step, "role-to-assume");
  if (id.empty() != secret.empty())
    return Error{Code::kInvalid, "InvalidAction",
                 "'aws-secret-access-key' must be provided if 'aws-access-key-id' is provided"};
  if (id.empty() && role.empty())
    return Error{Code::kInvalid, "InvalidAction",
                 "Credentials could not be loaded, please check your action inputs: Could not load "
                 "credentials from any providers"};
  std::string script =
      "export AWS_REGION=" + Quote(region) + " AWS_DEFAULT_REGION=" + Quote(region) + "\n";
  if (!id.empty()) {
    script += "unset AWS_SESSION_TOKEN AWS_PROFILE\n";
    script +=
        "export AWS_ACCESS_KEY_ID=" + Quote(id) + " AWS_SECRET_ACCESS_KEY=" + Quote(secret) + "\n";
    if (!token.empty()) script += "export AWS_SESSION_TOKEN=" + Quote(token) + "\n";
  }
  if (!role.empty()) {
    const std::string session = Input(step, "role-session-name", "GitHubActions");
    const std::string seconds = Input(step, "role-duration-seconds", "3600");
    script += "keys=$(aws sts assume-role --role-arn " + Quote(role) + " --role-session-name " +
              Quote(session) + " --duration-seconds " + Quote(seconds) +
              " --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text)\n";
    script += "read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< \"$keys\"\n";
    script += "export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN\n";
  }
  script +=
      "for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do\n"
      "  if [ -n \"${!name:-}\" ]; then echo \"::add-mask::${!name}\"; fi\n"
      "done\n"
      "account=$(aws sts get-caller-identity --query Account --output text)\n";
  if (Input(step, "mask-aws-account-id", major <= 3 ? "true" : "false") == "true")
    script += "echo \"::add-mask::$account\"\n";
  script +=
      "echo \"aws-account-id=$account\" >> \"$GITHUB_OUTPUT\"\n"
      "for name in AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY "
      "AWS_SESSION_TOKEN; do\n"
      "  echo \"$name=${!name:-}\" >> \"$GITHUB_ENV\"\n"
      "done\n"
      "echo \"Authenticated as assumedRoleId or user of the account\"\n";
  return script;
}

/// actions/setup-python: the tool cache, else the system's interpreter.
Result<std::string> SetupPython(const workflow::ResolvedStep& step) {
  const std::string version = Input(step, "python-version");
  const std::string file = Input(step, "python-version-file", ".python-version");
  std::string script = "wanted=" + Quote(version) + "\n";
  script += "if [ -z \"$wanted\" ] && [ -f " + Quote(file) + " ]; then wanted=$(head -n 1 " +
            Quote(file) + "); fi\n";
  script +=
      "major_minor=${wanted%.x}\n"
      "found=\n"
      "for folder in \"$RUNNER_TOOL_CACHE\"/Python/${major_minor:-3}*/x64; do\n"
      "  if [ -f \"$folder.complete\" ]; then found=$folder; fi\n"
      "done\n"
      "if [ -n \"$found\" ]; then\n"
      "  echo \"$found\" >> \"$GITHUB_PATH\"; echo \"$found/bin\" >> \"$GITHUB_PATH\"\n"
      "  echo \"pythonLocation=$found\" >> \"$GITHUB_ENV\"\n"
      "  echo \"LD_LIBRARY_PATH=$found/lib\" >> \"$GITHUB_ENV\"\n"
      "  python=$found/bin/python3; export LD_LIBRARY_PATH=$found/lib\n"
      "else\n"
      "  python=$(command -v \"python$major_minor\" || command -v python3) || { echo "
      "'::error::This image has no python3'; exit 1; }\n"
      "  shim=$RUNNER_TEMP/_python; mkdir -p \"$shim\"\n"
      "  ln -sf \"$python\" \"$shim/python\"; ln -sf \"$python\" \"$shim/python3\"\n"
      "  echo \"$shim\" >> \"$GITHUB_PATH\"\n"
      "fi\n"
      "is=$(\"$python\" -c 'import platform; print(platform.python_version())')\n"
      "case \"$is\" in \"$major_minor\"*) ;; *) echo \"::warning::Version $wanted of Python is not "
      "there; $is of the image is used\";; esac\n"
      "echo \"python-version=$is\" >> \"$GITHUB_OUTPUT\"\n"
      "echo \"python-path=$python\" >> \"$GITHUB_OUTPUT\"\n"
      "echo \"Successfully set up CPython ($is)\"\n";
  return script;
}

}  // namespace

Result<std::string> ActionScript(const workflow::ResolvedStep& step, const ActionFacts& facts) {
  const size_t at = step.uses.find('@');
  const std::string name = ToLower(step.uses.substr(0, at));
  const int64_t major =
      at == std::string::npos ? 99 : MajorOf(std::string_view(step.uses).substr(at + 1));
  if (name == "actions/checkout") return Checkout(step, facts);
  if (name == "aws-actions/configure-aws-credentials") return ConfigureCredentials(step, major);
  if (name == "actions/setup-python") return SetupPython(step);
  const std::string kind = step.uses.starts_with("./")          ? "The local action '"
                           : step.uses.starts_with("docker://") ? "The container action '"
                                                                : "The action '";
  return Error{Code::kNotFound, "ActionNotFound",
               kind + step.uses +
                   "' is not available here. Built in are actions/checkout, "
                   "aws-actions/configure-aws-credentials and actions/setup-python; put what it "
                   "does into a step with 'run'."};
}

}  // namespace stepmill::workflows
