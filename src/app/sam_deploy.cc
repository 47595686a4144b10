// `sam deploy` and `sam delete`: the calls that the SAM CLI makes, in its order.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>

#include "app/sam_commands.h"
#include "app/sam_template.h"
#include "app/stack_client.h"
#include "base/digest.h"
#include "base/strings.h"
#include "lang/template/document.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

constexpr char kBuiltTemplate[] = ".aws-sam/build/template.yaml";
constexpr Millis kChangeSetPoll{500};
constexpr size_t kBodyBytesMax = 51'200;  // of a TemplateBody

Error Failed(const std::string& what) { return Error{Code::kInvalid, "Deploy", what}; }

/// A deployment on its way.
struct Deployment {
  SamOptions options;
  std::string stack_name, bucket, prefix;
  std::string template_path;
  std::string text;  ///< the template, packaged
  Json document;
  bool creates = false;
  std::string stack_id;
  std::vector<std::pair<std::string, std::string>> overrides, tags;
};

Result<Deployment> Prepare(SamOptions options) {
  Deployment deployment;
  if (options.Flag("resolve_s3", false) && !options.Has("s3_bucket")) {
    return Failed("--resolve-s3 is not built in stepmill: name a bucket with --s3-bucket.");
  }
  std::error_code ignored;
  if (!options.Has("template_file") && fs::is_regular_file(kBuiltTemplate, ignored)) {
    deployment.template_path = kBuiltTemplate;
  } else {
    MILL_TRY(deployment.template_path, FindTemplate(options));
  }
  deployment.stack_name = options.Text("stack_name");
  if (deployment.stack_name.empty()) {
    return Error{Code::kInvalid, "Usage",
                 "Missing option '--stack-name', 'sam deploy --guided' can be used to provide and "
                 "save needed parameters for future deploys."};
  }
  deployment.bucket = options.Text("s3_bucket");
  deployment.prefix = options.Text("s3_prefix");
  MILL_TRY(deployment.overrides, options.Pairs("parameter_overrides"));
  MILL_TRY(deployment.tags, options.Pairs("tags"));
  MILL_TRY(deployment.text, ReadFileText(deployment.template_path));
  deployment.options = std::move(options);
  return deployment;
}

std::string KeyOf(const Deployment& deployment, const std::string& bytes, const char* extension) {
  std::string key = Hex(Md5(bytes)) + extension;
  return deployment.prefix.empty() ? key : deployment.prefix + "/" + key;
}

/// Uploads bytes unless the same are there.
Task<> Upload(Client& client, const Deployment& deployment, std::string key, std::string bytes) {
  if (!deployment.options.Flag("force_upload", false)) {
    MILL_CO_TRY(const bool is_there, co_await client.HeadObject(deployment.bucket, key));
    if (is_there) {
      std::printf("\tFile with same data already exists at %s, skipping upload\n", key.c_str());
      co_return Result<>();
    }
  }
  const size_t size = bytes.size();
  Client::Object object;
  object.bucket = deployment.bucket;
  object.key = key;
  object.body = std::move(bytes);
  object.headers.emplace_back("x-amz-server-side-encryption", "AES256");
  MILL_CO_CHECK(co_await client.PutObject(std::move(object)));
  std::printf("\tUploading to %s  %zu / %zu  (100.00%%)\n", key.c_str(), size, size);
  std::fflush(stdout);
  co_return Result<>();
}

