#include "gateway/config/address_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<SettingFault> FaultsOf(const char* http, const char* grpc, const char* admin) {
  Settings settings;
  settings.http.server.listen = http;
  settings.grpc.server.listen = grpc;
  settings.admin.server.listen = admin;
  return FindAddressFaults(settings);
}

TEST(AddressRulesTest, TheDefaultsAndPortsTheSystemChoosesDoNotCollide) {
  EXPECT_THAT(FindAddressFaults(Settings()), IsEmpty());
  EXPECT_THAT(FaultsOf("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"), IsEmpty());
}

TEST(AddressRulesTest, APortThatAnotherListenerTakesIsToldWithWhichOne) {
  const std::vector<SettingFault> faults = FaultsOf("10.0.0.1:80", "10.0.0.1:81", "10.0.0.1:80");
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].setting, "admin.listen");
  EXPECT_THAT(faults[0].description, HasSubstr("10.0.0.1:80 is taken by http.listen"));
}

TEST(AddressRulesTest, EachOfThreeAtOneAddressButTheFirstIsToldOnce) {
  EXPECT_EQ(FaultsOf("[::1]:80", "[::1]:80", "[::1]:80").size(), 2u);
}

TEST(AddressRulesTest, AnAddressOfAllHostsTakesThePortOfEach) {
  const struct {
    const char* one;
    const char* other;
    bool collide;
  } kRows[] = {
      {"0.0.0.0:80", "127.0.0.1:80", true},   {"0.0.0.0:80", "[::1]:80", false},
      {"[::]:80", "127.0.0.1:80", true},      {"[::]:80", "0.0.0.0:80", true},
      {"localhost:80", "127.0.0.1:80", true}, {"Gateway:80", "gateway:80", true},
      {"10.0.0.1:80", "10.0.0.2:80", false},  {"0.0.0.0:80", "127.0.0.1:81", false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(!FaultsOf(row.one, row.other, "127.0.0.1:0").empty(), row.collide)
        << row.one << " " << row.other;
    EXPECT_EQ(!FaultsOf(row.other, "127.0.0.1:0", row.one).empty(), row.collide)
        << row.other << " " << row.one;
  }
}

}  // namespace
}  // namespace onhook
