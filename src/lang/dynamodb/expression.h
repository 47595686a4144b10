#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// The expression language of DynamoDB: conditions, filters and key conditions, updates,
/// projections. Pure. AWS: "Using expressions in DynamoDB".
namespace stepmill::dynamodb {

/// A step of a document path: a name, or an index of a list.
struct PathPart {
  std::string name;
  int64_t index = -1;  ///< not negative: an index
  bool is_index() const { return index >= 0; }
  bool operator==(const PathPart&) const = default;
};
using Path = std::vector<PathPart>;
/// "[a, [1], b]", as error texts have it.
std::string PrintPath(const Path& path);

/// ExpressionAttributeNames and ExpressionAttributeValues of a request, and what of them its
/// expressions have used.
class Placeholders {
 public:
  /// ValidationException when a key or a value is not sound. Null: none were given.
  static Result<Placeholders> Read(const Json& names, const Json& values);
  /// ValidationException for what no expression has used; after all of them are parsed.
  Result<> CheckUsed() const;

  const std::string* FindName(const std::string& placeholder);
  const Json* FindValue(const std::string& placeholder);

 private:
  Json names_, values_;
  std::set<std::string> used_;
};

/// What stands on either side of an operator.
struct Operand {
  enum class Kind { kPath, kValue, kFunction } kind = Kind::kPath;
  Path path;         ///< kPath
  Json value;        ///< kValue
  std::string name;  ///< kFunction: "size", "if_not_exists", "+"; while parsing: ":v"
  std::vector<Operand> operands;
};

struct Condition {
  enum class Kind { kAnd, kOr, kNot, kCompare, kBetween, kIn, kFunction } kind = Kind::kFunction;
  std::string name;               ///< "=", "<>", "begins_with"
  std::vector<Operand> operands;  ///< all but kAnd, kOr and kNot
  std::vector<Condition> parts;   ///< kAnd and kOr: two or more; kNot: one
};

struct UpdateAction {
  enum class Kind { kSet, kRemove, kAdd, kDelete } kind = Kind::kSet;
  Path path;
  Operand value;  ///< not of kRemove
};
using Update = std::vector<UpdateAction>;

/// `parameter` is the name that errors carry: "ConditionExpression", "FilterExpression".
/// ValidationException "Invalid PARAMETER: ..." in AWS's words.
Result<Condition> ParseCondition(std::string_view text, std::string_view parameter,
                                 Placeholders& placeholders);
Result<Update> ParseUpdate(std::string_view text, Placeholders& placeholders);
Result<std::vector<Path>> ParseProjection(std::string_view text, Placeholders& placeholders);

/// What a query asks of the key of a table or an index.
struct KeyCondition {
  Json hash;            ///< the value
  std::string sort_op;  ///< "", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"
  Json sort, sort_end;
};
/// The name of each key attribute and its type ("S", "N", "B"); `sort_name` may be empty.
struct KeyNames {
  std::string hash_name, hash_type, sort_name, sort_type;
};
Result<KeyCondition> ParseKeyCondition(std::string_view text, const KeyNames& names,
                                       Placeholders& placeholders);

/// What a path leads to in an item; nullptr: nothing.
const Json* FindAt(const Json& item, const Path& path);
bool Matches(const Condition& condition, const Json& item);
/// The item after the update; all operands are those of `item`. ValidationException.
Result<Json> Apply(const Update& update, const Json& item);
/// The parts of an item that paths lead to; what is taken out of a list closes up.
Json Project(const Json& item, const std::vector<Path>& paths);
/// The attributes (first steps) that a condition reads, for "Filter Expression can only contain
/// non-primary key attributes".
std::set<std::string> AttributesOf(const Condition& condition);

bool IsReservedWord(std::string_view word);

}  // namespace stepmill::dynamodb