Task<> PackageOne(Client& client, Deployment& deployment, LocalArtifact artifact) {
  const fs::path folder = fs::path(deployment.template_path).parent_path();
  const fs::path path =
      fs::path(artifact.path).is_absolute() ? fs::path(artifact.path) : folder / artifact.path;
  const std::string failure = "Unable to upload artifact " + artifact.path + " referenced by " +
                              artifact.property + " parameter of " + artifact.logical_id +
                              " resource.\n";
  auto bytes = ReadFileText(path.string());
  if (!bytes) {
    co_return Failed(failure + "Parameter " + artifact.property + " of resource " +
                     artifact.logical_id + " refers to a file or folder that does not exist " +
                     fs::absolute(path).lexically_normal().string());
  }
  if (deployment.bucket.empty()) {
    co_return Failed(failure +
                     "S3 Bucket not specified, use --s3-bucket to specify a bucket name, or use "
                     "--resolve-s3 to create a managed default bucket, or run sam deploy --guided");
  }
  const std::string key = KeyOf(deployment, *bytes, "");
  auto uploaded = co_await Upload(client, deployment, key, *bytes);
  if (!uploaded) {
    co_return Failed(failure + (uploaded.error().name == "NoSuchBucket"
                                    ? "S3 Bucket does not exist."
                                    : uploaded.error().message));
  }
  std::string text = Json("s3://" + deployment.bucket + "/" + key).Print();
  if (artifact.property == "DefinitionS3Location") {
    text =
        "{\"Bucket\": " + Json(deployment.bucket).Print() + ", \"Key\": " + Json(key).Print() + "}";
  }
  MILL_CO_TRY(deployment.text, WithArtifact(deployment.text, artifact, text));
  co_return Result<>();
}

Task<> Package(Client& client, Deployment& deployment) {
  MILL_CO_TRY(const std::vector<LocalArtifact> artifacts, LocalArtifacts(deployment.text));
  for (const LocalArtifact& artifact : artifacts) {
    MILL_CO_CHECK(co_await PackageOne(client, deployment, artifact));
  }
  MILL_CO_TRY(deployment.document, cfn::ParseDocument(deployment.text));
  co_return Result<>();
}

std::string QuotedList(const std::vector<std::string>& items) {
  Json::Array list;
  for (const std::string& item : items) list.push_back(item);
  return Json(std::move(list)).Print();
}

void PrintValues(const Deployment& deployment, const std::string& region) {
  const SamOptions& options = deployment.options;
  Json::Object overrides;
  for (const auto& [name, value] : deployment.overrides) overrides.Set(name, value);
  std::printf("\n\tDeploying with following values\n\t===============================\n");
  const std::pair<const char*, std::string> lines[] = {
      {"Stack name", deployment.stack_name},
      {"Region", region},
      {"Confirm changeset", options.Flag("confirm_changeset", false) ? "True" : "False"},
      {"Disable rollback", options.Flag("disable_rollback", false) ? "True" : "False"},
      {"Deployment s3 bucket", deployment.bucket.empty() ? "None" : deployment.bucket},
      {"Capabilities", QuotedList(options.List("capabilities"))},
      {"Parameter overrides", Json(std::move(overrides)).Print()},
      {"Signing Profiles", "{}"}};
  for (const auto& [name, value] : lines) std::printf("\t%-28s : %s\n", name, value.c_str());
  std::printf("\nInitiating deployment\n=====================\n\n");
  std::fflush(stdout);
}

/// What the template's parameters get: overrides, else what they had, else their defaults.
void AddParameters(const Deployment& deployment, const StackClient::Stack& stack,
                   StackClient::Parameters& out) {
  std::vector<std::string> before;
  if (!deployment.creates) {
    for (const xml::Element& member : Members(stack.element, "Parameters")) {
      before.push_back(ChildText(member, "ParameterKey"));
    }
  }
  int number = 0;
  const auto add = [&](const std::string& key, const char* what, const std::string& value) {
    const std::string base = "Parameters.member." + std::to_string(++number) + ".";
    out.emplace_back(base + "ParameterKey", key);
    out.emplace_back(base + what, value);
  };
  const Json& definitions = deployment.document["Parameters"];
  if (!definitions.is_object()) return;
  for (const Json::Member& definition : definitions.members()) {
    const std::string* given = nullptr;
    for (const auto& [name, value] : deployment.overrides) {
      if (name == definition.name) given = &value;
    }
    if (given) {
      add(definition.name, "ParameterValue", *given);
    } else if (std::find(before.begin(), before.end(), definition.name) != before.end()) {
      add(definition.name, "UsePreviousValue", "true");
    }
  }
}

