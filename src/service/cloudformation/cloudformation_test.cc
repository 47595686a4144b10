#include "service/cloudformation/cloudformation.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"
#include "app/test_world.h"
#include "gate/model.h"
#include "service/dynamodb/dynamodb.h"
#include "service/events/events.h"
#include "service/secretsmanager/secretsmanager.h"
#include "service/sns/sns.h"
#include "service/sqs/sqs.h"
#include "service/ssm/ssm.h"
#include "service/states/states.h"

namespace stepmill::cloudformation {
namespace {

// A fake S3 that has one object, and an IAM that takes everything.
Task<Json> GetObject(Call& call) {
  if (call.input.StringOr("Key", "") != "m.json") {
    co_return Error{Code::kNotFound, "NoSuchKey", "The specified key does not exist."};
  }
  call.answer_body = BytesSource(
      R"({"Comment":"${Word}","StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})");
  co_return Json::Object{};
}
Task<Json> Accept(Call&) { co_return Json::Object{}; }

constexpr Operation kS3Rows[] = {
    {.name = "GetObject", .handler = GetObject, .action = "s3:GetObject", .access = Access::kRead}};
constexpr Operation kIamRows[] = {
    {.name = "CreateRole", .handler = Accept, .action = "iam:CreateRole"},
    {.name = "PutRolePolicy", .handler = Accept, .action = "iam:PutRolePolicy"},
    {.name = "DeleteRolePolicy", .handler = Accept, .action = "iam:DeleteRolePolicy"},
    {.name = "DeleteRole", .handler = Accept, .action = "iam:DeleteRole"},
};
const Service kS3{.name = "s3", .host = "s3", .model = &models::kS3, .operations = kS3Rows};
const Service kIam{.name = "iam", .host = "iam", .model = &models::kIam, .operations = kIamRows};

class CloudFormation : public testing::Test {
 protected:
  CloudFormation() { EXPECT_TRUE(world_.Run(world_.engine().Recover())); }
  Json Ask(const std::string& operation, const Json& input) {
    auto answer = world_.Ask("cloudformation", operation, input);
    if (answer) return *answer;
    return Json(Json::Object{{"error", answer.error().name}, {"message", answer.error().message}});
  }
  Json Stack(const std::string& name) {
    return Ask("DescribeStacks", Json(Json::Object{{"StackName", name}}))["Stacks"].At(0);
  }
  /// The status that the stack comes to rest in.
  std::string Settled(const std::string& name) {
    world_.RunUntil([&] {
      const std::string status = Stack(name).StringOr("StackStatus", "");
      return status.find("_IN_PROGRESS") == std::string::npos;
    });
    return Stack(name).StringOr("StackStatus", "");
  }
  std::string Create(const std::string& text, const std::string& name = "dev") {
    const Json answer = Ask("CreateStack", Json(Json::Object{{"StackName", name},
                                                             {"TemplateBody", text},
                                                             {"Capabilities", kCapabilities}}));
    if (answer.Has("error")) return answer.StringOr("message", "");
    id_ = answer.StringOr("StackId", "");
    return Settled(id_);
  }
  std::string Update(const std::string& text) {
    const Json answer = Ask("UpdateStack", Json(Json::Object{{"StackName", "dev"},
                                                             {"TemplateBody", text},
                                                             {"Capabilities", kCapabilities}}));
    if (answer.Has("error")) return answer.StringOr("message", "");
    return Settled("dev");
  }
  std::string Value(const std::string& parameter) {
    auto answer = world_.Ask("ssm", "GetParameter", Json(Json::Object{{"Name", parameter}}));
    return answer ? (*answer)["Parameter"].StringOr("Value", "") : answer.error().name;
  }
  /// "Logical STATUS" of all events, oldest first.
  std::string Events() {
    const Json events =
        Ask("DescribeStackEvents", Json(Json::Object{{"StackName", id_}}))["StackEvents"];
    std::string out;
    for (size_t i = events.size(); i-- > 0;) {
      out += events.At(i).StringOr("LogicalResourceId", "") + " " +
             events.At(i).StringOr("ResourceStatus", "") + "\n";
    }
    return out;
  }

