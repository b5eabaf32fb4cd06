#include "gateway/event/vendor_fields.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace onhook {
namespace {

TEST(VendorFieldsTest, FieldsKeepTheOrderTheyWereAddedIn) {
  VendorFields fields;
  fields.Add("called", "88880067");
  fields.Add("callData", "a, b");

  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "called");
  EXPECT_EQ(fields[0].value, "88880067");
  EXPECT_EQ(fields[1].name, "callData");
  EXPECT_EQ(fields[1].value, "a, b");
}

TEST(VendorFieldsTest, NullIsNeitherAbsentNorEmpty) {
  VendorFields fields;
  fields.Add("null", absl::nullopt);
  fields.Add("empty", "");

  EXPECT_TRUE(fields.Has("null"));
  EXPECT_FALSE(fields.Find("null").has_value());
  EXPECT_EQ(fields.Find("empty"), "");
  EXPECT_FALSE(fields.Has("absent"));
  EXPECT_FALSE(fields.Find("absent").has_value());
}

TEST(VendorFieldsTest, ASecondFieldOfTheSameNameIsRefusedAndTheFirstKept) {
  VendorFields fields;
  EXPECT_TRUE(fields.Add("called", "1"));
  EXPECT_FALSE(fields.Add("called", "2"));
  EXPECT_TRUE(fields.Add("Called", "3")) << "names are case sensitive";

  EXPECT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields.Find("called"), "1");
}

TEST(VendorFieldsTest, NamesAndValuesMayHoldAnyByte) {
  const std::string zero("a\0b", 3);
  VendorFields fields;
  fields.Add(zero, zero);
  fields.Add("", "nameless");

  EXPECT_EQ(fields.Find(zero), zero);
  EXPECT_EQ(fields.Find(""), "nameless");
}

TEST(VendorFieldsTest, AMovedSetOfFieldsTakesItsTextsAlong) {
  VendorFields from;
  from.Add("called", "1");
  const VendorFields to = std::move(from);

  EXPECT_EQ(to.Find("called"), "1");
}

}  // namespace
}  // namespace onhook
