#pragma once

#include "io/http_client.h"

namespace stepmill::io {

using UnixHttpRequest = ClientRequest;
using UnixHttpAnswer = ClientAnswer;
inline Task<ClientAnswer> UnixHttp(Loop& loop, ClientRequest request) {
  return SendRequest(loop, std::move(request));
}

}  // namespace stepmill::io
