#include "gateway/delivery/peer_credentials.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace onhook {
namespace {

std::optional<std::string> TokenOf(const std::vector<std::string>& values) {
  BearerHeader header;
  for (const std::string& value : values) header.Add(value);
  return header.token();
}

TEST(PeerCredentialsTest, ATokenFollowsTheScheme) {
  EXPECT_EQ(TokenOf({"Bearer abc"}), "abc");
  EXPECT_EQ(TokenOf({"bearer abc"}), "abc");
}

TEST(PeerCredentialsTest, WithoutAHeaderThereIsNoToken) { EXPECT_EQ(TokenOf({}), std::nullopt); }

// It was shown, so that nothing else may speak for its peer, and it is nobody's.
TEST(PeerCredentialsTest, WhatIsNotOneTokenIsAnEmptyOne) {
  EXPECT_EQ(TokenOf({""}), "");
  EXPECT_EQ(TokenOf({"abc"}), "");
  EXPECT_EQ(TokenOf({"Basic abc"}), "");
  EXPECT_EQ(TokenOf({"Bearer abc", "Bearer abc"}), "");
  EXPECT_EQ(TokenOf({"Basic abc", "Bearer abc"}), "");
}

TEST(PeerCredentialsTest, OnlyAConnectionWithoutAnAddressCameThroughTheUnixSocket) {
  EXPECT_TRUE(IsUnixSocketPeer("fd:12"));
  EXPECT_FALSE(IsUnixSocketPeer("ipv4:127.0.0.1:40000"));
  EXPECT_FALSE(IsUnixSocketPeer("ipv6:%5B::1%5D:40000"));
  EXPECT_FALSE(IsUnixSocketPeer(""));
}

}  // namespace
}  // namespace onhook
