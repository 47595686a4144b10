#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/client.h"
#include "lang/xml/xml.h"
#include "task/task.h"

namespace stepmill {

/// CloudFormation as a command sees it.
class StackClient {
 public:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  StackClient(io::Loop& loop, Client& client) : loop_(loop), client_(client) {}

  /// The element OPERATIONResult; an empty one for operations that answer nothing.
  Task<xml::Element> Ask(std::string operation, Parameters parameters);

  struct Stack {
    bool exists = false;
    std::string id, status, reason;
    xml::Element element;
  };
  /// Of a name or an id; not there is no error.
  Task<Stack> Find(std::string name);

  struct Event {
    std::string id, status, type, logical_id, physical_id, reason;
  };
  /// The newest events of a stack, newest first, back to the one with `until_id` (not included).
  Task<std::vector<Event>> EventsSince(std::string stack, std::string until_id);

  /// Waits until the stack has come to rest, printing its events as they happen; its last status.
  Task<std::string> WatchUntilAtRest(std::string stack, std::string last_event_id);

 private:
  io::Loop& loop_;
  Client& client_;
};

/// Text of a child element, or "".
std::string ChildText(const xml::Element& element, std::string_view child);
/// The <member> elements of a child.
std::vector<xml::Element> Members(const xml::Element& element, std::string_view child);

/// A table as the SAM CLI draws it: a title, rows of four columns.
void PrintTableHead(const std::string& title, const std::vector<std::string>& columns);
void PrintTableRow(const std::vector<std::string>& cells);
void PrintTableEnd();

}  // namespace stepmill
