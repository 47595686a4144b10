#include "lang/items/items.h"

#include <gtest/gtest.h>

#include <functional>

#include "lang/items/limits.h"

namespace stepmill::items {
namespace {

/// Items as JSON lines ("key=" before those of an object), or the error; the same whatever the
/// bytes' chunks.
std::string Read(const std::function<std::unique_ptr<Reader>()>& make, std::string_view text) {
  std::string first;
  for (const size_t chunk : {text.size() + 1, size_t{1}, size_t{3}}) {
    const auto reader = make();
    std::vector<Item> items;
    Result<> done;
    for (size_t at = 0; at < text.size() && done; at += chunk)
      done = reader->Push(text.substr(at, chunk), items);
    if (done) done = reader->Finish(items);
    std::string out;
    for (const Item& item : items)
      out += (item.key ? *item.key + "=" : "") + item.value.Print() + "\n";
    if (!done) out = done.error().name + ": " + done.error().message;
    if (chunk > text.size()) first = out;
    EXPECT_EQ(out, first) << "in chunks of " << chunk;
  }
  return first;
}

std::string Csv(std::string_view text, CsvOptions options = {}) {
  return Read([&] { return MakeCsvReader(options); }, text);
}
std::string JsonAt(std::string_view text, std::string_view pointer = "") {
  return Read([&] { return *MakeJsonReader(pointer); }, text);
}
std::string Lines(std::string_view text) {
  return Read([] { return MakeJsonLinesReader(); }, text);
}

TEST(Items, CsvWithItsHeaderInTheFirstRow) {
  EXPECT_EQ(Csv("Col1,Col2,Col3\nValue1,Value2,Value3\n,,,\ntrue,1,'x'\nNull,None,\n   \n"),
            "{\"Col1\":\"Value1\",\"Col2\":\"Value2\",\"Col3\":\"Value3\"}\n"
            "{\"Col1\":\"\",\"Col2\":\"\",\"Col3\":\"\"}\n"
            "{\"Col1\":\"true\",\"Col2\":\"1\",\"Col3\":\"'x'\"}\n"
            "{\"Col1\":\"Null\",\"Col2\":\"None\",\"Col3\":\"\"}\n"
            "{\"Col1\":\"   \",\"Col2\":\"\",\"Col3\":\"\"}\n");
  EXPECT_EQ(Csv("a,b\r\n1,2\r\n\r\n3,4"), "{\"a\":\"1\",\"b\":\"2\"}\n{\"a\":\"3\",\"b\":\"4\"}\n");
  EXPECT_EQ(Csv("a\rx\ry"), "{\"a\":\"x\"}\n{\"a\":\"y\"}\n");
  EXPECT_EQ(Csv("\xEF\xBB\xBF"
                "a\nx\n"),
            "{\"a\":\"x\"}\n");
  EXPECT_EQ(Csv("a,b\n"), "");
  EXPECT_EQ(Csv(""), "");
}

TEST(Items, CsvCellsInQuotes) {
  EXPECT_EQ(Csv("a,b\n\"x,\"\"y\"\"\nz\",\"\"\nin\"side,\"e\"nd\n"),
            "{\"a\":\"x,\\\"y\\\"\\nz\",\"b\":\"\"}\n{\"a\":\"in\\\"side\",\"b\":\"end\"}\n");
  EXPECT_EQ(Csv("a\n\"\"\n"), "{\"a\":\"\"}\n");
  EXPECT_EQ(Csv("a\n\n\"x"),
            "States.ItemReaderFailed: The CSV file ends inside a quoted field that began in line "
            "3.");
}

TEST(Items, CsvOptions) {
  CsvOptions given;
  given.headers = {"H1"};
  given.delimiter = '|';
  EXPECT_EQ(Csv("a,b|c\nd\n", given), "{\"H1\":\"a,b\"}\n{\"H1\":\"d\"}\n");
  given.headers = {"H", "H"};
  EXPECT_EQ(Csv("a\n", given), "States.ItemReaderFailed: CSV headers cannot contain duplicates.");
  EXPECT_EQ(Csv("", given), "States.ItemReaderFailed: CSV headers cannot contain duplicates.");
  EXPECT_EQ(Csv("a,a\n1,2\n"), "States.ItemReaderFailed: CSV headers cannot contain duplicates.");
  EXPECT_EQ(Csv(std::string(kHeaderBytesMax + 1, 'h') + "\n1\n"),
            "States.ItemReaderFailed: CSV headers cannot exceed 10 KiB.");
  EXPECT_EQ(Csv("a\n\xff\xe3\x81\x82\n"), "{\"a\":\"\xEF\xBF\xBD\xe3\x81\x82\"}\n");
}

TEST(Items, JsonArraysAndObjects) {
  EXPECT_EQ(JsonAt(" [1, \"a,]\\\"\" ,{\"x\":[{}]},[], null]\n "),
            "1\n\"a,]\\\"\"\n{\"x\":[{}]}\n[]\nnull\n");
  EXPECT_EQ(JsonAt("{\"a\": 1, \"b}\":{\"c\":2}}"), "a=1\nb}={\"c\":2}\n");
  EXPECT_EQ(JsonAt("[]"), "");
  EXPECT_EQ(JsonAt("\xEF\xBB\xBF[1.50]"), "1.50\n");
  for (const char* scalar : {"1", "\"text\"", "null", "", "  "})
    EXPECT_EQ(JsonAt(scalar), "States.ItemReaderFailed: Attempting to map over non-iterable node.")
        << scalar;
}

TEST(Items, JsonAtAPointer) {
  const std::string text =
      R"({"x":{"records":1},"a/b":[{"records":[1]},{"r~s":{"k":[2,3]}}],"z":0})";
  EXPECT_EQ(JsonAt(text, "/a~1b/0/records"), "1\n");
  EXPECT_EQ(JsonAt(text, "/a~1b/1/r~0s"), "k=[2,3]\n");
  EXPECT_EQ(JsonAt(text, "/a~1b/1/r~0s/k"), "2\n3\n");
  EXPECT_EQ(JsonAt(text, "/x/records"),
            "States.ItemReaderFailed: Attempting to map over non-iterable node.");
  for (const char* nowhere : {"/y", "/a~1b/7", "/x/records/deeper", "/z/q", "no-pointer"}) {
    const Result<std::unique_ptr<Reader>> made = MakeJsonReader(nowhere);
    EXPECT_EQ(made ? JsonAt(text, nowhere) : "States.ItemReaderFailed: " + made.error().message,
              "States.ItemReaderFailed: The provided ReaderConfig.ItemsPointer does not match any "
              "valid path in the JSON structure.")
        << nowhere;
  }
}

TEST(Items, JsonThatIsNone) {
  for (const char* text : {"[1", "[1 2]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{a:1}", "[nul]",
                           "[1] 2", "[\"\x01\"]", "{\"a\":1", "[1}"})
    EXPECT_TRUE(JsonAt(text).starts_with("States.ItemReaderFailed: The JSON file ")) << text;
  EXPECT_EQ(JsonAt("[1,\n x]"),
            "States.ItemReaderFailed: The JSON file has an item that is no JSON: " +
                ParseJson("x").error().message + " (line 2, column 3).");
}

TEST(Items, JsonLines) {
  EXPECT_EQ(Lines("{\"a\":1}\n\n  [2] \r\n3"), "{\"a\":1}\n[2]\n3\n");
  EXPECT_EQ(Lines(""), "");
  EXPECT_TRUE(Lines("1\n{\n2").starts_with(
      "States.ItemReaderFailed: Line 2 of the JSON Lines file is no JSON: "));
}

// The same text by the same seed; letters that readers look at come often.
std::string Scribble(uint64_t& state, size_t length) {
  static constexpr std::string_view kLetters =
      "{}[]\",:\n\r\\ \t,;|ab10.-tnul\xE3\x81\x82\xEF\xBB\xBF";
  std::string text;
  while (text.size() < length) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += kLetters[(state >> 33) % kLetters.size()];
  }
  return text;
}

TEST(Items, AnyBytesInAnyPieces) {
  uint64_t state = 7421;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Scribble(state, static_cast<size_t>(i % 60));
    (void)Csv(text);  // each compares the pieces
    (void)Lines(text);
    (void)JsonAt("[" + text);
    (void)JsonAt("{\"a\":[[" + text + "]]}", "/a/0");
    ASSERT_FALSE(testing::Test::HasFailure()) << text;
  }
}