void AddList(const std::string& name, const std::vector<std::string>& items,
             StackClient::Parameters& out) {
  int number = 0;
  for (const std::string& item : items) {
    out.emplace_back(name + ".member." + std::to_string(++number), item);
  }
}

StackClient::Parameters ChangeSetParameters(const Deployment& deployment,
                                            const StackClient::Stack& stack,
                                            const std::string& name) {
  const SamOptions& options = deployment.options;
  StackClient::Parameters out;
  out.emplace_back("StackName", deployment.stack_name);
  out.emplace_back("ChangeSetName", name);
  out.emplace_back("ChangeSetType", deployment.creates ? "CREATE" : "UPDATE");
  out.emplace_back("Description", "Created by SAM CLI");
  AddParameters(deployment, stack, out);
  AddList("Capabilities", options.List("capabilities"), out);
  AddList("NotificationARNs", options.List("notification_arns"), out);
  int number = 0;
  for (const auto& [key, value] : deployment.tags) {
    const std::string base = "Tags.member." + std::to_string(++number) + ".";
    out.emplace_back(base + "Key", key);
    out.emplace_back(base + "Value", value);
  }
  if (options.Has("role_arn")) out.emplace_back("RoleARN", options.Text("role_arn"));
  return out;
}

/// The template as the change set takes it: uploaded where there is a bucket, else in the call.
Task<> AddTemplate(Client& client, const Deployment& deployment, StackClient::Parameters& out) {
  if (deployment.bucket.empty()) {
    if (deployment.text.size() > kBodyBytesMax) {
      co_return Failed(
          "Templates with a size greater than 51,200 bytes must be deployed via an S3 "
          "Bucket: give --s3-bucket.");
    }
    out.emplace_back("TemplateBody", deployment.text);
    co_return Result<>();
  }
  const std::string key = KeyOf(deployment, deployment.text, ".template");
  auto uploaded = co_await Upload(client, deployment, key, deployment.text);
  if (!uploaded) {
    co_return Failed(uploaded.error().name == "NoSuchBucket" ? "S3 Bucket does not exist."
                                                             : uploaded.error().message);
  }
  out.emplace_back("TemplateURL", "https://s3." + client.settings().region + ".amazonaws.com/" +
                                      deployment.bucket + "/" + key);
  co_return Result<>();
}

/// Waits for the change set; false: there is nothing to change.
Task<bool> WaitForChangeSet(io::Loop& loop, StackClient& stacks, const Deployment& deployment,
                            std::string name, xml::Element& described) {
  std::printf("\n\nWaiting for changeset to be created..\n\n");
  std::fflush(stdout);
  for (;;) {
    StackClient::Parameters parameters;
    parameters.emplace_back("StackName", deployment.stack_name);
    parameters.emplace_back("ChangeSetName", name);
    MILL_CO_TRY(described, co_await stacks.Ask("DescribeChangeSet", std::move(parameters)));
    const std::string status = ChildText(described, "Status");
    if (status == "CREATE_COMPLETE") co_return true;
    if (status == "FAILED") break;
    const Time again = loop.clock().Now() + kChangeSetPoll;
    MILL_CO_CHECK(co_await loop.clock().SleepUntil(again));
  }
  const std::string reason = ChildText(described, "StatusReason");
  if (reason.find("The submitted information didn't contain changes.") != std::string::npos ||
      reason.find("No updates are to be performed") != std::string::npos) {
    co_return false;
  }
  co_return Failed("Failed to create changeset for the stack: " + deployment.stack_name +
                   ", Waiter ChangeSetCreateComplete failed: Waiter encountered a terminal "
                   "failure state: For expression \"Status\" we matched expected path: \"FAILED\" "
                   "Status: FAILED. Reason: " +
                   reason);
}

