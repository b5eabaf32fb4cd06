#include "clients/cli/vendor_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/numbers.h"
#include "clients/cli/vendor_signature.h"
#include "gateway/ingress/callback_parser.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kKey[] = "0123456789abcdef";
const absl::Time kNow = absl::FromUnixSeconds(1645524276);

std::vector<std::string> Bodies(absl::string_view profile, const std::string& key = kKey,
                                const std::vector<std::string>& given = {}) {
  return FindVendorProfile(profile).bodies(
      {MadeUpCallback::From(given)->Fields(17, kNow), key, 17, kNow});
}

// The fields as the gateway reads them from a body.
BodyFields Read(const std::string& body) {
  const absl::StatusOr<VendorFields> parsed = ParseCallback(body);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  BodyFields fields;
  for (size_t i = 0; parsed.ok() && i < parsed->size(); ++i) {
    const VendorFields::Field field = (*parsed)[i];
    fields.push_back({std::string(field.name), field.value.has_value()
                                                   ? std::make_optional(std::string(*field.value))
                                                   : std::nullopt});
  }
  return fields;
}

std::string Value(const BodyFields& fields, absl::string_view name) {
  const std::string* const value = FindValue(fields, name);
  return value == nullptr ? "" : *value;
}

bool IsSigned(const BodyFields& fields) {
  return Value(fields, "signature") == SignatureOf(kKey, fields);
}

TEST(VendorProfileTest, EachHasItsHelpAndAsManyBodiesAsItSays) {
  std::set<absl::string_view> names;
  for (const VendorProfile& profile : VendorProfiles()) {
    EXPECT_TRUE(names.insert(profile.name).second) << profile.name;
    EXPECT_EQ(Bodies(profile.name).size(), static_cast<size_t>(profile.posts)) << profile.name;
    EXPECT_EQ(Bodies(profile.name), Bodies(profile.name)) << profile.name;
    EXPECT_THAT(VendorProfilesHelp(), HasSubstr(std::string(profile.name) + " "));
  }
}

TEST(VendorProfileTest, TheUsualOnesAreSignedIfThereIsAKey) {
  for (const char* profile : {"json", "javamap", "signed", "unicode", "duplicate"}) {
    EXPECT_TRUE(IsSigned(Read(Bodies(profile)[0]))) << profile;
  }
  for (const char* profile : {"json", "javamap", "unicode", "duplicate", "no-signature"}) {
    EXPECT_EQ(FindValue(Read(Bodies(profile, "")[0]), "signature"), nullptr) << profile;
  }
  EXPECT_EQ(FindValue(Read(Bodies("no-signature")[0]), "signature"), nullptr);
}

TEST(VendorProfileTest, NonceAndTimestampAreOfTheVendorsForm) {
  const BodyFields fields = Read(Bodies("signed")[0]);
  int64_t nonce = 0;
  EXPECT_TRUE(absl::SimpleAtoi(Value(fields, "nonce"), &nonce));
  EXPECT_EQ(Value(fields, "timestamp"), "1645524276000");
}

TEST(VendorProfileTest, GivenNonceAndTimestampAreKeptAndSigned) {
  const BodyFields fields = Read(Bodies("signed", kKey, {"nonce=-5", "timestamp=7"})[0]);
  EXPECT_EQ(Value(fields, "nonce"), "-5");
  EXPECT_EQ(Value(fields, "timestamp"), "7");
  EXPECT_TRUE(IsSigned(fields));
}

TEST(VendorProfileTest, TheJavaMapSaysTheSameAsTheJson) {
  const std::string body = Bodies("javamap", kKey, {"callData=a, b={\"c\"}"})[0];
  EXPECT_THAT(body, ::testing::StartsWith("{\n callSerialNo=17, \n serviceNo=1001"));
  const BodyFields map = Read(body);
  const BodyFields json = Read(Bodies("json", kKey, {"callData=a, b={\"c\"}"})[0]);
  ASSERT_EQ(map.size(), json.size());
  for (const BodyField& field : json) EXPECT_EQ(Value(map, field.name), *field.value) << field.name;
}

TEST(VendorProfileTest, ADuplicateIsTheSameByteForByte) {
  const auto bodies = Bodies("duplicate");
  EXPECT_EQ(bodies[0], bodies[1]);
}

TEST(VendorProfileTest, AStaleOneIsWellSignedAnHourAgo) {
  const BodyFields fields = Read(Bodies("stale")[0]);
  EXPECT_TRUE(IsSigned(fields));
  EXPECT_EQ(Value(fields, "timestamp"), "1645520676000");
}

TEST(VendorProfileTest, AForgedOneDiffersFromWhatWasSigned) {
  const BodyFields fields = Read(Bodies("forged")[0]);
  EXPECT_FALSE(IsSigned(fields));
  EXPECT_EQ(Value(fields, "signature"), Value(Read(Bodies("signed")[0]), "signature"));
}

TEST(VendorProfileTest, AReplayedOneIsWellSignedWithAnothersNonce) {
  const auto bodies = Bodies("replayed");
  const BodyFields first = Read(bodies[0]);
  const BodyFields second = Read(bodies[1]);
  EXPECT_TRUE(IsSigned(first));
  EXPECT_TRUE(IsSigned(second));
  EXPECT_EQ(Value(first, "nonce"), Value(second, "nonce"));
  EXPECT_EQ(Value(first, "timestamp"), Value(second, "timestamp"));
  EXPECT_EQ(Value(first, "callSerialNo"), Value(second, "callSerialNo"));
  EXPECT_NE(Value(first, "called"), Value(second, "called"));
}

TEST(VendorProfileTest, DroppedNullsAreSignedAllTheSame) {
  const BodyFields fields = Read(Bodies("dropped-nulls")[0]);
  EXPECT_FALSE(IsSigned(fields));
  EXPECT_TRUE(IsSigned(WithAbsentAsNull(fields)));
}

TEST(VendorProfileTest, AnUnsignableNameReadsAsTwoFields) {
  const BodyFields fields = Read(Bodies("unsignable")[0]);
  EXPECT_TRUE(IsSigned(fields));
  EXPECT_THAT(CanonicalText(fields), HasSubstr(",locationId=0,recordfile=x,"));
}

TEST(VendorProfileTest, WhatIsToBeRefusedCannotBeRead) {
  EXPECT_FALSE(ParseCallback(Bodies("malformed")[0]).ok());
  EXPECT_FALSE(ParseCallback(Bodies("duplicate-key")[0]).ok());
}

}  // namespace
}  // namespace onhook::cli
