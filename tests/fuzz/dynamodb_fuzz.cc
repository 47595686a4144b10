// lang/dynamodb: any text is an expression or says why not; what parses evaluates and applies
// within its bounds, and an item that comes out of an update is sound and comes in again.
#include <cstdlib>

#include "fuzz.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/number.h"
#include "lang/dynamodb/value.h"

namespace {

using stepmill::Json;
using stepmill::Result;
namespace dynamodb = stepmill::dynamodb;

const Json& Item() {
  static const Json item = *stepmill::ParseJson(
      R"({"a": {"N": "1"}, "b": {"S": "text"}, "l": {"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}]},
          "m": {"M": {"x": {"L": []}}}, "s": {"SS": ["a", "b"]}})");
  return item;
}

dynamodb::Placeholders Placeholders() {
  static const Json names = *stepmill::ParseJson(R"({"#a": "a", "#n": "name"})");
  static const Json values = *stepmill::ParseJson(
      R"({":v": {"N": "2"}, ":w": {"S": "te"}, ":l": {"L": [{"N": "3"}]}, ":s": {"SS": ["a", "c"]}})");
  return *dynamodb::Placeholders::Read(names, values);
}

template <class T>
void NeedMessage(const Result<T>& result) {
  if (!result && result.error().message.empty()) std::abort();
}

void Target(std::string_view text) {
  auto placeholders = Placeholders();
  const auto condition = dynamodb::ParseCondition(text, "FilterExpression", placeholders);
  NeedMessage(condition);
  if (condition) (void)dynamodb::Matches(*condition, Item());  // either answer is right
  const auto paths = dynamodb::ParseProjection(text, placeholders);
  NeedMessage(paths);
  if (paths &&
      dynamodb::SizeOfItem(dynamodb::Project(Item(), *paths)) > dynamodb::SizeOfItem(Item()))
    std::abort();
  const auto key = dynamodb::ParseKeyCondition(text, {"a", "N", "b", "S"}, placeholders);
  NeedMessage(key);
  const auto update = dynamodb::ParseUpdate(text, placeholders);
  NeedMessage(update);
  if (update) {
    const auto after = dynamodb::Apply(*update, Item());
    NeedMessage(after);
    if (after) {
      const auto checked = dynamodb::CheckItem(*after);
      if (!checked || *checked != *after) std::abort();
    }
  }
  const auto number = dynamodb::Number::Parse(text);
  NeedMessage(number);
  if (number && dynamodb::Number::Parse(number->Print())->Print() != number->Print()) std::abort();
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
