#pragma once

#include <vector>

#include "gate/admission.h"
#include "gate/door.h"
#include "wire/aws/auth.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// The AWS protocols: finds the service, checks the signature, decodes, asks the door, encodes.
/// Front ends are asked first.
class AwsHandler : public HttpHandler {
 public:
  AwsHandler(Door& door, SignatureAuthenticator& authenticator, Clock& clock, Random& random)
      : door_(door), authenticator_(authenticator), random_(random), admission_(clock) {}
  void Add(FrontEnd& front_end) { front_ends_.push_back(&front_end); }
  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override;

 private:
  struct Exchange;
  Task<> Serve(HttpRequest& request, Exchange& exchange);

  Door& door_;
  SignatureAuthenticator& authenticator_;
  Random& random_;
  Admission admission_;
  std::vector<FrontEnd*> front_ends_;
};

}  // namespace stepmill::wire
