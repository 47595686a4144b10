#include "lang/template/template.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "lang/template/document.h"
#include "lang/template/resolve.h"

namespace stepmill::cfn {
namespace {

Json Document(const std::string& text) {
  auto document = ParseDocument(text);
  EXPECT_TRUE(document) << document.error().message;
  return document ? *document : Json();
}

Scope TestScope() {
  Scope scope;
  scope.account = "000000000000";
  scope.region = "us-east-1";
  scope.stack_name = "dev";
  scope.stack_id = "arn:aws:cloudformation:us-east-1:000000000000:stack/dev/1";
  scope.parameters = *ParseJson(R"({"P":"p","L":["a","b"],"N":"3"})");
  scope.mappings = *ParseJson(R"({"M":{"us-east-1":{"k":"mapped","list":["x"]}}})");
  scope.conditions = *ParseJson(R"({"Good":true,"Bad":false})");
  scope.resources = *ParseJson(R"({"R":{"Ref":"r-1","Arn":"arn:r","Nested.Name":"n"}})");
  scope.exports = *ParseJson(R"({"out":"imported"})");
  return scope;
}

std::string Resolved(const std::string& yaml, bool keeps_unknown = false) {
  Scope scope = TestScope();
  scope.keeps_unknown = keeps_unknown;
  const auto value = Resolve(Document("a: " + yaml)["a"], scope);
  if (!value) return value.error().message;
  return *value ? (*value)->Print() : "no value";
}

TEST(Resolve, Functions) {
  EXPECT_EQ(Resolved("!Ref P"), "\"p\"");
  EXPECT_EQ(Resolved("!Ref AWS::Region"), "\"us-east-1\"");
  EXPECT_EQ(Resolved("!Ref AWS::NoValue"), "no value");
  EXPECT_EQ(Resolved("!GetAtt R.Arn"), "\"arn:r\"");
  EXPECT_EQ(Resolved("!GetAtt R.Nested.Name"), "\"n\"");
  EXPECT_EQ(Resolved("!Sub '${P}-${R}-${R.Arn}-${!Kept}-${AWS::AccountId}'"),
            "\"p-r-1-arn:r-${Kept}-000000000000\"");
  EXPECT_EQ(Resolved("!Sub ['${x}${P}', {x: !Ref N}]"), "\"3p\"");
  EXPECT_EQ(Resolved("!Join [':', [a, 1, true, !Ref P]]"), "\"a:1:true:p\"");
  EXPECT_EQ(Resolved("!Join [',', !Ref L]"), "\"a,b\"");
  EXPECT_EQ(Resolved("!Select [1, !Split ['|', 'a|b|c']]"), "\"b\"");
  EXPECT_EQ(Resolved("!Select ['0', !Ref L]"), "\"a\"");
  EXPECT_EQ(Resolved("!FindInMap [M, !Ref AWS::Region, k]"), "\"mapped\"");
  EXPECT_EQ(Resolved("!FindInMap [M, x, k, {DefaultValue: d}]"), "\"d\"");
  EXPECT_EQ(Resolved("!If [Good, {x: 1}, 2]"), R"({"x":1})");
  EXPECT_EQ(Resolved("[a, !If [Bad, b, !Ref AWS::NoValue]]"), R"(["a"])");
  EXPECT_EQ(Resolved("{k: !If [Bad, b, !Ref AWS::NoValue], l: 1}"), R"({"l":1})");
  EXPECT_EQ(Resolved("!Base64 あ"), "\"44GC\"");
  EXPECT_EQ(Resolved("!ImportValue out"), "\"imported\"");
  EXPECT_EQ(Resolved("!GetAZs ''"), R"(["us-east-1a","us-east-1b","us-east-1c"])");
  EXPECT_EQ(Resolved("!Cidr ['10.0.0.0/16', 2, 8]"), R"(["10.0.0.0/24","10.0.1.0/24"])");
  EXPECT_EQ(Resolved("{'Fn::ToJsonString': {a: !Ref P}}"), R"("{\"a\":\"p\"}")");
  EXPECT_EQ(Resolved("{'Fn::Length': !Ref L}"), "2");
  EXPECT_EQ(Resolved("{Condition: {StringEquals: {a: b}}}"),
            R"({"Condition":{"StringEquals":{"a":"b"}}})");
}

TEST(Resolve, ErrorsAreThoseOfAws) {
  EXPECT_EQ(Resolved("!Ref Nope"),
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block "
            "of the template");
  EXPECT_EQ(Resolved("!GetAtt Nope.Arn"),
            "Template error: instance of Fn::GetAtt references undefined resource Nope");
  EXPECT_EQ(Resolved("!GetAtt R.Nope"),
            "Template error: resource R does not support attribute type Nope in Fn::GetAtt");
  EXPECT_EQ(Resolved("!FindInMap [M, x, k]"), "Template error: Unable to get mapping for M::x::k");
  EXPECT_EQ(Resolved("!Select [7, [a]]"),
            "Template error: Fn::Select  cannot select nonexistent value at index 7");
  EXPECT_EQ(Resolved("!ImportValue nope"), "No export named nope found.");
  EXPECT_EQ(Resolved("!Transform {Name: x}"),
            "Template format error: Encountered unsupported function: Fn::Transform");
}

TEST(Resolve, KeepsWhatIsNotKnownYet) {
  EXPECT_EQ(Resolved("!Ref New", true), R"({"Ref":"New"})");
  EXPECT_EQ(Resolved("!Join ['', [!Ref P, !GetAtt New.Arn]]", true),
            R"({"Fn::Join":["",["p",{"Fn::GetAtt":["New","Arn"]}]]})");
  EXPECT_EQ(Resolved("!Sub '${P}/${New}'", true), R"({"Fn::Sub":["${P}/${New}",{}]})");
}

TEST(Resolve, Conditions) {
  const Json document = Document(
      "Conditions:\n  A: !Equals [!Ref P, p]\n  B: !Not [!Condition A]\n"
      "  C: !And [!Condition A, !Or [!Condition B, !Equals ['1', 1]]]\n");
  EXPECT_EQ(ResolveConditions(document, TestScope())->Print(), R"({"A":true,"B":false,"C":true})");
  const Json circle = Document("Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n");
  EXPECT_EQ(ResolveConditions(circle, TestScope()).error().message,
            "Template format error: Found circular condition dependency: A");
}

std::string Checked(const std::string& text) {
  const auto checked = CheckTemplate(Document(text));
  return checked ? "ok" : checked.error().message;
}

TEST(Template, Structure) {
  EXPECT_EQ(Checked("Resources: {A: {Type: 'X::Y::Z', Properties: {b: !Ref AWS::Region}}}"), "ok");
  EXPECT_EQ(Checked("Description: x"),
            "Template format error: At least one Resources member must be defined.");
  EXPECT_EQ(Checked("Foo: 1\nResources: {A: {Type: X}}"),
            "Invalid template property or properties [Foo]");
  EXPECT_EQ(Checked("Resources: {A: {Properties: {}}}"),
            "Template format error: [/Resources/A] Every Resources object must contain a Type "
            "member.");
  EXPECT_EQ(Checked("Resources: {A: {Type: X, Properties: {a: !Ref B, c: !Sub '${D}'}}}"),
            "Template format error: Unresolved resource dependencies [B, D] in the Resources block "
            "of the template");
  EXPECT_EQ(Checked("Resources: {A: {Type: X}}\nOutputs: {O: {Value: !Ref B}}"),
            "Template format error: Unresolved resource dependencies [B] in the Outputs block of "
            "the template");
  EXPECT_EQ(Checked("Resources: {A: {Type: X, DependsOn: [B]}}"),
            "Template format error: Unresolved resource dependencies [B] in the Resources block of "
            "the template");
  EXPECT_EQ(Checked("Resources: {A: {Type: X, Properties: {a: !GetAtt B.C}}}"),
            "Template error: instance of Fn::GetAtt references undefined resource B");
  EXPECT_EQ(Checked("Resources: {A: {Type: X, Condition: N}}"),
            "Template format error: Unresolved condition dependency N in the Resources block of "
            "the template");
  EXPECT_EQ(Checked("Resources:\n  A: {Type: X, Properties: {b: !Ref B}}\n"
                    "  B: {Type: X, DependsOn: C}\n  C: {Type: X, Properties: {a: !GetAtt A.b}}\n"
                    "  D: {Type: X, DependsOn: A}\n  E: {Type: X}\n"),
            "Circular dependency between resources: [A, B, C]");
  EXPECT_EQ(Checked("Parameters: {P: {Type: Foo}}\nResources: {A: {Type: X}}"),
            "Template format error: Unrecognized parameter type: Foo");
}

std::string Parameters(const std::string& definitions, const std::string& given) {
  const Json document = Document("Parameters:\n" + definitions);
  const auto values = ResolveParameters(document, *ParseJson(given), *ParseJson(R"({"/a":"x,y"})"));
  return values ? ParameterValues(*values).Print() : values.error().message;
}

TEST(Template, Parameters) {
  EXPECT_EQ(Parameters("  P: {Type: String, Default: d}\n  N: {Type: Number}\n"
                       "  L: {Type: CommaDelimitedList, Default: 'a, b'}\n",
                       R"({"N":"5"})"),
            R"({"P":"d","N":"5","L":["a","b"]})");
  EXPECT_EQ(Parameters("  P: {Type: String}\n  Q: {Type: String}\n", "{}"),
            "Parameters: [P, Q] must have values");
  EXPECT_EQ(Parameters("  P: {Type: String}\n", R"({"P":"x","Z":"y"})"),
            "Parameters: [Z] do not exist in the template");
  EXPECT_EQ(Parameters("  P: {Type: String, AllowedValues: [a, b]}\n", R"({"P":"x"})"),
            "Parameter 'P' must be one of AllowedValues");
  EXPECT_EQ(Parameters("  P: {Type: String, AllowedPattern: '[a-z]+'}\n", R"({"P":"X"})"),
            "Parameter 'P' must match pattern [a-z]+");
  EXPECT_EQ(Parameters("  P: {Type: Number, MinValue: 3}\n", R"({"P":"2"})"),
            "Parameter 'P' must be a number not less than 3");
  EXPECT_EQ(Parameters("  P: {Type: Number}\n", R"({"P":"x"})"), "Parameter 'P' must be a number");
  EXPECT_EQ(Parameters("  P: {Type: String, MaxLength: 2, ConstraintDescription: short}\n",
                       R"({"P":"abc"})"),
            "Parameter P failed to satisfy constraint: short");
  EXPECT_EQ(Parameters("  P: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\n", "{}"),
            R"({"P":"x,y"})");
  EXPECT_EQ(
      Parameters("  P: {Type: 'AWS::SSM::Parameter::Value<List<String>>'}\n", R"({"P":"/a"})"),
      R"({"P":["x","y"]})");
  EXPECT_EQ(Parameters("  P: {Type: 'AWS::SSM::Parameter::Value<String>'}\n", R"({"P":"/z"})"),
            "Unable to fetch parameters [/z] from parameter store for this account.");
}

TEST(Template, Order) {
  const Json resources = Document(
      "A: {Type: X, Properties: {b: !If [Good, !Ref B, !Ref C]}}\nB: {Type: X}\nC: {Type: X}\n");
  const auto dependencies = DependenciesOf(resources, TestScope().conditions);
  EXPECT_EQ(dependencies.at("A"), std::vector<std::string>{"B"});
}

TEST(Template, Capabilities) {
  const Json plain = Document("Resources: {R: {Type: 'AWS::IAM::Role', Properties: {}}}");
  const Json named =
      Document("Resources: {R: {Type: 'AWS::IAM::Role', Properties: {RoleName: x}}}");
  EXPECT_EQ(MissingCapabilities(plain, {}), "Requires capabilities : [CAPABILITY_IAM]");
  EXPECT_EQ(MissingCapabilities(plain, {"CAPABILITY_NAMED_IAM"}), "");
  EXPECT_EQ(MissingCapabilities(named, {"CAPABILITY_IAM"}),
            "Requires capabilities : [CAPABILITY_NAMED_IAM]");
}

TEST(Template, DynamicReferencesAreFound) {
  const auto found = DynamicReferences(*ParseJson(
      R"({"a":"x{{resolve:ssm:/a:1}}y","b":["{{resolve:ssm:/b}}","{{resolve:ssm:/b}}"]})"));
  EXPECT_EQ(Join(found, " "), "{{resolve:ssm:/a:1}} {{resolve:ssm:/b}}");
}

}  // namespace
}  // namespace stepmill::cfn
