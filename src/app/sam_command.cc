#include "app/sam_command.h"

#include <cstdio>
#include <fstream>
#include <iterator>

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

}  // namespace

int SamCommand(const std::vector<std::string>& args) {
  if (!args.empty() && args[0] == "translate") return Translate({args.begin() + 1, args.end()});
  return Fail("usage: stepmill sam build|deploy|delete|translate ...", 2);
}

}  // namespace stepmill