  const Json kCapabilities = Json(Json::Array{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"});
  CaseBlobs blobs_;
  TestWorld world_{
      {&kService, &ssm::kService, &states::kService, &events::kService, &secretsmanager::kService,
       &sqs::kService, &sns::kService, &dynamodb::kService, &kS3, &kIam},
      &blobs_,
      nullptr,
      [](const Json&, const Json&) { return false; }};
  std::string id_;
};

constexpr const char* kTwo = R"(
Description: 開発
Parameters:
  Word: {Type: String, Default: hello}
Resources:
  Second:
    Type: AWS::SSM::Parameter
    Properties: {Name: /two, Type: String, Value: !Sub '${First}=${First.Value}'}
  First:
    Type: AWS::SSM::Parameter
    Properties: {Name: /one, Type: String, Value: !Ref Word}
Outputs:
  Name: {Value: !Ref Second, Description: a name, Export: {Name: !Sub '${AWS::StackName}-name'}}
)";

TEST_F(CloudFormation, CreatesInOrderAndDeletes) {
  ASSERT_EQ(Create(kTwo), "CREATE_COMPLETE");
  EXPECT_EQ(Value("/two"), "/one=hello");
  EXPECT_EQ(Stack("dev")["Outputs"].Print(),
            R"([{"OutputKey":"Name","OutputValue":"/two","Description":"a name",)"
            R"("ExportName":"dev-name"}])");
  EXPECT_EQ(Events(),
            "dev CREATE_IN_PROGRESS\nFirst CREATE_IN_PROGRESS\nFirst CREATE_IN_PROGRESS\n"
            "First CREATE_COMPLETE\nSecond CREATE_IN_PROGRESS\nSecond CREATE_IN_PROGRESS\n"
            "Second CREATE_COMPLETE\ndev CREATE_COMPLETE\n");
  const Json by_name(Json::Object{{"StackName", "dev"}});
  EXPECT_EQ(Ask("GetTemplate", by_name).StringOr("TemplateBody", ""), kTwo);
  EXPECT_EQ(Ask("DescribeStackResources", by_name)["StackResources"].size(), 2U);
  Ask("DeleteStack", by_name);
  EXPECT_EQ(Settled(id_), "DELETE_COMPLETE");
  EXPECT_EQ(Value("/one"), "ParameterNotFound");
  EXPECT_EQ(Ask("DescribeStacks", by_name).StringOr("message", ""),
            "Stack with id dev does not exist");
}

TEST_F(CloudFormation, UpdatesReplacesAndCleansUp) {
  ASSERT_EQ(Create(kTwo), "CREATE_COMPLETE");
  std::string changed = ReplaceAll(kTwo, "Default: hello", "Default: bye");
  ASSERT_EQ(Update(changed), "UPDATE_COMPLETE");
  EXPECT_EQ(Value("/two"), "/one=bye");
  changed = ReplaceAll(changed, "Name: /one", "Name: /new");
  ASSERT_EQ(Update(changed), "UPDATE_COMPLETE");
  EXPECT_EQ(Value("/new"), "bye");
  EXPECT_EQ(Value("/one"), "ParameterNotFound");
  EXPECT_EQ(Value("/two"), "/new=bye");
  EXPECT_EQ(Update(changed), "No updates are to be performed.");
}

constexpr const char* kBad = R"(
Resources:
  First:
    Type: AWS::SSM::Parameter
    Properties: {Name: /one, Type: String, Value: a}
  Bad:
    Type: AWS::SSM::Parameter
    DependsOn: First
    Properties: {Name: 'no good!', Type: String, Value: a}
)";

TEST_F(CloudFormation, RollsBackAFailedCreation) {
  ASSERT_EQ(Create(kBad), "ROLLBACK_COMPLETE");
  EXPECT_EQ(Value("/one"), "ParameterNotFound");
  EXPECT_NE(Events().find("Bad CREATE_FAILED\ndev ROLLBACK_IN_PROGRESS\nFirst DELETE_IN_PROGRESS\n"
                          "First DELETE_COMPLETE\ndev ROLLBACK_COMPLETE\n"),
            std::string::npos)
      << Events();
  EXPECT_EQ(Update(kTwo),
            "Stack:" + id_ + " is in ROLLBACK_COMPLETE state and can not be updated.");
}

TEST_F(CloudFormation, DoesNotTouchWhatItDidNotMake) {
  const auto mine = world_.Ask("ssm", "PutParameter",
                               *ParseJson(R"({"Name":"/one","Type":"String","Value":"mine"})"));
  ASSERT_TRUE(mine);
  ASSERT_EQ(Create(kTwo), "ROLLBACK_COMPLETE");
  EXPECT_EQ(Value("/one"), "mine");
}

TEST_F(CloudFormation, RollsBackAFailedUpdate) {
  ASSERT_EQ(Create(kTwo), "CREATE_COMPLETE");
  const std::string bad = ReplaceAll(kTwo, "Default: hello", "Default: bye") + "Conditions: {}\n";
  const std::string text = ReplaceAll(bad, "Outputs:\n",
                                      "  Bad:\n    Type: AWS::SSM::Parameter\n"
                                      "    DependsOn: [First, Second]\n"
                                      "    Properties: {Name: 'no!', Type: String, Value: a}\n"
                                      "Outputs:\n");
  EXPECT_EQ(Update(text), "UPDATE_ROLLBACK_COMPLETE");
  EXPECT_EQ(Value("/one"), "hello");
  EXPECT_EQ(Value("/two"), "/one=hello");
  EXPECT_EQ(Stack("dev")["Parameters"].At(0).StringOr("ParameterValue", ""), "hello");
}

TEST_F(CloudFormation, StopsWhereItFailedAndGoesOnFromThere) {
  const Json request(
      Json::Object{{"StackName", "dev"}, {"TemplateBody", kBad}, {"DisableRollback", true}});
  ASSERT_FALSE(Ask("CreateStack", request).Has("error"));
  EXPECT_EQ(Settled("dev"), "CREATE_FAILED");
  EXPECT_EQ(Stack("dev").StringOr("StackStatusReason", ""),
            "The following resource(s) failed to create: [Bad]. ");
  EXPECT_EQ(Value("/one"), "a");
  EXPECT_EQ(Update(ReplaceAll(kBad, "no good!", "/good")), "UPDATE_COMPLETE");
  EXPECT_EQ(Value("/good"), "a");
}

TEST_F(CloudFormation, TagsFollowTheTemplate) {
  const std::string text =
      "Resources: {A: {Type: 'AWS::SSM::Parameter', Properties: {Name: /a, Type: String, Value: x, "
      "Tags: {one: '1', two: '2'}}}}";
  ASSERT_EQ(Create(text), "CREATE_COMPLETE");
  ASSERT_EQ(Update(ReplaceAll(text, "two: '2'", "three: '3'")), "UPDATE_COMPLETE");
  const auto tags = world_.Ask("ssm", "ListTagsForResource",
                               *ParseJson(R"({"ResourceType":"Parameter","ResourceId":"/a"})"));
  ASSERT_TRUE(tags);
  EXPECT_EQ((*tags)["TagList"].Print(),
            R"([{"Key":"one","Value":"1"},{"Key":"three","Value":"3"}])");
}

TEST_F(CloudFormation, ChangeSets) {
  const Json create = Json(Json::Object{{"StackName", "dev"},
                                        {"ChangeSetName", "one"},
                                        {"ChangeSetType", "CREATE"},
                                        {"TemplateBody", kTwo}});
  ASSERT_FALSE(Ask("CreateChangeSet", create).Has("error"));
  EXPECT_EQ(Stack("dev").StringOr("StackStatus", ""), "REVIEW_IN_PROGRESS");
  const Json name(Json::Object{{"StackName", "dev"}, {"ChangeSetName", "one"}});
  const Json described = Ask("DescribeChangeSet", name);
  EXPECT_EQ(described.StringOr("Status", ""), "CREATE_COMPLETE");
  EXPECT_EQ(described["Changes"].At(0)["ResourceChange"].StringOr("LogicalResourceId", ""),
            "First");
  EXPECT_EQ(Ask("ExecuteChangeSet", name).Print(), "{}");
  EXPECT_EQ(Settled("dev"), "CREATE_COMPLETE");
  EXPECT_EQ(Ask("DescribeChangeSet", name).StringOr("ExecutionStatus", ""), "EXECUTE_COMPLETE");

  const Json same(
      Json::Object{{"StackName", "dev"}, {"ChangeSetName", "two"}, {"TemplateBody", kTwo}});
  Ask("CreateChangeSet", same);
  const Json empty = Ask("DescribeChangeSet", name.With("ChangeSetName", "two"));
  EXPECT_EQ(empty.StringOr("Status", ""), "FAILED");
  EXPECT_EQ(empty.StringOr("StatusReason", ""),
            "The submitted information didn't contain changes. Submit different information to "
            "create a change set.");
  EXPECT_EQ(Ask("ExecuteChangeSet", name.With("ChangeSetName", "two")).StringOr("error", ""),
            "InvalidChangeSetStatus");
}

TEST_F(CloudFormation, NoEchoParametersAreNeitherShownNorStoredInClear) {
  constexpr const char* kHidden = R"(
Parameters:
  Word: {Type: String, NoEcho: true}
Resources:
  First:
    Type: AWS::SSM::Parameter
    Properties: {Name: /one, Type: String, Value: !Sub 'a ${Word}'}
)";
  const Json word(Json::Object{{"ParameterKey", "Word"}, {"ParameterValue", "ひみつ-7"}});
  const Json answer = Ask("CreateStack", Json(Json::Object{{"StackName", "dev"},
                                                           {"TemplateBody", kHidden},
                                                           {"Parameters", Json::Array{word}}}));
  id_ = answer.StringOr("StackId", "");
  ASSERT_EQ(Settled("dev"), "CREATE_COMPLETE") << answer.Print();
  EXPECT_EQ(Value("/one"), "a ひみつ-7");
  const std::string events =
      Ask("DescribeStackEvents", Json(Json::Object{{"StackName", id_}})).Print();
  EXPECT_EQ(events.find("ひみつ-7"), std::string::npos) << events;
  EXPECT_NE(events.find("a ****"), std::string::npos) << events;
  EXPECT_EQ(Stack("dev")["Parameters"].Print(),
            R"([{"ParameterKey":"Word","ParameterValue":"****"}])");

