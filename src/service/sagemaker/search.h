#pragma once

#include <vector>

#include "json/json.h"

/// Search's expressions over documents. Pure. Documentation: API reference, "Search",
/// "SearchExpression", "Filter".
///
/// A property is a path of members; a list on the way stands for each of its items. "Tags.KEY" is a
/// tag's value, "Metrics.NAME" a final metric's; Hyper parameters are members of a map. Texts are
/// compared as they are, numbers and times as numbers.
namespace stepmill::sagemaker {

/// ValidationException: a filter without a value, too deep an expression.
Result<> CheckSearchExpression(const Json& expression);
bool MatchesSearch(const Json& document, const Json& expression);
/// By SortBy (default LastModifiedTime), SortOrder (default Descending).
void SortFound(std::vector<Json>& documents, const Json& input);

}  // namespace stepmill::sagemaker
