#include "app/sam_command.h"

#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/client.h"
#include "app/sam_commands.h"
#include "app/sam_options.h"
#include "app/serve.h"
#include "app/validate_command.h"
#include "base/result.h"
#include "lang/template/document.h"
#include "lang/template/sam.h"

namespace stepmill {
namespace {

int Fail(const std::string& message, int exit_code) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return exit_code;
}

std::string PartitionOf(const std::string& region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

/// `sam translate TEMPLATE [--region R]`: the transformed template on standard output.
int Translate(const std::vector<std::string>& args) {
  std::string path;
  std::string region = "us-east-1";
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--region" && i + 1 < args.size()) {
      region = args[++i];
    } else if (path.empty() && !args[i].starts_with("-")) {
      path = args[i];
    } else {
      return Fail("usage: stepmill sam translate TEMPLATE [--region REGION]", 2);
    }
  }
  std::ifstream file(path, std::ios::binary);
  if (path.empty() || !file) return Fail("sam translate: cannot read the template " + path, 2);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto document = cfn::ParseDocument(text);
  if (!document) return Fail(path + ": " + document.error().message, 1);
  cfn::SamOptions options;
  options.partition = PartitionOf(region);
  Json::Object parameters;
  for (const Json& section : {(*document)["Parameters"]}) {
    if (!section.is_object()) continue;
    for (const auto& parameter : section.members()) {
      parameters.SetIf(parameter.name, parameter.value.Find("Default"));
    }
  }
  options.parameters = Json(std::move(parameters));
  const auto translated = cfn::TranslateSam(*document, options);
  if (!translated) return Fail(translated.error().message, 1);
  std::printf("%s\n", translated->PrintPretty().c_str());
  return 0;
}

Task<> Finish(Task<> work, io::Loop& loop, Result<>& result) {
  result = co_await std::move(work);
  loop.Stop();
  co_return Result<>();
}

Result<> WithClient(const SamOptions& options, Task<> (*work)(io::Loop&, Client&, SamOptions)) {
  io::Loop loop(1);
  MILL_TRY(ClientSettings settings, FindClientSettings(loop, UsualDataFolder()));
  if (options.Has("region")) settings.region = options.Text("region");
  Client client(loop, std::move(settings));
  Result<> result;
  loop.spawner().Spawn("sam", Finish(work(loop, client, options), loop, result));
  loop.Run();
  return result;
}

/// `sam validate [--template-file FILE]`.
int Validate(const std::vector<std::string>& args) {
  auto options = ReadSamOptions("build", args);
  if (!options) return Fail("Error: " + options.error().message, 2);
  const auto path = FindTemplate(*options);
  if (!path) return Fail("Error: " + path.error().message, 1);
  const int exit_code = ValidateCommand({*path});
  if (exit_code == 0) std::printf("%s is a valid SAM Template\n", path->c_str());
  return exit_code;
}

Result<> RunCommand(const std::string& command, const std::vector<std::string>& args) {
  MILL_TRY(const SamOptions options, ReadSamOptions(command, args));
  if (command == "build") return SamBuild(options);
  return WithClient(options, command == "deploy" ? SamDeploy : SamDelete);
}

constexpr char kUsage[] =
    "usage: stepmill sam build     [--template-file FILE] [--build-dir DIR]\n"
    "       stepmill sam deploy    [--stack-name NAME] [--s3-bucket BUCKET] [--s3-prefix PREFIX]\n"
    "                              [--capabilities C...] [--parameter-overrides NAME=VALUE...]\n"
    "                              [--[no-]confirm-changeset] [--[no-]fail-on-empty-changeset]\n"
    "                              [--[no-]disable-rollback] [--[no-]execute-changeset] [--tags "
    "K=V...]\n"
    "                              [--role-arn ARN] [--region R] [--config-env ENV] [--config-file "
    "F]\n"
    "       stepmill sam delete    --stack-name NAME [--no-prompts] [--region R]\n"
    "       stepmill sam validate  [--template-file FILE]\n"
    "       stepmill sam translate TEMPLATE [--region R]";

}  // namespace

int SamCommand(const std::vector<std::string>& args) {
  if (args.empty()) return Fail(kUsage, 2);
  const std::string& command = args[0];
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (command == "--help" || command == "help") {
    std::printf("%s\n", kUsage);
    return 0;
  }
  if (command == "--version") {
    std::printf("SAM CLI (stepmill)\n");
    return 0;
  }
  if (command == "translate") return Translate(rest);
  if (command == "validate") return Validate(rest);
  if (command != "build" && command != "deploy" && command != "delete") return Fail(kUsage, 2);
  const auto done = RunCommand(command, rest);
  if (done) return 0;
  return Fail("Error: " + done.error().message, done.error().name == "Usage" ? 2 : 1);
}

}  // namespace stepmill
