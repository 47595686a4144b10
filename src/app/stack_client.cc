#include "app/stack_client.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/strings.h"

namespace stepmill {
namespace {

constexpr char kVersion[] = "2010-05-15";
constexpr Millis kPoll{500};  // SAM CLI's own delay; SAM_CLI_POLL_DELAY (seconds) changes it
constexpr size_t kWidth = 97;
constexpr size_t kEventPagesMax = 100;

Millis PollDelay() {
  const char* text = std::getenv("SAM_CLI_POLL_DELAY");
  const double seconds = text ? std::strtod(text, nullptr) : 0;
  return seconds > 0 && seconds < 3600 ? Millis(static_cast<int64_t>(seconds * 1000)) : kPoll;
}

bool IsAtRest(const std::string& status) {
  return !status.empty() && (!status.ends_with("_IN_PROGRESS") || status == "REVIEW_IN_PROGRESS");
}

/// Columns that a text takes on a terminal: East Asian letters are two wide.
size_t ShownWidth(std::string_view text) {
  size_t width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;
    width += byte >= 0xE1 ? 2 : 1;
  }
  return width;
}

/// The text in lines of at most `width` columns.
std::vector<std::string> Wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  size_t used = 0;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    const std::string_view letter = text.substr(i, end - i);
    const size_t letter_width = ShownWidth(letter);
    if (letter == "\n" || used + letter_width > width) {
      lines.push_back(std::move(line));
      line.clear();
      used = 0;
    }
    if (letter != "\n") {
      line += letter;
      used += letter_width;
    }
    i = end;
  }
  lines.push_back(std::move(line));
  return lines;
}

}  // namespace

std::string ChildText(const xml::Element& element, std::string_view child) {
  const xml::Element* found = element.Find(child);
  return found ? found->text : "";
}

std::vector<xml::Element> Members(const xml::Element& element, std::string_view child) {
  const xml::Element* found = element.Find(child);
  return found ? found->children : std::vector<xml::Element>();
}

Task<xml::Element> StackClient::Ask(std::string operation, Parameters parameters) {
  MILL_CO_TRY(const std::string text, co_await client_.AskQuery("cloudformation", operation,
                                                                kVersion, std::move(parameters)));
  MILL_CO_TRY(const xml::Element answer, xml::Parse(text));
  const xml::Element* result = answer.Find(operation + "Result");
  co_return result ? *result : xml::Element();
}

Task<StackClient::Stack> StackClient::Find(std::string name) {
  Parameters parameters;
  parameters.emplace_back("StackName", name);
  auto answer = co_await Ask("DescribeStacks", std::move(parameters));
  if (!answer) {
    if (answer.error().message.find("does not exist") != std::string::npos) co_return Stack();
    co_return answer.error();
  }
  Stack stack;
  for (const xml::Element& element : Members(*answer, "Stacks")) {
    stack.exists = true;
    stack.id = ChildText(element, "StackId");
    stack.status = ChildText(element, "StackStatus");
    stack.reason = ChildText(element, "StackStatusReason");
    stack.element = element;
  }
  co_return stack;
}

Task<std::vector<StackClient::Event>> StackClient::EventsSince(std::string stack,
                                                               std::string until_id) {
  std::vector<Event> events;
  std::string token;
  for (size_t page = 0; page < kEventPagesMax; ++page) {
    Parameters parameters;
    parameters.emplace_back("StackName", stack);
    if (!token.empty()) parameters.emplace_back("NextToken", token);
    MILL_CO_TRY(const xml::Element answer,
                co_await Ask("DescribeStackEvents", std::move(parameters)));
    for (const xml::Element& element : Members(answer, "StackEvents")) {
      Event event{ChildText(element, "EventId"),
                  ChildText(element, "ResourceStatus"),
                  ChildText(element, "ResourceType"),
                  ChildText(element, "LogicalResourceId"),
                  ChildText(element, "PhysicalResourceId"),
                  ChildText(element, "ResourceStatusReason")};
      if (event.id == until_id) co_return events;
      events.push_back(std::move(event));
    }
    token = ChildText(answer, "NextToken");
    if (token.empty() || until_id.empty()) break;
  }
  co_return events;
}

Task<std::string> StackClient::WatchUntilAtRest(std::string stack, std::string last_event_id) {
  PrintTableHead(
      "CloudFormation events from stack operations (refresh every " +
          std::to_string(static_cast<double>(PollDelay().count()) / 1000.0).substr(0, 3) +
          " seconds)",
      {"ResourceStatus", "ResourceType", "LogicalResourceId", "ResourceStatusReason"});
  std::string status;
  while (!IsAtRest(status)) {
    MILL_CO_TRY(std::vector<Event> events, co_await EventsSince(stack, last_event_id));
    std::reverse(events.begin(), events.end());
    for (const Event& event : events) {
      PrintTableRow(
          {event.status, event.type, event.logical_id, event.reason.empty() ? "-" : event.reason});
      last_event_id = event.id;
      const bool is_stack =
          event.type == "AWS::CloudFormation::Stack" && event.physical_id.starts_with("arn:");
      if (is_stack) status = event.status;
    }
    if (IsAtRest(status)) break;
    const Time again = loop_.clock().Now() + PollDelay();
    MILL_CO_CHECK(co_await loop_.clock().SleepUntil(again));
  }
  PrintTableEnd();
  co_return status;
}

void PrintTableHead(const std::string& title, const std::vector<std::string>& columns) {
  std::printf("\n%s\n%s\n", title.c_str(), std::string(kWidth, '-').c_str());
  PrintTableRow(columns);
  std::printf("%s\n", std::string(kWidth, '-').c_str());
  std::fflush(stdout);
}

void PrintTableRow(const std::vector<std::string>& cells) {
  const size_t width = (kWidth + 1) / std::max<size_t>(cells.size(), 1) - 1;
  std::vector<std::vector<std::string>> columns;
  size_t lines = 0;
  for (const std::string& cell : cells) {
    columns.push_back(Wrapped(cell, width));
    lines = std::max(lines, columns.back().size());
  }
  for (size_t line = 0; line < lines; ++line) {
    std::string out;
    for (const std::vector<std::string>& column : columns) {
      const std::string cell = line < column.size() ? column[line] : "";
      out += cell + std::string(width + 1 - std::min(width, ShownWidth(cell)), ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    std::printf("%s\n", out.c_str());
  }
  std::fflush(stdout);
}

void PrintTableEnd() {
  std::printf("%s\n\n", std::string(kWidth, '-').c_str());
  std::fflush(stdout);
}

}  // namespace stepmill