  // What stands in the store: the parameter's own document is of type String and so in clear.
  Store& below = world_.unopened_store();
  int stacks = 0;
  const auto documents = world_.Run(below.Range("", "\xff", Direction::kForward, 1000));
  for (const Document& each : *documents) {
    if (each.key.find("/ssm/") != std::string::npos) continue;
    stacks += each.key.find("/cloudformation/") != std::string::npos ? 1 : 0;
    EXPECT_EQ(each.body.Print().find("ひみつ-7"), std::string::npos) << each.key;
  }
  EXPECT_GE(stacks, 2);
  const auto records = world_.Run(
      below.Read("i/cfn/" + id_.substr(id_.rfind('/') + 1) + "/1", 1, Direction::kForward, 100));
  EXPECT_GE(records->size(), 2U);
  for (const Record& each : *records)
    EXPECT_EQ(each.body.Print().find("ひみつ-7"), std::string::npos);
}

TEST_F(CloudFormation, StateMachineFromS3WithSam) {
  const char* text = R"(
Transform: AWS::Serverless-2016-10-31
Resources:
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: hello
      DefinitionUri: s3://bucket/m.json
      DefinitionSubstitutions: {Word: こんにちは}
      Policies:
        - Statement: [{Effect: Allow, Action: '*', Resource: '*'}]
Outputs:
  Arn: {Value: !Ref Machine}
  Name: {Value: !GetAtt Machine.Name}
)";
  ASSERT_EQ(Create(text), "CREATE_COMPLETE") << Events();
  const std::string arn = "arn:aws:states:us-east-1:000000000000:stateMachine:hello";
  EXPECT_EQ(Stack("dev")["Outputs"].At(0).StringOr("OutputValue", ""), arn);
  const auto machine =
      world_.Ask("states", "DescribeStateMachine", Json(Json::Object{{"stateMachineArn", arn}}));
  ASSERT_TRUE(machine);
  EXPECT_NE(machine->StringOr("definition", "").find("こんにちは"), std::string::npos);
  EXPECT_TRUE(machine->StringOr("roleArn", "")
                  .starts_with("arn:aws:iam::000000000000:role/dev-MachineRole-"));
}

