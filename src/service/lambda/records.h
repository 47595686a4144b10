#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"
#include "json/json.h"
#include "store/store.h"
#include "task/task.h"

/// Documents of Lambda, below `<account>/<region>/lambda/`:
///
///     layer/NAME            {"last": number of the newest version}
///     layer-version/NAME/NUMBER    what GetLayerVersion answers, and "Own": {"blob": id}
///     function/NAME         {"config": what GetFunctionConfiguration answers for $LATEST,
///                            "code": {"blob": id} or {"image": URI, "resolved": URI with digest},
///                            and "layers": [blob ids],
///                            "tags": {..}, "reserved": concurrency, absent: none,
///                            "lastVersion": number of the newest version, 0: none was published}
///     version/NAME/NUMBER   {"config", "code"} of a published version; ten digits
///     alias/NAME/ALIAS      AliasConfiguration
///     policy/NAME/QUALIFIER {"statements": [..], "revision"}; no qualifier: "-"
///     event-config/NAME/QUALIFIER    FunctionEventInvokeConfig; no qualifier: "$LATEST"
///
/// and `lambda-code/BLOB`, {"account", "region", "function"}: whose package a blob is.
namespace stepmill::lambda {

inline constexpr char kLatest[] = "$LATEST";
inline constexpr char kBlobOwner[] = "lambda";

/// A function as a caller named it: a name, a partial or a whole ARN, each with a qualifier or not.
struct FunctionName {
  std::string name;
  std::string qualifier;  ///< "": none was given
};
/// From "FunctionName" and "Qualifier" of the input.
Result<FunctionName> NameOf(const Call& call);
/// "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]"
std::string FunctionArn(std::string_view account, std::string_view region, std::string_view name,
                        std::string_view qualifier = "");
std::string FunctionArn(const Call& call, const FunctionName& name);

Key FunctionKey(std::string_view account, std::string_view region, std::string_view name);
Key VersionKey(std::string_view account, std::string_view region, std::string_view name,
               std::string_view version);
Key AliasKey(const Call& call, std::string_view name, std::string_view alias);
Key PolicyKey(const Call& call, const FunctionName& name);
Key EventConfigKey(std::string_view account, std::string_view region, std::string_view name,
                   std::string_view qualifier);
Key CodeKey(std::string_view blob);
/// Everything of a kind that a function has: "version", "alias", "policy", "event-config".
Task<std::vector<Document>> AllOf(Call& call, std::string kind, std::string name);

/// The function's document; "Function not found" with the ARN as it was asked for.
Task<Document> RequireFunction(Call& call, FunctionName name);
/// What a qualifier leads to.
struct Resolved {
  Json config;  ///< with the ARN as it was asked for
  Json code;
  std::string version;  ///< "$LATEST" or a number
  Json function;        ///< the function's own document
};
/// An alias with two versions takes one of them by weight.
Task<Resolved> Resolve(Call& call, FunctionName name);

/// "2026-11-22T05:04:31.123+0000", as LastModified is written.
std::string ModifiedAt(Time time);
bool IsVersion(std::string_view qualifier);

// Handlers; service.cc has their rows.
Task<Json> CreateFunction(Call& call);
Task<Json> GetFunction(Call& call);
Task<Json> GetFunctionCode(Call& call);
Task<Json> GetFunctionConfiguration(Call& call);
Task<Json> ListFunctions(Call& call);
Task<Json> DeleteFunction(Call& call);
Task<Json> UpdateFunctionCode(Call& call);
Task<Json> UpdateFunctionConfiguration(Call& call);
Task<Json> ActivateFunction(Call& call);
Task<Json> RemoveCode(Call& call);
Task<Json> PublishVersion(Call& call);
Task<Json> ListVersionsByFunction(Call& call);
Task<Json> CreateAlias(Call& call);
Task<Json> GetAlias(Call& call);
Task<Json> UpdateAlias(Call& call);
Task<Json> DeleteAlias(Call& call);
Task<Json> ListAliases(Call& call);
Task<Json> AddPermission(Call& call);
Task<Json> RemovePermission(Call& call);
Task<Json> GetPolicy(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTags(Call& call);
Task<Json> PutFunctionConcurrency(Call& call);
Task<Json> GetFunctionConcurrency(Call& call);
Task<Json> DeleteFunctionConcurrency(Call& call);
Task<Json> GetAccountSettings(Call& call);
Task<Json> PutFunctionEventInvokeConfig(Call& call);
Task<Json> UpdateFunctionEventInvokeConfig(Call& call);
Task<Json> GetFunctionEventInvokeConfig(Call& call);
Task<Json> DeleteFunctionEventInvokeConfig(Call& call);
Task<Json> ListFunctionEventInvokeConfigs(Call& call);
Task<Json> Invoke(Call& call);
/// Ours: Invoke of another service for one of its own resources, `SourceArn`.
Task<Json> InvokeFrom(Call& call);
/// Ours, of the runtime API: what the process inside an environment asks.
Task<Json> RuntimeNext(Call& call);
Task<Json> RuntimeResponse(Call& call);
Task<Json> RuntimeError(Call& call);
Task<Json> RuntimeInitError(Call& call);

}  // namespace stepmill::lambda
