#include "algorithm/xgboost/predict.h"

#include "algorithm/xgboost/data.h"
#include "algorithm/xgboost/numbers.h"
#include "base/strings.h"

namespace stepmill::xgboost {

namespace {

Reply Refuse(int status, std::string text) { return {status, "text/plain", std::move(text)}; }

/// "0.5", or "[0.5, 0.25]" for several.
std::string RowText(const Predictions& predictions, size_t row) {
  const float* values = predictions.values.data() + row * predictions.width;
  if (predictions.width == 1) return PythonFloat(values[0]);
  std::string text = "[";
  for (size_t i = 0; i < predictions.width; ++i)
    text += (i == 0 ? "" : ", ") + PythonFloat(values[i]);
  return text + "]";
}

Reply Answer(const Predictions& predictions, const std::string& accept, bool is_batch) {
  Reply reply;
  const std::string wanted = ToLower(accept);
  const bool is_json =
      wanted.starts_with("application/json") && wanted.find("lines") == wanted.npos;
  const bool is_lines = wanted.find("jsonlines") != wanted.npos;
  std::string between = is_batch || is_lines ? "\n" : is_json ? ", " : ",";
  if (is_json) reply.body = "{\"predictions\": [";
  for (size_t row = 0; row < predictions.rows; ++row) {
    if (row > 0) reply.body += is_json ? ", " : between;
    const std::string text = RowText(predictions, row);
    reply.body += is_json || is_lines ? "{\"score\": " + text + "}" : text;
  }
  if (is_json) reply.body += "]}";
  if (is_lines || (is_batch && !is_json)) reply.body += "\n";
  if (is_json) reply.type = "application/json";
  if (is_lines) reply.type = "application/jsonlines";
  return reply;
}

}  // namespace

Reply Predict(const Booster& booster, const std::string& content_type, const std::string& accept,
              const std::string& body, bool is_batch) {
  const std::string_view text = Trim(body);
  if (text.empty()) return {204, "text/csv", ""};
  const std::string lower = ToLower(content_type.empty() ? "text/csv" : content_type);
  const std::string kind(Trim(Split(lower, ';')[0]));
  if (kind != "text/csv" && kind != "text/libsvm" && kind != "text/x-libsvm") {
    return Refuse(415, "Content-type " + kind +
                           " not supported. Supported content-type is text/csv, text/libsvm");
  }
  const bool is_csv = kind == "text/csv";
  Table table;
  const char delimiter = FindDelimiter(text.substr(0, text.find('\n')));
  const Result<> read = is_csv ? AddCsv(table, text, "request", {false, false}, delimiter)
                               : AddLibsvm(table, text, "request", false);
  const std::string name = is_csv ? "csv" : "libsvm";
  if (!read) {
    return Refuse(415, "Loading " + name +
                           " data failed with Exception, please ensure data is in " + name +
                           " format:\n " + read.error().message);
  }
  const Result<size_t> features = booster.Features();
  if (!features) return Refuse(500, features.error().message);
  if (is_csv ? table.columns != *features : table.columns > *features + 1) {
    const std::string how = is_csv ? " is not consistent with" : " is larger than";
    return Refuse(400, "Unable to evaluate payload provided: Feature size of " + name +
                           " inference data " + std::to_string(table.columns) + how +
                           " feature size of trained model " + std::to_string(*features) + ".");
  }
  const Result<Matrix> matrix = Matrix::Make(table, *features, 1);
  if (!matrix) return Refuse(400, "Unable to evaluate payload provided: " + matrix.error().message);
  const Result<Predictions> predictions = booster.Predict(*matrix);
  if (!predictions)
    return Refuse(400, "Unable to evaluate payload provided: " + predictions.error().message);
  return Answer(*predictions, accept, is_batch);
}

}  // namespace stepmill::xgboost
