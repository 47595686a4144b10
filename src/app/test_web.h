#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "task/web.h"

namespace stepmill {

/// For tests: the servers outside. Keeps what it is sent and answers from a list.
struct FakeWeb : WebClient {
  Task<WebAnswer> Send(WebRequest request) override {
    sent.push_back(std::move(request));
    if (answers.empty()) co_return Error{Code::kUnavailable, "ConnectFailed", "no answer is left"};
    Result<WebAnswer> answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
  void Answer(int status, std::string reason, std::string body,
              std::string type = "application/json") {
    WebAnswer answer;
    answer.status = status;
    answer.reason = std::move(reason);
    answer.headers = {{"Content-Type", std::move(type)}, {"X-A", "1"}, {"X-A", "2"}};
    answer.body = std::move(body);
    answers.emplace_back(std::move(answer));
  }
  /// "POST URL" and a line a header, then the body.
  static std::string Text(const WebRequest& request) {
    std::string text = request.method + " " + request.url + "\n";
    for (const WebHeader& header : request.headers)
      text += header.name + ": " + header.value + "\n";
    return text + "\n" + request.body;
  }

  std::vector<WebRequest> sent;
  std::deque<Result<WebAnswer>> answers;
};

}  // namespace stepmill
