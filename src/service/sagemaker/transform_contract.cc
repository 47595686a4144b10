#include "service/sagemaker/transform_contract.h"

#include <utility>

#include "base/strings.h"
#include "json/each.h"
#include "lang/path/path.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/s3_data.h"

namespace stepmill::sagemaker {

namespace {

constexpr char kWhole[] = "$";

std::string Filter(const Json& job, const char* name) {
  return job["DataProcessing"].StringOr(name, kWhole);
}
bool IsJoined(const Json& job) {
  return job["DataProcessing"].StringOr("JoinSource", "None") == "Input";
}
bool IsCsv(const std::string& type) { return type.starts_with("text/csv"); }

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

/// A line of CSV is a list of its fields; numbers are numbers.
Json FromCsv(std::string_view line) {
  Json::Array fields;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (const std::string_view field : Split(line, ',')) {
    const Result<Json> number = ParseJson(Trim(field));
    fields.push_back(number && number->is_number() ? *number : Json(field));
  }
  return fields;
}

std::string ToCsv(const Json& value) {
  if (!value.is_array()) return value.is_string() ? value.AsString() : value.Print();
  std::vector<std::string> fields;
  for (const Json& field : ItemsOf(value)) fields.push_back(ToCsv(field));
  return Join(fields, ",");
}

Result<Json> ReadRecord(const std::string& type, std::string_view line) {
  if (IsCsv(type)) return FromCsv(line);
  return ParseJson(line);
}

Result<Json> Apply(const std::string& text, const Json& record) {
  MILL_TRY(const path::Path filter, path::Path::Compile(text));
  return filter.Evaluate(record);
}

/// The record with the answer beside it: more fields of a list, or the member SageMakerOutput.
Json Joined(const Json& record, const Json& answer) {
  if (record.is_object()) return record.With("SageMakerOutput", answer);
  Json::Array all = ItemsOf(record);
  if (!answer.is_array()) all.push_back(answer);
  for (const Json& one : ItemsOf(answer)) all.push_back(one);
  return all;
}

}  // namespace

Result<> CheckTransformRequest(const Json& request) {
  const Json& input = request["TransformInput"];
  const std::string split = input.StringOr("SplitType", "None");
  if (split != "None" && split != "Line")
    return Invalid("SplitType " + split + " is not available here");
  if (input.StringOr("CompressionType", "None") != "None")
    return Invalid("CompressionType Gzip of TransformInput is not available here");
  const std::string type = input["DataSource"]["S3DataSource"].StringOr("S3DataType", "S3Prefix");
  if (type != "S3Prefix" && type != "ManifestFile")
    return Invalid("S3DataType " + type + " is not available here");
  if (!request["TransformOutput"].StringOr("KmsKeyId", "").empty() ||
      !request["TransformResources"].StringOr("VolumeKmsKeyId", "").empty())
    return Invalid("KMS keys of transform jobs are not available here");
  for (const char* name : {"InputFilter", "OutputFilter"}) {
    const Result<path::Path> filter = path::Path::Compile(Filter(request, name));
    if (!filter) return Invalid(std::string(name) + ": " + filter.error().message);
  }
  MILL_TRY(const S3Location in,
           ParseS3Uri(input["DataSource"]["S3DataSource"].StringOr("S3Uri", "")));
  MILL_TRY(const S3Location out,
           ParseS3Uri(request["TransformOutput"].StringOr("S3OutputPath", "")));
  return {};
}

int64_t PayloadMax(const Json& job) {
  constexpr int64_t kDefaultMib = 6, kMib = 1 << 20;
  const int64_t asked = job.IntOr("MaxPayloadInMB", kDefaultMib);
  constexpr int64_t kMostMib = 100;
  return (asked == 0 ? kMostMib : asked) * kMib;
}

Result<std::vector<std::string>> CutRecords(const Json& job, std::string_view object) {
  const auto most = static_cast<size_t>(PayloadMax(job));
  const Error too_large{Code::kLimit, "PayloadTooLarge",
                        "Too much data for max payload size of " +
                            std::to_string(job.IntOr("MaxPayloadInMB", 6)) + "MB"};
  std::vector<std::string> pieces;
  if (job["TransformInput"].StringOr("SplitType", "None") == "None") {
    if (object.size() > most) return too_large;
    if (!object.empty()) pieces.emplace_back(object);
    return pieces;
  }
  const bool is_single = job.StringOr("BatchStrategy", "MultiRecord") == "SingleRecord";
  std::string piece;
  for (const std::string_view line : Lines(object)) {
    if (Trim(line).empty()) continue;
    if (line.size() + 1 > most) return too_large;
    if (!piece.empty() && (is_single || piece.size() + line.size() + 1 > most))
      pieces.push_back(std::exchange(piece, ""));
    piece += std::string(line) + "\n";
  }
  if (!piece.empty()) pieces.push_back(std::move(piece));
  return pieces;
}

std::string Assemble(const Json& job, const std::vector<std::string>& answers) {
  const bool is_lines = job["TransformOutput"].StringOr("AssembleWith", "None") == "Line";
  std::string out;
  for (const std::string& answer : answers) {
    out += answer;
    if (is_lines && !answer.ends_with('\n')) out += '\n';
  }
  return out;
}

Result<std::string> FilterInput(const Json& job, const std::string& piece) {
  const std::string filter = Filter(job, "InputFilter");
  if (filter == kWhole) return piece;
  const std::string type = job["TransformInput"].StringOr("ContentType", "text/csv");
  std::string out;
  for (const std::string_view line : Lines(piece)) {
    MILL_TRY(const Json record, ReadRecord(type, line));
    MILL_TRY(const Json value, Apply(filter, record));
    out += (IsCsv(type) ? ToCsv(value) : value.Print()) + "\n";
  }
  return out;
}

Result<std::string> FilterOutput(const Json& job, const std::string& piece,
                                 const std::string& answer) {
  const std::string filter = Filter(job, "OutputFilter");
  if (filter == kWhole && !IsJoined(job)) return answer;
  const std::string type = job["TransformInput"].StringOr("ContentType", "text/csv");
  const std::string out_type = job["TransformOutput"].StringOr("Accept", type);
  const auto records = Lines(piece);
  auto answers = Lines(answer);
  // One line for all of them: a value each.
  if (answers.size() == 1 && records.size() > 1 && IsCsv(out_type))
    answers = Split(answers[0], ',');
  if (answers.size() != records.size()) {
    return Invalid("the container gave " + std::to_string(answers.size()) + " answers to " +
                   std::to_string(records.size()) + " records");
  }
  std::string out;
  for (size_t i = 0; i < records.size(); ++i) {
    MILL_TRY(Json value, ReadRecord(out_type, answers[i]));
    if (IsJoined(job)) {
      MILL_TRY(const Json record, ReadRecord(type, records[i]));
      value = Joined(record, value);
    }
    MILL_TRY(value, Apply(filter, value));
    out += (IsCsv(type) ? ToCsv(value) : value.Print()) + "\n";
  }
  return out;
}

}  // namespace stepmill::sagemaker
