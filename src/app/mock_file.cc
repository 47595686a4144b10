#include "app/mock_file.h"

#include "base/strings.h"
#include "io/files.h"

namespace stepmill {

/// Where the parts of the file stand, for its errors.
class MockPlaces {
 public:
  explicit MockPlaces(std::string path) : path_(std::move(path)) {}
  Positions positions;

  Error Wrong(const std::string& pointer, const std::string& message) const {
    TextPosition at{1, 1};
    for (std::string place = pointer;; place.erase(place.rfind('/'))) {
      if (const auto found = positions.find(place); found != positions.end()) {
        at = found->second;
        break;
      }
      if (place.empty()) break;
    }
    return {
        Code::kInvalid, "InvalidMocks",
        path_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + message};
  }

 private:
  std::string path_;
};

namespace {

std::string Names(const Json& object) {
  std::string names;
  for (const Json::Member& member : object.members())
    names += (names.empty() ? "" : ", ") + member.name;
  return names;
}

/// The member named `wanted`, or the only one.
Result<std::string> Choose(const Json& object, const std::string& wanted, const char* what,
                           const std::string& pointer, const MockPlaces& places) {
  if (object.Has(wanted)) return wanted;
  if (object.size() == 1 && wanted.empty()) return object.members()[0].name;
  if (object.size() == 0) return places.Wrong(pointer, std::string("there is no ") + what);
  const std::string which = wanted.empty() ? "" : " '" + wanted + "'";
  return places.Wrong(pointer, std::string(wanted.empty() ? "several of: " : "there is no ") +
                                   what + which + "; the file has " + Names(object));
}

/// "3" or "1-2".
bool ReadCalls(const std::string& text, int64_t& first, int64_t& last) {
  const size_t dash = text.find('-');
  const auto from = ParseInt(text.substr(0, dash));
  const auto to = dash == std::string::npos ? from : ParseInt(text.substr(dash + 1));
  if (!from || !to || *from < 0 || *to < *from) return false;
  first = *from;
  last = *to;
  return true;
}

}  // namespace

Result<std::vector<MockFile::Reply>> MockFile::ReadReplies(const Json& response,
                                                           const std::string& pointer,
                                                           const MockPlaces& places) {
  if (!response.is_object() || response.size() == 0)
    return places.Wrong(pointer, "expected an object of call numbers and answers");
  std::vector<Reply> replies;
  for (const Json::Member& member : response.members()) {
    const std::string here = PointerAppend(pointer, member.name);
    Reply reply;
    if (!ReadCalls(member.name, reply.first, reply.last))
      return places.Wrong(
          here, "'" + member.name + "': expected the number of a call, \"0\", or a range, \"1-2\"");
    for (const Reply& other : replies)
      if (reply.first <= other.last && other.first <= reply.last)
        return places.Wrong(here, "'" + member.name + "': a call in it has an answer already");
    const Json* returned = member.value.Find("Return");
    const Json* thrown = member.value.Find("Throw");
    if ((returned != nullptr) == (thrown != nullptr))
      return places.Wrong(here,
                          "expected {\"Return\": VALUE} or {\"Throw\": {\"Error\", \"Cause\"}}");
    if (returned) reply.answer.output = *returned;
    if (thrown) {
      if (!(*thrown)["Error"].is_string())
        return places.Wrong(here, "Throw: expected {\"Error\": NAME, \"Cause\": TEXT}");
      reply.answer.is_failure = true;
      reply.answer.error = thrown->StringOr("Error", "");
      if (thrown->Has("Cause")) reply.answer.cause = thrown->StringOr("Cause", "");
    }
    replies.push_back(std::move(reply));
  }
  return replies;
}

Result<MockFile> MockFile::Read(const std::string& path, const std::string& machine,
                                const std::string& test_case) {
  MockFile file;
  if (path.empty()) return file;
  file.path_ = path;
  MILL_TRY(const std::string text, io::ReadFile(path));
  MockPlaces places(path);
  ParseOptions options;
  options.positions = &places.positions;
  const Result<Json> parsed = ParseJson(text, options);
  if (!parsed) return Error{Code::kInvalid, "InvalidMocks", path + ": " + parsed.error().message};
  const Json& machines = (*parsed)["StateMachines"];
  const Json& responses = (*parsed)["MockedResponses"];
  if (!machines.is_object() || !responses.is_object())
    return places.Wrong("", "expected {\"StateMachines\": {...}, \"MockedResponses\": {...}}");
  const std::string wanted = machines.size() == 1 ? "" : machine;
  MILL_TRY(const std::string name,
           Choose(machines, wanted, "state machine", "/StateMachines", places));
  std::string pointer = PointerAppend(PointerAppend("/StateMachines", name), "TestCases");
  const Json& cases = machines[name]["TestCases"];
  if (!cases.is_object()) return places.Wrong(pointer, "expected TestCases");
  Result<std::string> chosen = Choose(cases, test_case, "test case", pointer, places);
  if (!chosen && test_case.empty() && cases.size() > 1)
    return places.Wrong(pointer, "choose one with --test-case: " + Names(cases));
  if (!chosen) return chosen.error();
  file.test_case_ = *chosen;
  pointer = PointerAppend(pointer, *chosen);
  if (!cases[*chosen].is_object())
    return places.Wrong(pointer, "expected an object of states and responses");
  for (const Json::Member& state : cases[*chosen].members()) {
    const std::string here = PointerAppend(pointer, state.name);
    if (!state.value.is_string()) return places.Wrong(here, "expected the name of a response");
    const std::string& response = state.value.AsString();
    if (!responses.Has(response))
      return places.Wrong(here, "there is no response '" + response + "' in MockedResponses");
    MILL_TRY(file.replies_[state.name],
             ReadReplies(responses[response], PointerAppend("/MockedResponses", response), places));
    file.responses_[state.name] = response;
  }
  return file;
}

asl::TaskAnswer MockFile::Answer(const asl::ScheduleTask& task) {
  asl::TaskAnswer missing;
  missing.is_failure = true;
  missing.error = "States.Runtime";  // which no Catch hides
  const auto found = replies_.find(task.state_name);
  if (found == replies_.end()) {
    missing.cause = "The state '" + task.state_name + "' calls " + task.resource.arn +
                    ", and `run` calls nothing: give its answer with --mocks FILE" +
                    (path_.empty() ? ""
                                   : " (test case '" + test_case_ + "' of " + path_ +
                                         " has none for this state)");
    return missing;
  }
  const int64_t call = calls_[task.state_name]++;
  for (const Reply& reply : found->second) {
    if (call < reply.first || call > reply.last) continue;
    asl::TaskAnswer answer = reply.answer;
    if (task.resource.is_sync() ||
        task.resource.pattern == asl::Resource::Pattern::kWaitForTaskToken)
      answer.submitted = Json(Json::Object{});
    return answer;
  }
  missing.cause = "The state '" + task.state_name + "' is called for the time number " +
                  std::to_string(call) + " (from 0), and the response '" +
                  responses_[task.state_name] + "' of " + path_ + " has no answer for it";
  return missing;
}

}  // namespace stepmill