TEST(Items, Manifests) {
  const auto inventory = ReadInventoryManifest(R"({"sourceBucket":"s","destinationBucket":
    "arn:aws:s3:::d","fileFormat":"CSV","fileSchema":"Bucket, Key, Size",
    "files":[{"key":"x/1.csv.gz","size":1}]})");
  ASSERT_TRUE(inventory.has_value());
  EXPECT_EQ(inventory->headers, (std::vector<std::string>{"Bucket", "Key", "Size"}));
  ASSERT_EQ(inventory->files.size(), 1u);
  EXPECT_EQ(inventory->files[0].bucket + " " + inventory->files[0].key, "d x/1.csv.gz");
  EXPECT_FALSE(ReadInventoryManifest("{\"fileFormat\":\"ORC\"}").has_value());
  EXPECT_FALSE(ReadInventoryManifest("[").has_value());
  const auto athena = ReadAthenaManifest("s3://b/p/1.gz\n\"s3://b/p/2.gz\"\n");
  ASSERT_TRUE(athena.has_value());
  ASSERT_EQ(athena->files.size(), 2u);
  EXPECT_EQ(athena->files[1].bucket + " " + athena->files[1].key, "b p/2.gz");
  EXPECT_FALSE(ReadAthenaManifest("nothing\n").has_value());
}

}  // namespace
}  // namespace stepmill::items