TEST_F(CloudFormation, AConnectionForHttpTasks) {
  const std::string text = R"(
Resources:
  Out:
    Type: AWS::Events::Connection
    Properties:
      Name: out
      AuthorizationType: API_KEY
      AuthParameters:
        ApiKeyAuthParameters: {ApiKeyName: x-key, ApiKeyValue: hidden}
        InvocationHttpParameters: {HeaderParameters: [{Key: a, Value: b, IsValueSecret: 'true'}]}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: m
      RoleArn: arn:aws:iam::000000000000:role/r
      DefinitionSubstitutions: {Connection: !GetAtt Out.Arn}
      DefinitionString: '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource":
        "arn:aws:states:::http:invoke", "End": true, "Parameters": {"ApiEndpoint":
        "https://example.com", "Method": "GET", "Authentication": {"ConnectionArn":
        "${Connection}"}}}}}'
Outputs:
  Secret: {Value: !GetAtt Out.SecretArn}
  Name: {Value: !Ref Out}
)";
  ASSERT_EQ(Create(text), "CREATE_COMPLETE") << Events();
  const auto described =
      world_.Ask("events", "DescribeConnection", Json(Json::Object{{"Name", "out"}}));
  ASSERT_TRUE(described);
  EXPECT_TRUE(
      (*described)["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"].At(0).BoolOr(
          "IsValueSecret", false));
  EXPECT_EQ(Stack("dev")["Outputs"].At(0).StringOr("OutputValue", ""),
            described->StringOr("SecretArn", "none"));
  ASSERT_EQ(Update(ReplaceAll(text, "API_KEY\n", "API_KEY\n      Description: new\n")),
            "UPDATE_COMPLETE");
  Ask("DeleteStack", Json(Json::Object{{"StackName", "dev"}}));
  EXPECT_EQ(Settled(id_), "DELETE_COMPLETE");
  EXPECT_FALSE(world_.Ask("events", "DescribeConnection", Json(Json::Object{{"Name", "out"}})));
}

