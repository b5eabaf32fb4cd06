#include "gateway/event/traceparent.h"

#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr char kValid[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceparentTest, VersionZeroIsTaken) { EXPECT_TRUE(IsValidTraceparent(kValid)); }

TEST(TraceparentTest, WhateverIsNotExactlyThatFormIsNot) {
  struct Row {
    const char* reason;
    std::string header;
  };
  const Row rows[] = {
      {"empty", ""},
      {"too short", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"},
      {"something behind it", std::string(kValid) + "-x"},
      {"another version", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"the forbidden version", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"capitals", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"trace of zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {"parent of zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"},
      {"first dash moved", "004bf92f3577b34da6a3ce929d0e0e4736--00f067aa0ba902b7-01"},
      {"second dash missing", "00-4bf92f3577b34da6a3ce929d0e0e4736000f067aa0ba902b7-01"},
      {"third dash missing", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7001"},
      {"no hexadecimal flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g"},
  };
  for (const Row& row : rows) EXPECT_FALSE(IsValidTraceparent(row.header)) << row.reason;
}

}  // namespace
}  // namespace onhook
