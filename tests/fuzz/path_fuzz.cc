// lang/path: any text compiles or says what is wrong with it; what compiles evaluates within its
// bounds, and what can be written is found again where it was put.
#include <cstdlib>

#include "fuzz.h"
#include "lang/path/path.h"

namespace {

using stepmill::Json;
using stepmill::path::Path;

const Json& Input() {
  static const Json input = *stepmill::ParseJson(
      R"({"a": {"b": [1, 2, 3], "c d": "x", "q'r": 7}, "n": null, "s": "text",
          "items": [{"k": 1, "t": "x"}, {"k": 5, "t": "y"}, {"k": 9, "on": true}], "deep": {"k": 4}})");
  return input;
}

void Target(std::string_view text) {
  const stepmill::Result<Path> path = Path::Compile(text);
  if (!path) {
    if (path.error().message.empty()) std::abort();
    return;
  }
  const stepmill::Result<Json> value = path->Evaluate(Input());
  if (!value && value.error().message.empty()) std::abort();
  if (path->is_definite() && value.has_value() != (path->Find(Input()) != nullptr)) std::abort();
  if (!path->is_reference()) return;
  const stepmill::Result<Json> put = path->Put(Input(), Json(42));
  if (put && path->Evaluate(*put).value_or(Json()) != Json(42)) std::abort();
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
