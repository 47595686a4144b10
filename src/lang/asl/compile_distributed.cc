#include "lang/asl/compile.h"
#include "lang/asl/distributed.h"

namespace stepmill::asl {
namespace {

constexpr double kItemsMax = 100'000'000;
constexpr size_t kLabelCharactersMax = 40;
constexpr std::string_view kService = "arn:aws:states:::s3:";

struct Delimiter {
  std::string_view name, text;
};
constexpr Delimiter kDelimiters[] = {
    {"COMMA", ","}, {"PIPE", "|"}, {"SEMICOLON", ";"}, {"SPACE", " "}, {"TAB", "\t"}};

// Step Functions Developer Guide: "Label": what a part of an ARN may not have.
bool IsLabel(const std::string& text) {
  if (text.empty() || Utf16Length(text) > kLabelCharactersMax) return false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return false;
    if (std::string_view("?*<>{}[]:;,\\|^~$#%&`\"/").find(c) != std::string_view::npos)
      return false;
  }
  return true;
}

}  // namespace

// A text out of a fixed list; empty where it is absent or wrong.
std::string Compiler::ReadChoiceOf(const Json& json, const char* field,
                                   std::initializer_list<std::string_view> values,
                                   const Where& at) {
  const Json* value = json.Find(field);
  if (!value) return "";
  std::string list;
  for (const std::string_view one : values) {
    if (value->is_string() && value->AsString() == one) return std::string(one);
    list += (list.empty() ? "" : ", ") + std::string(one);
  }
  const std::string_view name = field;
  if (!value->is_string())
    WrongType("STRING", at.Member(name));
  else if (name == "InputType" || name == "CSVHeaderLocation")  // other fields hang on them
    Schema("The field '" + std::string(name) + "' should have one of these values: [" + list + "]",
           at.Member(name));
  else
    OneOf(list, at.Member(name));
  return "";
}

// The action of an S3 integration; empty where it is not one of `actions`.
std::string Compiler::ReadS3Action(const Json& json,
                                   std::initializer_list<std::string_view> actions,
                                   const Where& at) {
  const Json* value = json.Find("Resource");
  if (!value) {
    Schema("These fields are required: [Resource]", at);
    return "";
  }
  std::string examples;
  for (const std::string_view action : actions) {
    if (value->is_string() && value->AsString() == std::string(kService) + std::string(action))
      return std::string(action);
    examples +=
        (examples.empty() ? "" : ", ") + ("arn:<partition>:states:::s3:" + std::string(action));
  }
  Schema(
      "The field 'Resource' does not match any of the allowed values. Examples: [" + examples + "]",
      at.Member("Resource"));
  return "";
}

void Compiler::ReadDistributedMap(const Json& json, const Json& processor, const Where& at,
                                  const Where& there, State& state) {
  auto out = std::make_shared<DistributedMap>();
  state.distributed = out;
  const Json& config = processor["ProcessorConfig"];
  const Where config_place = there.Member("ProcessorConfig");
  if (is_express_)
    Schema(
        "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state "
        "machines",
        config_place.Member("Mode"));
  CheckFields(config, " Mode ExecutionType ", config_place);
  if (!config.Has("ExecutionType"))
    Schema("These fields are required: [ExecutionType]", config_place);
  out->is_express =
      ReadChoiceOf(config, "ExecutionType", {"STANDARD", "EXPRESS"}, config_place) == "EXPRESS";
  if (const Json* label = json.Find("Label")) {
    if (!label->is_string())
      WrongType("STRING", at.Member("Label"));
    else if (!IsLabel(label->AsString()))
      Schema(
          "The Label must be 1 to 40 characters long and cannot contain whitespace, control "
          "characters or any of ? * < > { } [ ] : ; , \\ | ^ ~ $ # % & ` \" /",
          at.Member("Label"));
    else
      out->label = label->AsString();
  }
  if (const Json* reader = json.Find("ItemReader"))
    ReadItemReader(*reader, at.Member("ItemReader"), *out);
  if (const Json* batcher = json.Find("ItemBatcher"))
    ReadItemBatcher(*batcher, at.Member("ItemBatcher"), *out);
  if (const Json* writer = json.Find("ResultWriter"))
    ReadResultWriter(*writer, at.Member("ResultWriter"), *out);
  for (const char* field : {"ItemSelector", "Parameters"})
    if (json.Has(field)) out->selector = json[field];
  // The children run it as a machine of their own, in the language of this one.
  Json::Object child;
  child.SetIf("QueryLanguage", definition_->source.Find("QueryLanguage"));
  for (const char* field : {"Comment", "StartAt", "States"})
    child.SetIf(field, processor.Find(field));
  out->definition = Json(std::move(child)).Print();
}

void Compiler::ReadItemReader(const Json& json, const Where& at, DistributedMap& out) {
  if (!json.is_object()) return WrongType("OBJECT", at);
  DistributedMap::Reader reader;
  CheckFields(json, " Resource ReaderConfig Parameters Arguments ", at);
  reader.resource = ReadS3Action(json, {"getObject", "listObjectsV2"}, at);
  reader.parameters = ReadTemplate(json, Arguments(), at);
  const bool is_object = reader.resource == "getObject";
  if (const Json* config = json.Find("ReaderConfig"))
    ReadReaderConfig(*config, at.Member("ReaderConfig"), reader);
  else if (is_object)
    Schema("These fields are required: [ReaderConfig]", at);
  out.reader = std::move(reader);
}

