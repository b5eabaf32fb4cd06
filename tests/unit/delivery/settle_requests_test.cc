#include "gateway/delivery/settle_requests.h"

#include <gtest/gtest.h>

#include <functional>

namespace onhook {
namespace {

using Action = SettleRequest::Action;

std::string FieldOf(const absl::Status& status) {
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message().substr(0, status.message().find(':')));
}

TEST(SettleRequestsTest, AnAckKeepsItsIdsInOrderWhateverTheyAre) {
  v1::AckRequest ack;
  ack.add_delivery_ids("b");
  ack.add_delivery_ids("");
  const auto request = CheckAck(ack);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->action, Action::kAck);
  EXPECT_EQ(request->delivery_ids, (std::vector<std::string>{"b", ""}));
}

TEST(SettleRequestsTest, EveryNackActionIsKnownAndUnsetIsRetry) {
  const std::pair<v1::NackRequest::Action, Action> rows[] = {
      {v1::NackRequest::ACTION_UNSPECIFIED, Action::kRetry},
      {v1::NackRequest::ACTION_RETRY, Action::kRetry},
      {v1::NackRequest::ACTION_PARK, Action::kPark},
      {v1::NackRequest::ACTION_SKIP, Action::kSkip},
      {v1::NackRequest::ACTION_RELEASE, Action::kRelease},
  };
  for (const auto& [asked, expected] : rows) {
    v1::NackRequest nack;
    nack.set_action(asked);
    const auto request = CheckNack(nack);
    ASSERT_TRUE(request.ok()) << asked;
    EXPECT_EQ(request->action, expected);
    EXPECT_FALSE(request->delay.has_value());
  }
}

TEST(SettleRequestsTest, ANackCarriesItsDelayAndReason) {
  v1::NackRequest nack;
  nack.mutable_delay()->set_seconds(3600);
  nack.set_reason("no such customer");
  const auto request = CheckNack(nack);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->delay, absl::Hours(1));
  EXPECT_EQ(request->reason, "no such customer");
}

TEST(SettleRequestsTest, AWrongNackIsRefusedByField) {
  struct Row {
    const char* field;
    std::function<void(v1::NackRequest&)> spoil;
  };
  const Row rows[] = {
      {"nack.action", [](auto& nack) { nack.set_action(v1::NackRequest::Action(9)); }},
      {"nack.delay", [](auto& nack) { nack.mutable_delay()->set_seconds(-1); }},
      {"nack.delay", [](auto& nack) { nack.mutable_delay()->set_seconds(3601); }},
      {"nack.delay",
       [](auto& nack) {  // nothing waits for what is over
         nack.set_action(v1::NackRequest::ACTION_PARK);
         nack.mutable_delay()->set_seconds(1);
       }},
      {"nack.delivery_ids",
       [](auto& nack) {
         for (int i = 0; i <= 10000; ++i) nack.add_delivery_ids("x");
       }},
  };
  for (const Row& row : rows) {
    v1::NackRequest nack;
    row.spoil(nack);
    EXPECT_EQ(FieldOf(CheckNack(nack).status()), row.field);
  }
}

TEST(SettleRequestsTest, AnExtensionNeedsADeadlineWithinItsBounds) {
  v1::ExtendRequest extend;
  EXPECT_EQ(FieldOf(CheckExtend(extend).status()), "extend.ack_deadline");
  for (const int64_t seconds : {-1, 0, 601}) {
    extend.mutable_ack_deadline()->set_seconds(seconds);
    EXPECT_EQ(FieldOf(CheckExtend(extend).status()), "extend.ack_deadline") << seconds;
  }
  extend.mutable_ack_deadline()->set_seconds(600);
  EXPECT_EQ(CheckExtend(extend)->ack_deadline, absl::Minutes(10));
}

TEST(SettleRequestsTest, ALongReasonIsCut) {
  v1::NackRequest nack;
  nack.set_reason(std::string(1025, 'x'));
  EXPECT_EQ(CheckNack(nack)->reason, std::string(1024, 'x'));
}

}  // namespace
}  // namespace onhook
