#include "base/strings.h"
#include "json/each.h"
#include "lang/report/limits.h"
#include "lang/report/walk.h"

namespace stepmill::report {
namespace {

struct Case {
  std::string name, prefix, suite, status, message;
  int64_t nanos = 0;
};

Json ToJson(const Case& one) {
  return Json::Object{{"name", std::string(TruncateUtf8(one.name, kNameBytesMax))},
                      {"prefix", std::string(TruncateUtf8(one.prefix, kNameBytesMax))},
                      {"testSuiteName", std::string(TruncateUtf8(one.suite, kNameBytesMax))},
                      {"status", one.status},
                      {"message", std::string(TruncateUtf8(one.message, kMessageBytesMax))},
                      {"durationInNanoSeconds", one.nanos}};
}

Error NotA(std::string_view what, const xml::Element& root) {
  return {Code::kInvalid, "InvalidReport",
          "expected " + std::string(what) + ", not <" + root.name + ">"};
}

/// What a failure says: its message, and its text where there is none.
std::string Words(const xml::Element& element) {
  const std::string message = Attribute(element, "message");
  return message.empty() ? std::string(Trim(element.text)) : message;
}

void AddJunitSuite(const xml::Element& suite, const std::string& above, Items& items) {
  std::string name = Attribute(suite, "name");
  if (name.empty()) name = above;
  for (const xml::Element& child : suite.children) {
    if (child.name == "testsuite") AddJunitSuite(child, name, items);
    if (child.name != "testcase") continue;
    Case one;
    one.name = Attribute(child, "name");
    one.prefix = Attribute(child, "classname");
    one.suite = name;
    one.status = "SUCCEEDED";
    one.nanos = NanosOfSeconds(Attribute(child, "time"));
    for (const xml::Element& part : child.children) {
      const bool is_end = part.name == "failure" || part.name == "error" || part.name == "skipped";
      if (!is_end || one.status == "FAILED" || one.status == "ERROR") continue;
      one.status = part.name == "failure" ? "FAILED" : part.name == "error" ? "ERROR" : "SKIPPED";
      one.message = Words(part);
    }
    items.Add(ToJson(one), kCasesMax);
  }
}

Result<Items> ReadJunit(const xml::Element& root) {
  if (root.name != "testsuites" && root.name != "testsuite")
    return NotA("<testsuites> or <testsuite>", root);
  Items items;
  if (root.name == "testsuite") {
    AddJunitSuite(root, "", items);
  } else {
    for (const xml::Element& suite : root.children)
      if (suite.name == "testsuite") AddJunitSuite(suite, Attribute(root, "name"), items);
  }
  return items;
}

/// "PASS" | "Passed" | "Success" ...
std::string StatusOf(const std::string& word) {
  const std::string lower = ToLower(word);
  if (lower == "pass" || lower == "passed" || lower == "success") return "SUCCEEDED";
  if (lower == "fail" || lower == "failed" || lower == "failure") return "FAILED";
  if (lower == "error" || lower == "timeout" || lower == "aborted") return "ERROR";
  if (lower == "skip" || lower == "skipped" || lower == "ignored" || lower == "notexecuted")
    return "SKIPPED";
  return "UNKNOWN";
}

std::string MessageBelow(const xml::Element& element) {
  std::string message;
  Each(element, "message", [&](const xml::Element& found) {
    if (message.empty()) message = std::string(Trim(found.text));
  });
  Each(element, "Message", [&](const xml::Element& found) {
    if (message.empty()) message = std::string(Trim(found.text));
  });
  return message;
}

Result<Items> ReadTestNg(const xml::Element& root) {
  if (root.name != "testng-results") return NotA("<testng-results>", root);
  Items items;
  for (const xml::Element& suite : root.children) {
    Each(suite, "class", [&](const xml::Element& type) {
      for (const xml::Element& method : type.children) {
        if (method.name != "test-method" || Attribute(method, "is-config") == "true") continue;
        Case one;
        one.name = Attribute(method, "name");
        one.prefix = Attribute(type, "name");
        one.suite = Attribute(suite, "name");
        one.status = StatusOf(Attribute(method, "status"));
        one.nanos = Count(method, "duration-ms") * 1'000'000;
        one.message = MessageBelow(method);
        items.Add(ToJson(one), kCasesMax);
      }
    });
  }
  return items;
}

Result<Items> ReadNunit(const xml::Element& root, bool is_third) {
  const char* expected = is_third ? "test-run" : "test-results";
  if (root.name != expected) return NotA("<" + std::string(expected) + ">", root);
  Items items;
  Each(root, "test-case", [&](const xml::Element& found) {
    Case one;
    const std::string full = Attribute(found, is_third ? "fullname" : "name");
    one.name = Attribute(found, "name");
    one.prefix = Attribute(found, "classname");
    if (one.prefix.empty() && full.rfind('.') != std::string::npos)
      one.prefix = full.substr(0, full.rfind('.'));
    one.suite = one.prefix;
    one.status = StatusOf(Attribute(found, "result"));
    if (!is_third && Attribute(found, "executed") == "False") one.status = "SKIPPED";
    one.nanos = NanosOfSeconds(Attribute(found, is_third ? "duration" : "time"));
    one.message = MessageBelow(found);
    items.Add(ToJson(one), kCasesMax);
  });
  return items;
}

/// "00:00:01.5" -> nanoseconds.
int64_t NanosOfClock(const std::string& text) {
  const auto parts = Split(text, ':');
  if (parts.size() != 3) return 0;
  const int64_t hours = ParseInt(parts[0]).value_or(0), minutes = ParseInt(parts[1]).value_or(0);
  if (hours < 0 || hours > 1000 || minutes < 0 || minutes > 59) return 0;
  return (hours * 3600 + minutes * 60) * 1'000'000'000 + NanosOfSeconds(parts[2]);
}

Result<Items> ReadTrx(const xml::Element& root) {
  if (root.name != "TestRun") return NotA("<TestRun>", root);
  Items items;
  Each(root, "UnitTestResult", [&](const xml::Element& found) {
    Case one;
    one.name = Attribute(found, "testName");
    if (const size_t dot = one.name.rfind('.'); dot != std::string::npos)
      one.prefix = one.name.substr(0, dot);
    one.suite = one.prefix;
    one.status = StatusOf(Attribute(found, "outcome"));
    one.nanos = NanosOfClock(Attribute(found, "duration"));
    one.message = MessageBelow(found);
    items.Add(ToJson(one), kCasesMax);
  });
  return items;
}

}  // namespace

Result<Items> ReadTests(std::string_view format, const xml::Element& root) {
  if (format == "TESTNGXML") return ReadTestNg(root);
  if (format == "NUNITXML" || format == "NUNIT3XML") return ReadNunit(root, format == "NUNIT3XML");
  if (format == "VISUALSTUDIOTRX") return ReadTrx(root);
  return ReadJunit(root);
}

/// A scenario ends as its worst step does; backgrounds are part of each.
Result<Items> ReadCucumber(const Json& document) {
  if (!document.is_array())
    return Error{Code::kInvalid, "InvalidReport", "expected a list of features"};
  Items items;
  for (const Json& feature : document.items()) {
    for (const Json& scenario : ItemsOf(feature["elements"])) {
      if (scenario.StringOr("type", "scenario") == "background") continue;
      Case one;
      one.name = scenario.StringOr("name", "");
      one.prefix = feature.StringOr("uri", "");
      one.suite = feature.StringOr("name", "");
      one.status = scenario["steps"].size() == 0 ? "UNKNOWN" : "SUCCEEDED";
      for (const Json& step : ItemsOf(scenario["steps"])) {
        const Json& result = step["result"];
        const std::string status = ToLower(result.StringOr("status", ""));
        one.nanos += std::max<int64_t>(0, result.IntOr("duration", 0));
        if (one.status == "FAILED") continue;
        if (status == "failed") {
          one.status = "FAILED";
          one.message = result.StringOr("error_message", "");
        } else if (status == "skipped" && one.status == "SUCCEEDED") {
          one.status = "SKIPPED";
        } else if (status != "passed" && status != "skipped") {
          one.status = "UNKNOWN";  // undefined, pending, ambiguous
        }
      }
      items.Add(ToJson(one), kCasesMax);
    }
  }
  return items;
}

}  // namespace stepmill::report