void Compiler::ReadReaderConfig(const Json& json, const Where& at, DistributedMap::Reader& reader) {
  if (!json.is_object()) return WrongType("OBJECT", at);
  CheckFields(json,
              " InputType ManifestType Transformation CSVHeaderLocation CSVHeaders CSVDelimiter "
              "ItemsPointer MaxItems MaxItemsPath ",
              at);
  reader.input_type =
      ReadChoiceOf(json, "InputType", {"MANIFEST", "JSON", "CSV", "JSONL", "PARQUET"}, at);
  if (reader.input_type == "PARQUET")
    Schema("The InputType 'PARQUET' is not built into this server: use CSV, JSON or JSONL",
           at.Member("InputType"));
  reader.manifest_type = ReadChoiceOf(json, "ManifestType", {"ATHENA_DATA", "S3_INVENTORY"}, at);
  reader.is_flattened =
      ReadChoiceOf(json, "Transformation", {"NONE", "LOAD_AND_FLATTEN"}, at) == "LOAD_AND_FLATTEN";
  const std::string location = ReadChoiceOf(json, "CSVHeaderLocation", {"FIRST_ROW", "GIVEN"}, at);
  const std::string delimiter =
      ReadChoiceOf(json, "CSVDelimiter", {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"}, at);
  for (const Delimiter& one : kDelimiters)
    if (one.name == delimiter) reader.delimiter = one.text;
  const bool needs_type =
      reader.resource == "getObject" ? reader.manifest_type != "S3_INVENTORY" : reader.is_flattened;
  if (needs_type && !json.Has("InputType")) Schema("These fields are required: [InputType]", at);
  if (reader.input_type == "CSV" && !json.Has("CSVHeaderLocation"))
    Schema("The field 'CSVHeaderLocation' is required", at);
  if (location == "GIVEN" && !json.Has("CSVHeaders"))
    Schema("These fields are required: [CSVHeaders]", at);
  if (const Json* headers = json.Find("CSVHeaders")) {
    const Where there = at.Member("CSVHeaders");
    if (!headers->is_array()) return WrongType("ARRAY", there);
    if (headers->size() == 0) Schema("Value cannot be empty", there);
    std::vector<std::string> names;
    for (size_t i = 0; i < headers->size(); ++i) {
      if (headers->At(i).is_string())
        names.push_back(headers->At(i).AsString());
      else
        WrongType("STRING", there.Item(i));
    }
    if (location == "GIVEN") reader.headers = std::move(names);
  }
  OptionalText(json, "ItemsPointer", at);
  reader.pointer = json.StringOr("ItemsPointer", "");
  reader.items_max = ReadNumber(json, "MaxItems", 0, kItemsMax, at);
}

void Compiler::ReadItemBatcher(const Json& json, const Where& at, DistributedMap& out) {
  if (!json.is_object()) return WrongType("OBJECT", at);
  CheckFields(json,
              " BatchInput MaxItemsPerBatch MaxItemsPerBatchPath MaxInputBytesPerBatch "
              "MaxInputBytesPerBatchPath ",
              at);
  DistributedMap::Batcher batcher;
  batcher.items_max = ReadNumber(json, "MaxItemsPerBatch", 0, kItemsMax, at);
  batcher.bytes_max =
      ReadNumber(json, "MaxInputBytesPerBatch", 0, static_cast<double>(kPayloadBytesMax), at);
  batcher.input = ReadTemplate(json, "BatchInput", at);
  bool has_bound = false;
  for (const char* field : {"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
                            "MaxInputBytesPerBatchPath"})
    has_bound = has_bound || json.Has(field);
  if (!has_bound)
    MustHaveOne({"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
                 "MaxInputBytesPerBatchPath"},
                at);
  out.batcher = std::move(batcher);
}

void Compiler::ReadResultWriter(const Json& json, const Where& at, DistributedMap& out) {
  if (!json.is_object()) return WrongType("OBJECT", at);
  CheckFields(json, " Resource Parameters Arguments WriterConfig ", at);
  DistributedMap::Writer writer;
  const bool has_target = json.Has("Resource") || json.Has(Arguments());
  if (!has_target && !json.Has("WriterConfig"))
    return Schema("The field 'ResultWriter' must specify WriterConfig or Resource with " +
                      std::string(Arguments()),
                  at);
  if (has_target) {
    (void)ReadS3Action(json, {"putObject"}, at);
    if (!json.Has(Arguments()))
      Schema("These fields are required: [" + std::string(Arguments()) + "]", at);
    writer.parameters = ReadTemplate(json, Arguments(), at);
  }
  if (const Json* config = json.Find("WriterConfig")) {
    const Where there = at.Member("WriterConfig");
    if (!config->is_object()) return WrongType("OBJECT", there);
    CheckFields(*config, " Transformation OutputType ", there);
    writer.transformation =
        ReadChoiceOf(*config, "Transformation", {"NONE", "COMPACT", "FLATTEN"}, there);
    writer.output_type = ReadChoiceOf(*config, "OutputType", {"JSON", "JSONL"}, there);
  }
  out.writer = std::move(writer);
}

}  // namespace stepmill::asl
