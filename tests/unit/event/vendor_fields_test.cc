#include "gateway/event/vendor_fields.h"

#include <cstring>
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

TEST(VendorFieldsTest, ASecondFieldOfTheSameNameIsRefusedInAnyOrderOfTheNames) {
  VendorFields fields;
  for (const char* name : {"b", "c", "a", "d"}) EXPECT_TRUE(fields.Add(name, "1")) << name;
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_FALSE(fields.Add(name, "2")) << name;
  EXPECT_EQ(fields.size(), 4u);
}

TEST(VendorFieldsTest, NamesAscendUntilOneSortsBeforeAnother) {
  VendorFields fields;
  EXPECT_TRUE(fields.ascending());
  fields.Add("", "1");
  fields.Add("Z", "1");
  fields.Add("a", "1");
  fields.Add("\xC3\xBC", "1");
  EXPECT_TRUE(fields.ascending()) << "bytes are compared without sign";
  EXPECT_FALSE(fields.Add("a", "2"));
  EXPECT_TRUE(fields.ascending()) << "what is refused changes nothing";
  fields.Add("b", "1");
  EXPECT_FALSE(fields.ascending());
  fields.Add("\xC3\xBD", "1");
  EXPECT_FALSE(fields.ascending()) << "not of all of them";
}

TEST(VendorFieldsTest, NamesAndValuesMayHoldAnyByte) {
  const std::string zero("a\0b", 3);
  VendorFields fields;
  fields.Add(zero, zero);
  fields.Add("", "nameless");

  EXPECT_EQ(fields.Find(zero), zero);
  EXPECT_EQ(fields.Find(""), "nameless");
}

TEST(VendorFieldsTest, NamesThatBeginAlikeAreToldApartAndOrderedByTheirRest) {
  const std::string zero("a\0", 2);
  VendorFields fields;
  for (const absl::string_view name :
       {absl::string_view("a"), absl::string_view(zero), absl::string_view("agentTal"),
        absl::string_view("agentTalkDuration"), absl::string_view("agentTalkingTime")}) {
    EXPECT_TRUE(fields.Add(name, name)) << name;
  }
  EXPECT_TRUE(fields.ascending());
  EXPECT_TRUE(fields.Add("agentTalkinG", "1"));
  EXPECT_FALSE(fields.ascending());
  EXPECT_FALSE(fields.Add("agentTalkingTime", "2"));
  EXPECT_EQ(fields.Find("agentTalkingTime"), "agentTalkingTime");
  EXPECT_EQ(fields.Find(zero), zero);
  EXPECT_FALSE(fields.Has("agentTalking"));
}

TEST(VendorFieldsTest, TextsInARoomStayWhereTheyAreThoughTheFieldsAreMoved) {
  VendorFields from;
  char* const room = from.MakeRoom(7);
  std::memcpy(room, "called1", 7);
  EXPECT_TRUE(from.AddInRoom(absl::string_view(room, 6), absl::string_view(room + 6, 1)));
  EXPECT_FALSE(from.AddInRoom(absl::string_view(room, 6), absl::nullopt));
  const VendorFields to = std::move(from);

  ASSERT_EQ(to.size(), 1u);
  EXPECT_EQ(to.Find("called"), "1");
  EXPECT_EQ(to[0].name.data(), room);
}

TEST(VendorFieldsTest, AMovedSetOfFieldsTakesItsTextsAlong) {
  VendorFields from;
  from.Add("called", "1");
  const VendorFields to = std::move(from);

  EXPECT_EQ(to.Find("called"), "1");
}

}  // namespace
}  // namespace onhook
