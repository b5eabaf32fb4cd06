#include "clients/cli/vendor_signature.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace onhook::cli {
namespace {

struct Vector {
  std::string name;
  std::string key;
  std::string canonical;
  std::string signature;
  BodyFields fields;
};

// The vectors that the gateway's own implementation is held to as well.
std::vector<Vector> Vectors() {
  std::ifstream file(ONHOOK_SIGNATURE_VECTORS);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  google::protobuf::ListValue list;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &list).ok());
  std::vector<Vector> vectors;
  for (const google::protobuf::Value& value : list.values()) {
    const auto& members = value.struct_value().fields();
    const auto text_of = [&members](const char* name) { return members.at(name).string_value(); };
    Vector vector = {
        text_of("name"), text_of("key"), text_of("canonical"), text_of("signature"), {}};
    for (const auto& [name, field] : members.at("body").struct_value().fields()) {
      vector.fields.push_back(
          {name, field.has_null_value() ? std::nullopt : std::make_optional(field.string_value())});
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

TEST(VendorSignatureTest, EveryVectorIsSignedAsTheVendorSignedIt) {
  const std::vector<Vector> vectors = Vectors();
  ASSERT_GE(vectors.size(), 7u);
  for (const Vector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    EXPECT_EQ(CanonicalText(vector.fields), vector.canonical);
    EXPECT_EQ(SignatureOf(vector.key, vector.fields), vector.signature);
    EXPECT_NE(SignatureOf(vector.key + "x", vector.fields), vector.signature);
  }
}

TEST(VendorSignatureTest, TheOrderOfTheFieldsDoesNotMatter) {
  for (const Vector& vector : Vectors()) {
    const BodyFields reversed(vector.fields.rbegin(), vector.fields.rend());
    EXPECT_EQ(SignatureOf(vector.key, reversed), vector.signature) << vector.name;
  }
}

TEST(VendorSignatureTest, WhatIsNotSignedIsLeftOutWhereverItStands) {
  const BodyFields fields = {
      {"timestamp", "1"}, {"b", "x y"}, {"signature", "s"}, {"a", std::nullopt}, {"nonce", "2"}};
  EXPECT_EQ(CanonicalText(fields), "a=null,b=xy");
}

TEST(VendorSignatureTest, AbsentDocumentedFieldsBecomeNullAndOthersStay) {
  const BodyFields fields = WithAbsentAsNull({{"called", "1"}, {"extra", "2"}});
  EXPECT_EQ(fields.size(), 19u) << "18 documented ones and one more";
  EXPECT_EQ(*FindValue(fields, "called"), "1");
  EXPECT_EQ(FindValue(fields, "callData"), nullptr);
}

}  // namespace
}  // namespace onhook::cli
