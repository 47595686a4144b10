// One service, three protocols: the same row answers each in its own words.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "wire/aws/cbor.h"
#include "wire/aws/decode.h"
#include "wire/aws/encode.h"

namespace stepmill::wire {
namespace {

using Protocol = ServiceModel::Protocol;
using Type = Shape::Type;

constexpr Shape kString{.name = "String", .type = Type::kString};
constexpr Shape kTime{.name = "Timestamp", .type = Type::kTimestamp};
constexpr Shape kEntries{.name = "Entries",
                         .type = Type::kList,
                         .item = {.shape = &kString, .location_name = "Entry"},
                         .is_flattened = true};
constexpr ShapeMember kMembers[] = {{.name = "Name", .shape = &kString},
                                    {.name = "At", .shape = &kTime},
                                    {.name = "Entries", .shape = &kEntries}};
constexpr Shape kInput{.name = "PokeInput", .members = kMembers};
constexpr Shape kMissing{.name = "ThingMissingException",
                         .is_error = true,
                         .error_code = "Things.Missing",
                         .http_status = 404};
constexpr const Shape* kErrors[] = {&kMissing};
constexpr ModelOperation kOperations[] = {{.name = "Poke",
                                           .http_method = "POST",
                                           .uri = "/",
                                           .input = &kInput,
                                           .output = &kInput,
                                           .result_wrapper = "PokeResult",
                                           .errors = kErrors}};
constexpr Protocol kProtocols[] = {Protocol::kCbor, Protocol::kJson, Protocol::kQuery};
constexpr ServiceModel kModel{.service = "things",
                              .protocol = Protocol::kCbor,
                              .protocols = kProtocols,
                              .is_query_compatible = true,
                              .json_version = "1.0",
                              .endpoint_prefix = "things",
                              .signing_name = "things",
                              .target_prefix = "Things_2020",
                              .api_version = "2020-01-01",
                              .xml_namespace = "http://things/",
                              .service_id = "Things",
                              .operations = kOperations,
                              .errors = kErrors};
const Service kThings{
    .name = "things", .host = "things.amazonaws.com", .model = &kModel, .operations = {}};

class ProtocolsTest : public testing::Test {
 protected:
  ProtocolsTest() : door_(*reinterpret_cast<Ports*>(this), nullptr) {  // routing asks no port
    door_.Add(kThings);
    signature_.service = "things";
    request_.method = "POST";
    request_.path = "/";
    request_.host = "127.0.0.1";
  }
  Target Find() const { return FindTarget(door_, request_, &signature_); }
  void AskByCbor(std::string path) {
    request_.path = std::move(path);
    request_.headers.Set("smithy-protocol", "rpc-v2-cbor");
  }
  void AskByJson() { request_.headers.Set("x-amz-target", "Things_2020.Poke"); }
  static std::string Read(const HttpRequest& request, Target& target, const std::string& body) {
    const Result<Json> input = DecodeInput(request, target, body);
    return input ? input->Print() : input.error().message;
  }

  Door door_;
  Signature signature_;
  HttpRequest request_;
  static Answer Poked() {
    Answer answer;
    answer.output = Json::Object{{"Name", "n"}, {"At", 1669032000}};
    return answer;
  }
  const Error missing_{Code::kNotFound, "ThingMissingException", "none", {}};
};

TEST_F(ProtocolsTest, Cbor) {
  AskByCbor("/service/Things_2020/operation/Poke");
  Target target = Find();
  ASSERT_TRUE(target.model);
  EXPECT_EQ(target.protocol, Protocol::kCbor);
  EXPECT_EQ(target.operation, "Poke");
  const Json input = Json::Object{{"Name", "n"}, {"At", 5}, {"Entries", Json::Array{"a", "b"}}};
  EXPECT_EQ(Read(request_, target, EncodeCbor(kInput, input)), input.Print());
  EXPECT_EQ(Read(request_, target, ""), "{}");
  const HttpResponse response = EncodeAnswer(target, Poked(), "id", false);
  EXPECT_EQ(response.headers.Get("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(response.headers.Get("content-type"), "application/cbor");
  EXPECT_EQ(Hex(response.body), "a2644e616d65616e624174c11a637b6840");
  const HttpResponse error = EncodeError(target, missing_, "id", request_);
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.body,
            EncodeCbor(Json::Object{{"__type", "ThingMissingException"}, {"message", "none"}}));
  EXPECT_EQ(error.headers.Get("x-amzn-query-error"), "Things.Missing;Sender");
}

TEST_F(ProtocolsTest, CborOfWhatIsNotThere) {
  AskByCbor("/service/Things_2020/operation/Push");
  EXPECT_EQ(Find().unknown, "Things_2020.Push");
  EXPECT_EQ(Find().model, nullptr);
  AskByCbor("/service/Other/operation/Poke");
  EXPECT_EQ(Find().service, nullptr);
  AskByCbor("/");
  EXPECT_EQ(Find().service, nullptr);
  const HttpResponse error = EncodeError(Find(), missing_, "id", request_);
  EXPECT_EQ(error.headers.Get("content-type"), "application/cbor");
}

TEST_F(ProtocolsTest, Json) {
  AskByJson();
  Target target = Find();
  ASSERT_TRUE(target.model);
  EXPECT_EQ(target.protocol, Protocol::kJson);
  EXPECT_EQ(Read(request_, target, R"({"Entries":["a"]})"), R"({"Entries":["a"]})");
  const HttpResponse response = EncodeAnswer(target, Poked(), "id", false);
  EXPECT_EQ(response.headers.Get("content-type"), "application/x-amz-json-1.0");
  EXPECT_EQ(response.body, R"({"Name":"n","At":1669032000})");
  const HttpResponse error = EncodeError(target, missing_, "id", request_);
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.body, R"({"__type":"ThingMissingException","message":"none"})");
  EXPECT_EQ(error.headers.Get("x-amzn-query-error"), "Things.Missing;Sender");
  const Error invalid{Code::kInvalid, "ValidationException", "bad", {}};
  EXPECT_EQ(EncodeError(target, invalid, "id", request_).headers.Get("x-amzn-query-error"),
            "ValidationError;Sender");
}

TEST_F(ProtocolsTest, Query) {
  request_.headers.Set("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  Target target = Find();
  EXPECT_EQ(target.protocol, Protocol::kQuery);
  // A flattened list stands under the name of its items.
  EXPECT_EQ(Read(request_, target, "Action=Poke&Entry.1=a&Entry.2=b&At=2022-11-21T12%3A00%3A00Z"),
            R"({"At":1669032000,"Entries":["a","b"]})");
  ASSERT_TRUE(target.model);
  const HttpResponse response = EncodeAnswer(target, Poked(), "id", false);
  EXPECT_EQ(response.body,
            "<PokeResponse xmlns=\"http://things/\"><PokeResult><Name>n</Name>"
            "<At>2022-11-21T12:00:00Z</At></PokeResult><ResponseMetadata><RequestId>id</RequestId>"
            "</ResponseMetadata></PokeResponse>");
  const HttpResponse error = EncodeError(target, missing_, "id", request_);
  EXPECT_NE(error.body.find("<Code>Things.Missing</Code>"), std::string::npos) << error.body;
  EXPECT_FALSE(error.headers.Has("x-amzn-query-error"));
}

}  // namespace
}  // namespace stepmill::wire
