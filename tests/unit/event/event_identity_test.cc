#include "gateway/event/event_identity.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

VendorFields Call() {
  VendorFields fields;
  fields.Add("callSerialNo", "42");
  fields.Add("called", "88880067");
  return fields;
}

VendorFields CallWith(absl::string_view name, VendorFields::Value value) {
  VendorFields fields = Call();
  fields.Add(name, value);
  return fields;
}

std::string HexDigest(const VendorFields& fields) {
  return absl::BytesToHexString(EventDigest("default", fields));
}

// Computed apart from this program, from the definition in release_event.proto, with sha256sum.
TEST(EventIdentityTest, TheDigestIsTheOneThatTheProtoDefines) {
  EXPECT_EQ(HexDigest(Call()), "be48ea7f43c5223ac849de9ac635860f");
  EXPECT_EQ(HexDigest(CallWith("callData", std::string(10'000, 'x'))),
            "e079f3f8176d6abe591dc52506feafdb");
}

TEST(EventIdentityTest, TheOrderOfTheFieldsDoesNotMatter) {
  VendorFields reversed;
  reversed.Add("called", "88880067");
  reversed.Add("callSerialNo", "42");
  EXPECT_EQ(HexDigest(reversed), HexDigest(Call()));
}

TEST(EventIdentityTest, NullCountsAsAbsentAndSignatureFieldsDoNotCount) {
  EXPECT_EQ(HexDigest(CallWith("callData", absl::nullopt)), HexDigest(Call()));
  for (const char* name : {"nonce", "timestamp", "signature"}) {
    EXPECT_EQ(HexDigest(CallWith(name, "1")), HexDigest(Call())) << name;
  }
}

TEST(EventIdentityTest, EveryOtherWordMakesADifference) {
  const std::string digest = HexDigest(Call());
  EXPECT_NE(HexDigest(CallWith("callData", "")), digest);
  EXPECT_NE(HexDigest(CallWith("callData", "null")), digest);
  EXPECT_NE(HexDigest(CallWith("unknown", "1")), digest);
  EXPECT_NE(absl::BytesToHexString(EventDigest("sales", Call())), digest);
}

TEST(EventIdentityTest, WordsDoNotRunIntoOneAnother) {
  EXPECT_NE(HexDigest(CallWith("ab", "c")), HexDigest(CallWith("a", "bc")));
  VendorFields two = CallWith("a", "1");
  two.Add("b", "2");
  EXPECT_NE(HexDigest(CallWith("a", "1b2")), HexDigest(two));
}

TEST(EventIdentityTest, TheIdCarriesDigestAndSerialNumber) {
  const std::string digest(kEventDigestSize, '\xA5');
  EXPECT_EQ(EventId(digest, "1197765398201387012"),
            "v1-a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5-1197765398201387012");
}

TEST(EventIdentityTest, TheSerialNumberIsPercentEncodedByteByByte) {
  const std::string digest(kEventDigestSize, '\0');
  const std::string prefix = "v1-00000000000000000000000000000000-";
  EXPECT_EQ(EventId(digest, "AZaz09-._~"), prefix + "AZaz09-._~");
  EXPECT_EQ(EventId(digest, "a b/c%\n"), prefix + "a%20b%2Fc%25%0A");
  EXPECT_EQ(EventId(digest, "\xC3\xBC"), prefix + "%C3%BC");
}

}  // namespace
}  // namespace onhook