TEST_F(CloudFormation, QueuesTopicsAndTables) {
  const std::string text = R"(
Resources:
  Dead:
    Type: AWS::SQS::Queue
  Work:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: '3'}
  Allow:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Work]
      PolicyDocument: {Statement: [{Effect: Allow, Principal: '*', Action: sqs:SendMessage}]}
  News:
    Type: AWS::SNS::Topic
    Properties: {TopicName: news, DisplayName: first}
  Told:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref News
      Protocol: sqs
      Endpoint: !GetAtt Work.Arn
      RawMessageDelivery: true
      FilterPolicy: {kind: [good]}
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: things
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
Outputs:
  Url: {Value: !Ref Work}
  Topic: {Value: !Ref News}
  Table: {Value: !GetAtt Things.Arn}
)";
  ASSERT_EQ(Create(text), "CREATE_COMPLETE") << Events();
  const std::string url = "https://sqs.us-east-1.amazonaws.com/000000000000/work";
  const Json outputs = Stack("dev")["Outputs"];
  EXPECT_EQ(outputs.At(0).StringOr("OutputValue", ""), url);
  EXPECT_EQ(outputs.At(1).StringOr("OutputValue", ""), "arn:aws:sns:us-east-1:000000000000:news");
  EXPECT_EQ(outputs.At(2).StringOr("OutputValue", ""),
            "arn:aws:dynamodb:us-east-1:000000000000:table/things");
  const Json all = Json::Object{{"QueueUrl", url}, {"AttributeNames", Json::Array{"All"}}};
  auto queue = world_.Ask("sqs", "GetQueueAttributes", all);
  ASSERT_TRUE(queue);
  EXPECT_EQ((*queue)["Attributes"].StringOr("VisibilityTimeout", ""), "60");
  EXPECT_TRUE((*queue)["Attributes"].Has("Policy"));
  EXPECT_NE((*queue)["Attributes"].StringOr("RedrivePolicy", "").find("dev-Dead-"),
            std::string::npos);
  ASSERT_EQ(Update(ReplaceAll(ReplaceAll(text, "Timeout: 60", "Timeout: 61"), "first", "second")),
            "UPDATE_COMPLETE");
  queue = world_.Ask("sqs", "GetQueueAttributes", all);
  ASSERT_TRUE(queue);
  EXPECT_EQ((*queue)["Attributes"].StringOr("VisibilityTimeout", ""), "61");
  Ask("DeleteStack", Json(Json::Object{{"StackName", "dev"}}));
  EXPECT_EQ(Settled(id_), "DELETE_COMPLETE");
  EXPECT_FALSE(world_.Ask("sqs", "GetQueueAttributes", all));
  EXPECT_EQ((*world_.Ask("sns", "ListTopics", Json(Json::Object{})))["Topics"].size(), 0u);
  EXPECT_FALSE(
      world_.Ask("dynamodb", "DescribeTable", Json(Json::Object{{"TableName", "things"}})));
}

