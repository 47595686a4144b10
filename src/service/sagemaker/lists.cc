#include <algorithm>

#include "json/each.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

constexpr int kRangePage = 1000;
constexpr size_t kDocumentsMax = 100'000;  ///< looked through by one List

double NumberOr(const Json& json, double other) {
  return json.is_number() ? json.AsDouble() : other;
}

}  // namespace

Task<std::vector<Json>> AllOf(Call& call, std::string type) {
  const std::string folder = call.KeyFor({"sagemaker", type}) + "/";
  std::vector<Json> documents;
  Key from = folder;
  for (;;) {
    MILL_CO_TRY(const auto page, co_await call.ports.store.Range(from, PrefixEnd(folder),
                                                                 Direction::kForward, kRangePage));
    for (const Document& document : page) documents.push_back(document.body);
    if (page.size() < kRangePage || documents.size() > kDocumentsMax) co_return documents;
    from = page.back().key + std::string(1, '\0');
  }
}

bool IsListed(const Json& document, const Json& input, const ListMembers& members) {
  constexpr double kForever = 1e18;
  const double created = NumberOr(document["CreationTime"], 0);
  const double modified = NumberOr(document["LastModifiedTime"], created);
  const std::string part = input.StringOr("NameContains", "");
  const std::string status = input.StringOr("StatusEquals", "");
  return created >= NumberOr(input["CreationTimeAfter"], 0) &&
         created <= NumberOr(input["CreationTimeBefore"], kForever) &&
         modified >= NumberOr(input["LastModifiedTimeAfter"], 0) &&
         modified <= NumberOr(input["LastModifiedTimeBefore"], kForever) &&
         document.StringOr(members.name, "").find(part) != std::string::npos &&
         (status.empty() || document.StringOr(members.status, "") == status);
}

void SortListed(std::vector<Json>& documents, const Json& input, const ListMembers& members,
                const char* by) {
  const std::string sort_by = input.StringOr("SortBy", by);
  const bool is_up = input.StringOr("SortOrder", "Descending") == "Ascending";
  const auto before = [&](const Json& a, const Json& b) {
    if (sort_by == "CreationTime" || sort_by == "LastModifiedTime")
      return NumberOr(a[sort_by], 0) < NumberOr(b[sort_by], 0);
    const char* member = sort_by == "Status" ? members.status : members.name;
    return a.StringOr(member, "") < b.StringOr(member, "");
  };
  std::stable_sort(documents.begin(), documents.end(), [&](const Json& a, const Json& b) {
    return is_up ? before(a, b) : before(b, a);
  });
}

Task<Json> ListAll(Call& call, Listing listing) {
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, std::string(listing.type)));
  std::vector<Json> found;
  for (const Json& document : all)
    if (IsListed(document, call.input, listing.members)) found.push_back(listing.summary(document));
  SortListed(found, call.input, listing.members, listing.by);
  co_return PageFor(call, listing.list, found);
}

Result<Json> PageFor(const Call& call, const char* list, const Json::Array& items) {
  constexpr int64_t kResultsDefault = 10;
  const Json input =
      call.input.Has("MaxResults") ? call.input : call.input.With("MaxResults", kResultsDefault);
  return PageOf(input, list, items, "MaxResults", "NextToken",
                Invalid("NextToken is not one of ours"));
}

Json Picked(const Json& document, std::initializer_list<const char*> members) {
  Json::Object picked;
  for (const char* name : members) picked.SetIf(name, document.Find(name));
  return picked;
}

}  // namespace stepmill::sagemaker