void PrintChanges(const xml::Element& change_set) {
  PrintTableHead("CloudFormation stack changeset",
                 {"Operation", "LogicalResourceId", "ResourceType", "Replacement"});
  for (const xml::Element& member : Members(change_set, "Changes")) {
    const xml::Element* change = member.Find("ResourceChange");
    if (!change) continue;
    const std::string action = ChildText(*change, "Action");
    const std::string sign = action == "Add" ? "+ " : action == "Modify" ? "* " : "- ";
    const std::string word = action == "Remove" ? "Delete" : action;
    const std::string replacement = ChildText(*change, "Replacement");
    PrintTableRow({sign + word, ChildText(*change, "LogicalResourceId"),
                   ChildText(*change, "ResourceType"), replacement.empty() ? "N/A" : replacement});
  }
  PrintTableEnd();
  std::printf("\nChangeset created successfully. %s\n\n",
              ChildText(change_set, "ChangeSetId").c_str());
  std::fflush(stdout);
}

bool Confirmed() {
  std::printf(
      "\nPreviewing CloudFormation changeset before deployment\n"
      "======================================================\n"
      "Deploy this changeset? [y/N]: ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return ToLower(Trim(answer)) == "y" || ToLower(Trim(answer)) == "yes";
}

void PrintOutputs(const xml::Element& stack) {
  const std::vector<xml::Element> outputs = Members(stack, "Outputs");
  if (outputs.empty()) return;
  const std::string line(97, '-');
  std::printf("\nCloudFormation outputs from deployed stack\n%s\nOutputs\n%s\n", line.c_str(),
              line.c_str());
  for (const xml::Element& output : outputs) {
    const std::string description = ChildText(output, "Description");
    std::printf("Key                 %s\nDescription         %s\nValue               %s\n\n",
                ChildText(output, "OutputKey").c_str(),
                description.empty() ? "-" : description.c_str(),
                ChildText(output, "OutputValue").c_str());
  }
  std::printf("%s\n\n", line.c_str());
}

Task<> Execute(io::Loop& loop, StackClient& stacks, const Deployment& deployment,
               std::string change_set) {
  MILL_CO_TRY(const std::vector<StackClient::Event> events,
              co_await stacks.EventsSince(deployment.stack_id, ""));
  const std::string last_event = events.empty() ? "" : events.front().id;
  StackClient::Parameters parameters;
  parameters.emplace_back("StackName", deployment.stack_name);
  parameters.emplace_back("ChangeSetName", change_set);
  if (deployment.options.Flag("disable_rollback", false)) {
    parameters.emplace_back("DisableRollback", "true");
  }
  auto executed = co_await stacks.Ask("ExecuteChangeSet", std::move(parameters));
  // A repeat after the server was away finds it under way.
  if (!executed && executed.error().message.find("EXECUTE_") == std::string::npos) {
    co_return Failed("Failed to execute changeset: " + executed.error().message);
  }
  std::printf("\n%s - Waiting for stack create/update to complete\n",
              FormatTime(loop.clock().Now(), "%Y-%m-%d %H:%M:%S").c_str());
  MILL_CO_TRY(const std::string status,
              co_await stacks.WatchUntilAtRest(deployment.stack_id, last_event));
  MILL_CO_TRY(const StackClient::Stack stack, co_await stacks.Find(deployment.stack_id));
  if (status != "CREATE_COMPLETE" && status != "UPDATE_COMPLETE") {
    co_return Failed("Failed to create/update the stack: " + deployment.stack_name +
                     ", Waiter Stack" + (deployment.creates ? "Create" : "Update") +
                     "Complete failed: Waiter encountered a terminal failure state: For expression "
                     "\"Stacks[].StackStatus\" we matched expected path: \"" +
                     status + "\" at least once" +
                     (stack.reason.empty() ? "" : ". Reason: " + stack.reason));
  }
  PrintOutputs(stack.element);
  co_return Result<>();
}

}  // namespace