TEST_F(CloudFormation, RefusesWithTheTextsOfAws) {
  EXPECT_EQ(Create("Resources: {A: {Type: 'AWS::Foo::Bar'}}"),
            "Template format error: Unrecognized resource types: [AWS::Foo::Bar]");
  EXPECT_EQ(Create("Resources: {A: {Type: 'AWS::SSM::Parameter', Properties: {Nope: 1}}}"),
            "Properties validation failed for resource A with message: #: extraneous key [Nope] is "
            "not permitted");
  EXPECT_EQ(Create("Resources: {A: {Type: 'AWS::IAM::Role', Properties: {}}}"),
            "Properties validation failed for resource A with message: #: required key "
            "[AssumeRolePolicyDocument] not found");
  const Json answer =
      Ask("CreateStack", Json(Json::Object{{"StackName", "x"},
                                           {"TemplateBody",
                                            "Resources: {A: {Type: 'AWS::IAM::Role', Properties: "
                                            "{AssumeRolePolicyDocument: {}}}}"}}));
  EXPECT_EQ(answer.StringOr("error", ""), "InsufficientCapabilitiesException");
  EXPECT_EQ(answer.StringOr("message", ""), "Requires capabilities : [CAPABILITY_IAM]");
  EXPECT_EQ(Update(kTwo), "Stack [dev] does not exist");
  EXPECT_EQ(Ask("DeleteStack", Json(Json::Object{{"StackName", "none"}})).Print(), "{}");
}

TEST_F(CloudFormation, Summaries) {
  const Json summary = Ask("GetTemplateSummary", Json(Json::Object{{"TemplateBody", kTwo}}));
  EXPECT_EQ(summary["ResourceTypes"].Print(), R"(["AWS::SSM::Parameter"])");
  EXPECT_EQ(summary["Parameters"].At(0).StringOr("DefaultValue", ""), "hello");
  EXPECT_EQ(Ask("ValidateTemplate", Json(Json::Object{{"TemplateBody", kTwo}}))
                .StringOr("Description", ""),
            "開発");
}

}  // namespace
}  // namespace stepmill::cloudformation
