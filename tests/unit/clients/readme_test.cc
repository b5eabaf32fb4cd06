// The program at the head of clients/cpp/README.md does what it says.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "onhook/testing/fake_gateway.h"

namespace onhook::client {
namespace {

TEST(ReadmeTest, TheFirstProgramReceivesAndAcknowledgesAndEndsWithItsSubscription) {
  onhook::testing::FakeGateway gateway;
  const std::string event_id = gateway.Publish(v1::ReleaseEvent());
  FILE* const program =
      popen(absl::StrCat(ONHOOK_README_EXAMPLE, " ", gateway.address()).c_str(), "r");
  ASSERT_NE(program, nullptr);
  char line[256] = {};
  ASSERT_NE(fgets(line, sizeof line, program), nullptr);
  EXPECT_EQ(line, event_id + "\n");
  const auto outcome = gateway.NextOutcome();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->subscription, "crm");
  EXPECT_EQ(outcome->settlement.action, Settlement::Action::kAck);
  gateway.GoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  EXPECT_EQ(WEXITSTATUS(pclose(program)), 1);
}

}  // namespace
}  // namespace onhook::client