Task<> SamDeploy(io::Loop& loop, Client& client, SamOptions options) {
  MILL_CO_TRY(Deployment deployment, Prepare(std::move(options)));
  MILL_CO_CHECK(co_await Package(client, deployment));
  PrintValues(deployment, client.settings().region);

  StackClient stacks(loop, client);
  MILL_CO_TRY(const StackClient::Stack before, co_await stacks.Find(deployment.stack_name));
  deployment.creates = !before.exists || before.status == "REVIEW_IN_PROGRESS";
  // Milliseconds: two deployments within a second are two change sets.
  const std::string name = "samcli-deploy" + std::to_string(MillisSinceEpoch(loop.clock().Now()));
  StackClient::Parameters parameters = ChangeSetParameters(deployment, before, name);
  MILL_CO_CHECK(co_await AddTemplate(client, deployment, parameters));
  auto created = co_await stacks.Ask("CreateChangeSet", std::move(parameters));
  if (!created && created.error().name != "AlreadyExistsException") {
    co_return Failed("Failed to create changeset for the stack: " + deployment.stack_name +
                     ", An error occurred (" + created.error().name +
                     ") when calling the CreateChangeSet operation: " + created.error().message);
  }
  xml::Element change_set;
  MILL_CO_TRY(const bool has_changes,
              co_await WaitForChangeSet(loop, stacks, deployment, name, change_set));
  if (!has_changes) {
    const std::string text =
        "No changes to deploy. Stack " + deployment.stack_name + " is up to date";
    if (deployment.options.Flag("fail_on_empty_changeset", true)) co_return Failed(text);
    std::printf("\n%s\n", text.c_str());
    co_return Result<>();
  }
  deployment.stack_id = ChildText(change_set, "StackId");
  PrintChanges(change_set);
  if (!deployment.options.Flag("execute_changeset", true)) co_return Result<>();
  if (deployment.options.Flag("confirm_changeset", false) && !Confirmed()) co_return Result<>();
  MILL_CO_CHECK(co_await Execute(loop, stacks, deployment, name));
  std::printf("\nSuccessfully created/updated stack - %s in %s\n\n", deployment.stack_name.c_str(),
              client.settings().region.c_str());
  co_return Result<>();
}

Task<> SamDelete(io::Loop& loop, Client& client, SamOptions options) {
  const std::string name = options.Text("stack_name");
  const std::string region = client.settings().region;
  if (name.empty()) {
    co_return Error{Code::kInvalid, "Usage", "Missing option '--stack-name'."};
  }
  StackClient stacks(loop, client);
  MILL_CO_TRY(const StackClient::Stack stack, co_await stacks.Find(name));
  if (!stack.exists) {
    std::printf("Error: The input stack %s does not exist on Cloudformation in the region %s\n",
                name.c_str(), region.c_str());
    co_return Result<>();
  }
  if (options.Flag("prompts", true)) {
    std::printf("\tAre you sure you want to delete the stack %s in the region %s ? [y/N]: ",
                name.c_str(), region.c_str());
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (ToLower(Trim(answer)) != "y") co_return Result<>();
  }
  std::printf("\t- Deleting Cloudformation stack %s\n", name.c_str());
  MILL_CO_TRY(const std::vector<StackClient::Event> events,
              co_await stacks.EventsSince(stack.id, ""));
  const std::string last_event = events.empty() ? "" : events.front().id;
  StackClient::Parameters parameters;
  parameters.emplace_back("StackName", stack.id);
  MILL_CO_CHECK(co_await stacks.Ask("DeleteStack", std::move(parameters)));
  MILL_CO_TRY(const std::string status, co_await stacks.WatchUntilAtRest(stack.id, last_event));
  if (status != "DELETE_COMPLETE") {
    co_return Failed("Failed to delete the stack: " + name + ", it is in " + status);
  }
  std::printf("\nDeleted successfully (uploaded artifacts stay in their bucket)\n");
  co_return Result<>();
}

}  // namespace stepmill
