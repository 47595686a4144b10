#pragma once

#include <string>
#include <string_view>

#include "gate/model.h"
#include "json/json.h"

namespace stepmill::wire {

/// A CBOR value (RFC 8949) as a shape says: timestamps are tag 1 and become seconds, byte strings
/// are blobs and become base64 text, what is no finite number becomes "NaN", "Infinity" or
/// "-Infinity", null and undefined become null. Lengths may be indefinite, floats half, single or
/// double; members that the shape does not know are passed over. A scalar of another type than the
/// shape's comes as it is: the check of input answers for it.
///
/// kInvalid, "SerializationException": bytes that are no CBOR, nested deeper than kCborDepthMax,
/// text that is not UTF-8, numbers beyond 64 bits, bytes behind the value. It needs no more memory
/// than the value: a length that promises more than there is fails before anything is reserved.
Result<Json> DecodeCbor(const Shape& shape, std::string_view bytes);

/// The other way: definite lengths; doubles as 64 bits; a timestamp without a fraction as an
/// integer. Members that the shape does not know are left out.
std::string EncodeCbor(const Shape& shape, const Json& value);

/// A value without a shape, as CBOR: an error's document.
std::string EncodeCbor(const Json& value);

}  // namespace stepmill::wire
