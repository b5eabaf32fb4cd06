#include "gateway/config/near_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace onhook {
namespace {

const std::vector<std::string>& Names() {
  static const auto* const kNames =
      new std::vector<std::string>{"name", "path", "time_zone", "retention", "listen"};
  return *kNames;
}

TEST(NearNameTest, ASlipOfTheFingerIsSeenThrough) {
  const struct {
    const char* reason;
    const char* written;
    const char* meant;
  } kRows[] = {
      {"another letter", "retension", "retention"},
      {"one too many", "lissten", "listen"},
      {"one too few", "nam", "name"},
      {"two in the wrong order", "ptah", "path"},
      {"another sign between words", "time-zone", "time_zone"},
      {"two slips in a long name", "retensian", "retention"},
      {"two slips in a short name make another", "nome_", ""},
      {"none is near", "color", ""},
      {"nothing", "", ""},
  };
  for (const auto& row : kRows) EXPECT_EQ(NearName(row.written, Names()), row.meant) << row.reason;
  EXPECT_EQ(NearName(std::string(1 << 20, 'n'), Names()), "") << "takes no time either";
}

TEST(NearNameTest, TheNearestIsMeant) {
  const std::vector<std::string> names = {"max_streams", "max_stream", "max_steam"};
  EXPECT_EQ(NearName("max_strean", names), "max_stream");
}

TEST(NearNameTest, WhatToSayOfAnUnknownNameTellsWhereAllAre) {
  EXPECT_EQ(NoSuch("key", "paht", Names(), "the manual"),
            "no such key; did you mean path? See the manual");
  EXPECT_EQ(NoSuch("key", "color", Names(), "the manual"), "no such key; see the manual");
}

}  // namespace
}  // namespace onhook
