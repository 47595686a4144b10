#pragma once

#include <string>

#include "wire/aws/route.h"

namespace stepmill::wire {

/// The fields of a form body or query, decoded, in order.
using Form = std::vector<std::pair<std::string, std::string>>;
Form ParseForm(std::string_view text);

/// The operation's input from the request, by protocol. `body`: the whole body, empty when it
/// streams. For Query the target's operation and model are filled in from the form. Errors:
/// SerializationException, MalformedXML, MalformedQueryString, InvalidAction.
Result<Json> DecodeInput(const HttpRequest& request, Target& target, const std::string& body);

}  // namespace stepmill::wire
