#include <gtest/gtest.h>

#include <fstream>

#include "app/operations_command.h"
#include "app/services.h"
#include "base/strings.h"
#include "base/test_paths.h"
#include "gate/model.h"
#include "gate/operation.h"
#include "wire/aws/encode.h"
#include "wire/aws/route.h"

namespace stepmill {
namespace {

TEST(Operations, PageIsWhatTheTablesSay) {
  std::ifstream in(SourceDir() + "/docs/operations.md");
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(page, OperationsPage())
      << "docs/operations.md is stale: build/stepmill operations > docs/operations.md";
}

/// The member at "a.b" of a shape, through lists and maps; nullptr: not modelled.
const ShapeMember* MemberAt(const Shape* shape, std::string_view path) {
  const ShapeMember* member = nullptr;
  for (const std::string_view part : Split(path, '.')) {
    while (shape && shape->item.shape) shape = shape->item.shape;
    member = shape ? shape->Find(part) : nullptr;
    shape = member ? member->shape : nullptr;
  }
  return member;
}

TEST(Operations, WhatARowKeepsIsModelledAndNotRefused) {
  int count = 0;
  for (const Service* service : AllServices()) {
    for (const Operation& row : service->operations) {
      if (row.is_internal || row.keeps.empty()) continue;
      const ModelOperation* model = service->model->Find(row.name);
      for (const std::string_view path : Split(row.keeps, ',')) {
        const ShapeMember* member = MemberAt(model->input, path);
        EXPECT_TRUE(member && !member->is_refused)
            << service->name << ":" << row.name << " " << path;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 50);
}

/// Clients send again what was throttled, when it is told in the way of the service.
TEST(Operations, EveryServiceThrottlesAsItsClientsKnow) {
  const Error throttled{Code::kLimit, "ThrottlingException", "Rate exceeded"};
  using Protocol = ServiceModel::Protocol;
  for (const Service* service : AllServices()) {
    if (!service->model) continue;
    wire::Target target;
    target.service = service;
    target.protocol = service->model->protocol;
    const wire::HttpResponse answer = wire::EncodeError(target, throttled, "id", {});
    const bool is_lambda = service->model->FindError("TooManyRequestsException") != nullptr;
    const bool is_s3 = target.protocol == Protocol::kRestXml;
    const std::string code = is_s3                                 ? "<Code>SlowDown</Code>"
                             : target.protocol == Protocol::kQuery ? "<Code>Throttling</Code>"
                             : is_lambda                           ? "TooManyRequestsException"
                                                                   : "ThrottlingException";
    const std::string all = answer.body + std::string(answer.headers.Get("x-amzn-ErrorType"));
    EXPECT_NE(all.find(code), all.npos) << service->name << ": " << all;
    EXPECT_EQ(answer.status, is_s3 ? 503 : is_lambda ? 429 : 400) << service->name;
  }
}

}  // namespace
}  // namespace stepmill
