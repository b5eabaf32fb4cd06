#include "gateway/event/traceparent.h"

#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr char kValid[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceparentTest, VersionZeroIsTakenAsItIs) {
  EXPECT_EQ(ReadTraceparent(kValid), kValid);
  // Flags that nobody knows yet belong to the version that has them.
  const std::string flags = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff";
  EXPECT_EQ(ReadTraceparent(flags), flags);
}

TEST(TraceparentTest, OfALaterVersionWhatVersionZeroKnowsIsTaken) {
  const std::string begin = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  struct Row {
    const char* reason;
    std::string header;
    std::string flags;
  };
  const Row rows[] = {
      {"the next version", "01" + begin + "01", "01"},
      {"the last one", "fe" + begin + "00", "00"},
      {"it goes on behind a dash", "01" + begin + "01-what-the-future-will-be-like", "01"},
      {"it goes on with a dash alone", "01" + begin + "01-", "01"},
      {"flags that are not known", "01" + begin + "fe", "00"},
      {"sampled among them", "cc" + begin + "ff", "01"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ReadTraceparent(row.header), "00" + begin + row.flags) << row.reason;
  }
}

TEST(TraceparentTest, WhateverIsNotOfThatFormIsNone) {
  struct Row {
    const char* reason;
    std::string header;
  };
  const Row rows[] = {
      {"empty", ""},
      {"too short", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"},
      {"something behind it", std::string(kValid) + "-x"},
      {"a dash behind it", std::string(kValid) + "-"},
      {"a later version with something behind it that is no part of its own",
       "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"},
      {"a later version too short", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"},
      {"the forbidden version", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"no version", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"a version in capitals", "0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"capitals", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"trace of zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {"parent of zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
      {"first dash moved", "004bf92f3577b34da6a3ce929d0e0e4736--00f067aa0ba902b7-01"},
      {"second dash missing", "00-4bf92f3577b34da6a3ce929d0e0e4736000f067aa0ba902b7-01"},
      {"third dash missing", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7001"},
      {"no hexadecimal flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g"},
      {"two in one header, as a proxy joins them",
       std::string(kValid) + ", " + std::string(kValid)},
  };
  for (const Row& row : rows) EXPECT_EQ(ReadTraceparent(row.header), "") << row.reason;
}

}  // namespace
}  // namespace onhook
