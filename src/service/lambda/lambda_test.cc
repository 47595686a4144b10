#include "app/test_functions.h"
#include "gate/door.h"
#include "json/each.h"

namespace stepmill::lambda {
namespace {

constexpr char kArn[] = "arn:aws:lambda:us-east-1:000000000000:function:f";

TEST_F(LambdaTest, AFunctionIsPendingAndThenActive) {
  const Json made = Must("CreateFunction", Definition("f"));
  EXPECT_EQ(made.StringOr("State", ""), "Pending");
  EXPECT_EQ(made.StringOr("StateReasonCode", ""), "Creating");
  EXPECT_EQ(made.StringOr("FunctionArn", ""), kArn);
  EXPECT_EQ(made.StringOr("Version", ""), "$LATEST");
  EXPECT_EQ(made.IntOr("Timeout", 0), 3);
  EXPECT_EQ(made.IntOr("MemorySize", 0), 128);
  EXPECT_TRUE(made.StringOr("LastModified", "").ends_with("+0000"));
  const Json name = Json::Object{{"FunctionName", "f"}};
  ASSERT_TRUE(Settles(name));
  const Json found = Must("GetFunction", name);
  EXPECT_EQ(found["Configuration"].StringOr("State", ""), "Active");
  EXPECT_FALSE(found["Configuration"].Has("StateReason"));
  EXPECT_NE(found["Code"].StringOr("Location", "").find("/functions/f/code-package?X-Amz-"),
            std::string::npos);
  EXPECT_EQ(Refused("CreateFunction", Definition("f")),
            "ResourceConflictException: Function already exist: f");
  for (const char* form : {"f", kArn, "000000000000:function:f", "f:$LATEST"})
    EXPECT_EQ(Must("GetFunctionConfiguration", Json::Object{{"FunctionName", form}})
                  .StringOr("FunctionName", ""),
              "f");
}

TEST_F(LambdaTest, VariablesStandNowhereInTheOpen) {
  const Json variables = Json::Object{{"TOKEN", "a-secret-word"}};
  Create(Definition("f").With("Environment", Json::Object{{"Variables", variables}}));
  Must("PublishVersion", Json::Object{{"FunctionName", "f"}});
  const auto all = world.Run(world.unopened_store().Range("", "~", Direction::kForward, 1000));
  ASSERT_GE(all->size(), 3U);
  for (const Document& one : *all)
    EXPECT_EQ(one.body.Print().find("a-secret-word"), std::string::npos) << one.key;
}

TEST_F(LambdaTest, WhatIsNotThere) {
  const Json name = Json::Object{{"FunctionName", "f"}};
  const std::string missing = std::string("ResourceNotFoundException: Function not found: ") + kArn;
  EXPECT_EQ(Refused("GetFunction", name), missing);
  EXPECT_EQ(Refused("DeleteFunction", name), missing);
  EXPECT_EQ(Refused("Invoke", name), missing + ":$LATEST");
  EXPECT_EQ(Refused("Invoke", name.With("Qualifier", "live")), missing + ":live");
  EXPECT_EQ(
      Refused("TagResource", Json::Object{{"Resource", kArn}, {"Tags", Json::Object{{"a", "b"}}}}),
      missing);
  EXPECT_EQ(Refused("GetAlias", name.With("Name", "live")),
            std::string("ResourceNotFoundException: Cannot find alias arn: ") + kArn + ":live");
  EXPECT_EQ(
      Refused("GetFunction",
              Json::Object{{"FunctionName", "arn:aws:lambda:eu-west-1:000000000000:function:f"}}),
      "ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this "
      "region ('us-east-1')");
}

TEST_F(LambdaTest, WhatIsRefused) {
  const auto with = [](const char* member, Json value) {
    return Definition("f").With(member, std::move(value));
  };
  const auto starts = [this](const Json& input, const std::string& text) {
    const std::string refused = Refused("CreateFunction", input);
    EXPECT_TRUE(refused.starts_with(text)) << refused;
  };
  starts(with("Runtime", "python2.9"),
         "InvalidParameterValueException: Value python2.9 at 'runtime' failed to satisfy "
         "constraint: Member must satisfy enum value set: [nodejs24.x, ");
  starts(with("Runtime", "go1.x"),
         "InvalidParameterValueException: The runtime parameter of go1.x is no longer supported");
  starts(with("Runtime", "java21"), "InvalidParameterValueException: The runtime java21 is not");
  starts(with("Timeout", 901),
         "ValidationException: 1 validation error detected: Value '901' at 'timeout'");
  starts(with("MemorySize", 20000),
         "ValidationException: 1 validation error detected: Value '20000' at 'memorySize'");
  starts(with("Role", "me"),
         "ValidationException: 1 validation error detected: Value 'me' at 'role' failed to satisfy "
         "constraint: Member must satisfy regular expression pattern: arn:");
  starts(Definition("f").Without("Handler"),
         "InvalidParameterValueException: Runtime and Handler are mandatory parameters");
  starts(with("Code", Json::Object{}),
         "InvalidParameterValueException: Please provide a source for function code.");
  starts(with("Code", Json::Object{{"ZipFile", Base64("no zip")}}),
         "InvalidParameterValueException: Could not unzip uploaded file.");
  starts(with("Code", Json::Object{{"ZipFile", Base64("PK broken")}}),
         "InvalidParameterValueException: Could not unzip uploaded file.");
  starts(with("Environment",
              Json::Object{{"Variables", Json::Object{{"AWS_REGION", "x"}, {"MINE", "y"}}}}),
         "InvalidParameterValueException: Lambda was unable to configure your environment "
         "variables");
  starts(with("Environment",
              Json::Object{{"Variables", Json::Object{{"MINE", std::string(5000, 'x')}}}}),
         "InvalidParameterValueException: Lambda was unable to configure your environment "
         "variables because the environment variables you have provided exceeded the 4KB limit.");
  starts(with("Architectures", Json::Array{"arm64"}),
         "InvalidParameterValueException: Architecture arm64 is not supported");
  starts(with("Layers", Json::Array{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}),
         "InvalidParameterValueException: Layer version "
         "arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist.");
  EXPECT_TRUE(world.Run(blobs.List())->empty()) << "a refused package stays";
}

TEST_F(LambdaTest, VersionsAndAliases) {
  Create(Definition("f"));
  const Json name = Json::Object{{"FunctionName", "f"}};
  const Json first = Must("PublishVersion", name.With("Description", "the first"));
  EXPECT_EQ(first.StringOr("Version", ""), "1");
  EXPECT_EQ(first.StringOr("FunctionArn", ""), std::string(kArn) + ":1");
  EXPECT_EQ(Must("PublishVersion", name).StringOr("Version", ""), "1") << "nothing has changed";
  Must("UpdateFunctionConfiguration", name.With("Timeout", 9));
  ASSERT_TRUE(Settles(name));
  EXPECT_EQ(Must("PublishVersion", name).StringOr("Version", ""), "2");
  EXPECT_EQ(Must("ListVersionsByFunction", name)["Versions"].size(), 3U);
  EXPECT_EQ(Must("GetFunctionConfiguration", name.With("Qualifier", "1")).IntOr("Timeout", 0), 3);

  const Json live = name.With("Name", "live");
  Must("CreateAlias", live.With("FunctionVersion", "1"));
  EXPECT_EQ(Refused("CreateAlias", live.With("FunctionVersion", "1")),
            std::string("ResourceConflictException: Alias already exists: ") + kArn + ":live");
  EXPECT_EQ(Refused("CreateAlias", name.With("Name", "x").With("FunctionVersion", "9")),
            std::string("ResourceNotFoundException: Function not found: ") + kArn + ":9");
  EXPECT_EQ(
      Must("GetFunctionConfiguration", name.With("Qualifier", "live")).StringOr("Version", ""),
      "1");
  EXPECT_EQ(Invoked(name.With("Qualifier", "live")), "200 1 null");
  const Json all = Json::Object{{"AdditionalVersionWeights", Json::Object{{"2", 1.0}}}};
  Must("UpdateAlias", live.With("RoutingConfig", all));
  EXPECT_EQ(Invoked(name.With("Qualifier", "live")), "200 2 null");
  EXPECT_TRUE(Refused("DeleteFunction", name.With("Qualifier", "1"))
                  .starts_with("ResourceConflictException: "));
  Must("DeleteAlias", live);
  Must("DeleteFunction", name.With("Qualifier", "1"));
  EXPECT_EQ(Must("ListVersionsByFunction", name)["Versions"].size(), 2U);
}

TEST_F(LambdaTest, ChangesHaveRevisions) {
  const Json made = Create(Definition("f"));
  const Json name = Json::Object{{"FunctionName", "f"}};
  const Json old = name.With("RevisionId", made["RevisionId"]);
  const Json changed = Must("UpdateFunctionConfiguration", old.With("MemorySize", 256));
  EXPECT_EQ(changed.StringOr("LastUpdateStatus", ""), "InProgress");
  EXPECT_TRUE(Refused("UpdateFunctionConfiguration", old.With("MemorySize", 512))
                  .starts_with("PreconditionFailedException: The Revision Id provided"));
  ASSERT_TRUE(Settles(name));
  EXPECT_EQ(Must("UpdateFunctionCode", name.With("ZipFile", kZip).With("DryRun", true))
                .StringOr("LastUpdateStatus", ""),
            "Successful");
  EXPECT_EQ(world.Run(blobs.List())->size(), 1U) << "a dry run keeps nothing";
  Must("UpdateFunctionCode", name.With("ZipFile", kZip));
  EXPECT_TRUE(world.RunUntil([&] { return world.Run(blobs.List())->size() == 1; }))
      << "the old package goes";
  Must("DeleteFunction", name);
  EXPECT_TRUE(world.RunUntil([&] { return world.Run(blobs.List())->empty(); }));
}

TEST_F(LambdaTest, TagsConcurrencyAndTheList) {
  Create(Definition("f").With("Tags", Json::Object{{"team", "a"}}));
  Create(Definition("g"));
  Must("TagResource", Json::Object{{"Resource", kArn}, {"Tags", Json::Object{{"k", "v"}}}});
  Must("UntagResource", Json::Object{{"Resource", kArn}, {"TagKeys", Json::Array{"team"}}});
  EXPECT_EQ(Must("ListTags", Json::Object{{"Resource", kArn}})["Tags"].Print(), R"({"k":"v"})");
  const Json page = Must("ListFunctions", Json::Object{{"MaxItems", 1}});
  EXPECT_EQ(page["Functions"].At(0).StringOr("FunctionName", ""), "f");
  const Json rest = Must("ListFunctions", Json::Object{{"Marker", page["NextMarker"]}});
  EXPECT_EQ(rest["Functions"].At(0).StringOr("FunctionName", ""), "g");
  const Json name = Json::Object{{"FunctionName", "f"}};
  Must("PutFunctionConcurrency", name.With("ReservedConcurrentExecutions", 0));
  EXPECT_EQ(Invoked(name), "TooManyRequestsException: Rate Exceeded.");
  EXPECT_TRUE(Refused("PutFunctionConcurrency", name.With("ReservedConcurrentExecutions", 901))
                  .starts_with("InvalidParameterValueException: Specified Reserved"));
  Must("DeleteFunctionConcurrency", name);
  EXPECT_EQ(Invoked(name), "200 $LATEST null");
}

TEST_F(LambdaTest, LayersStayAsLongAsTheyAreUsed) {
  const Json content = Json::Object{{"ZipFile", kZip}};
  const Json layer = Json::Object{{"LayerName", "l"}, {"Content", content}};
  Must("PublishLayerVersion", layer);
  const Json second = Must("PublishLayerVersion", layer.With("Description", "more"));
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:2";
  EXPECT_EQ(second.StringOr("LayerVersionArn", ""), arn);
  EXPECT_EQ(second.IntOr("Version", 0), 2);
  const Json of_l = Json::Object{{"LayerName", "l"}};
  EXPECT_EQ(Must("ListLayerVersions", of_l)["LayerVersions"].At(0).IntOr("Version", 0), 2);
  EXPECT_EQ(Must("ListLayers", Json::Object{})["Layers"].size(), 1U);
  EXPECT_EQ(Must("GetLayerVersionByArn", Json::Object{{"Arn", arn}}).StringOr("Description", ""),
            "more");
  const Json made = Create(Definition("f").With("Layers", Json::Array{Json(arn)}));
  EXPECT_EQ(made["Layers"].At(0).StringOr("Arn", ""), arn);
  EXPECT_EQ(Invoked(Json::Object{{"FunctionName", "f"}}), "200 $LATEST null");
  const auto jobs = world.Run(backend.List());
  int below_opt = 0;
  for (const JobInput& input : backend.FindSpec(jobs->at(0))->inputs)
    below_opt += input.path == "/opt" && input.is_read_only;
  EXPECT_EQ(below_opt, 1);
  Must("DeleteLayerVersion", of_l.With("VersionNumber", 1));
  Must("DeleteLayerVersion", of_l.With("VersionNumber", 2));
  EXPECT_EQ(Refused("GetLayerVersion", of_l.With("VersionNumber", 2)),
            "ResourceNotFoundException: The resource you requested does not exist.");
  EXPECT_TRUE(world.RunUntil([&] { return world.Run(blobs.List())->size() == 2; }))
      << "the function's own package, and its layer's";
  Must("DeleteFunction", Json::Object{{"FunctionName", "f"}});
  EXPECT_TRUE(world.RunUntil([&] { return world.Run(blobs.List())->empty(); }));
}

TEST_F(LambdaTest, AServiceNeedsAStatement) {
  Create(Definition("f"));
  const auto as_events = [&](const char* source) {
    Request request;
    request.service = "lambda";
    request.operation = "InvokeFrom";
    request.principal = ServicePrincipal("events.amazonaws.com", "000000000000");
    request.account = "000000000000";
    request.region = "us-east-1";
    request.is_internal = true;
    request.input = Event("f", "{}").With("SourceArn", source);
    const auto answered = world.Run(world.door().Ask(std::move(request)));
    return answered ? std::string("invoked") : answered.error().name;
  };
  EXPECT_EQ(as_events("arn:aws:events:us-east-1:000000000000:rule/r"), "AccessDeniedException");
  const Json name = Json::Object{{"FunctionName", "f"}};
  const Json permission = name.With("StatementId", "s")
                              .With("Action", "lambda:InvokeFunction")
                              .With("Principal", "events.amazonaws.com")
                              .With("SourceArn", "arn:aws:events:us-east-1:000000000000:rule/r*");
  EXPECT_EQ(Must("AddPermission", permission).StringOr("Statement", ""),
            R"({"Sid":"s","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},)"
            R"("Action":"lambda:InvokeFunction","Resource":")" +
                std::string(kArn) +
                R"(","Condition":{"ArnLike":{"AWS:SourceArn":)"
                R"("arn:aws:events:us-east-1:000000000000:rule/r*"}}})");
  EXPECT_TRUE(Refused("AddPermission", permission)
                  .starts_with("ResourceConflictException: The statement id (s) provided already"));
  EXPECT_EQ(as_events("arn:aws:events:us-east-1:000000000000:rule/r"), "invoked");
  EXPECT_EQ(as_events("arn:aws:events:us-east-1:000000000000:rule/other"), "AccessDeniedException");
  Must("RemovePermission", name.With("StatementId", "s"));
  EXPECT_EQ(Refused("GetPolicy", name),
            "ResourceNotFoundException: The resource you requested does not exist.");
}

}  // namespace
}  // namespace stepmill::lambda
