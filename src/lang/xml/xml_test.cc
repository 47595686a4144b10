#include "lang/xml/xml.h"

#include <gtest/gtest.h>

namespace stepmill::xml {
namespace {

TEST(Xml, ReadsElementsAttributesAndText) {
  const auto root =
      Parse("<?xml version='1.0'?><a xmlns='u'><s3:b k=\"v\">x &lt; y</s3:b><b/></a>");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->name, "a");
  ASSERT_EQ(root->children.size(), 2u);
  EXPECT_EQ(root->Find("b")->text, "x < y");
  EXPECT_EQ(root->Find("b")->attributes[0].second, "v");
}

TEST(Xml, RefusesWithAPlace) {
  const auto open = Parse("<a>\n<b>");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().name, "MalformedXML");
  EXPECT_NE(open.error().message.find("at line 2, column"), std::string::npos);
  EXPECT_FALSE(Parse("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"));
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "<a>";
  EXPECT_FALSE(Parse(deep));
}

TEST(Xml, WritesEscaped) {
  Writer writer(false);
  writer.Open("a");
  writer.Text("b", "<&>\"\x01");
  writer.Close("a");
  EXPECT_EQ(writer.Take(), "<a><b>&lt;&amp;&gt;&quot;\xEF\xBF\xBD</b></a>");
}

}  // namespace
}  // namespace stepmill::xml
