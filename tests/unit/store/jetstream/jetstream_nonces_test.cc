// Nonces on a real server: what one gateway binds, all respect. See tests/contract as well.
#include "gateway/store/jetstream/jetstream_nonces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/jetstream/event_message.h"
#include "tests/unit/store/jetstream/log_gateway.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;

NoncePace AtOnce() {
  NoncePace pace;
  pace.interval = absl::Milliseconds(20);
  pace.remove_after = absl::ZeroDuration();
  pace.patience = absl::ZeroDuration();
  return pace;
}

class JetStreamNoncesTest : public OnServer {
 protected:
  int64_t NoncesKept() {
    const auto info = Awaited<StreamInfo>([&](auto done) {
      gateway_->api().GetStream(gateway_->subjects().nonces_stream(), std::move(done));
    });
    return info.ok() ? info->messages : -1;
  }
  template <typename Condition>
  static void Until(const Condition& holds) {
    while (!holds()) std::this_thread::yield();
  }
  // Binds a nonce, and dies before the event.
  void BindOnly(const NewEvent& event) {
    const auto bound = Awaited<JetStreamNonces::Bound>([&](auto done) {
      gateway_->nonces().Bind(event.source, *event.nonce, IdentityOf(event), std::move(done));
    });
    EXPECT_TRUE(bound.ok()) << bound.status();
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, JetStreamNoncesTest,
                         ::testing::Values(NatsVersion::kNewest, NatsVersion::kOldest),
                         ::testing::PrintToStringParamName());

TEST_P(JetStreamNoncesTest, ANonceGoesWithOneContentOnAllGateways) {
  const auto other = NewGateway();
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "genuine")), "1");
  EXPECT_EQ(other->Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(other->Answer(Signed("n", "another call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(other->Answer(Signed("n", "call", "genuine")), "1 again");
  EXPECT_EQ(other->Answer(Signed("m", "call", "genuine")), "1 again");
  EXPECT_EQ(gateway_->Answer(Signed("m", "call", "altered")), "PERMISSION_DENIED");
  EXPECT_THAT(other->ReadAll(0), ElementsAre("genuine"));
}

TEST_P(JetStreamNoncesTest, OfManyContentsOnTwoGatewaysOneIsStored) {
  const auto other = NewGateway();
  for (int round = 0; round < 20; ++round) {
    constexpr int kThreads = 8;
    std::vector<std::string> answers(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t, &answer = answers[static_cast<size_t>(t)]] {
        answer = (t % 2 == 0 ? *gateway_ : *other)
                     .Answer(Signed(absl::StrCat(round), "call", absl::StrCat(round, "/", t)));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count(answers.begin(), answers.end(), absl::StrCat(round + 1)), 1);
    EXPECT_EQ(std::count(answers.begin(), answers.end(), "PERMISSION_DENIED"), kThreads - 1);
  }
  EXPECT_EQ(gateway_->Stream().messages, 20);
}

TEST_P(JetStreamNoncesTest, ATryThatBrokeOffBetweenNonceAndEventIsGoneOnWith) {
  gateway_->Answer(MakeEvent("before"));
  BindOnly(Signed("n", "call", "genuine"));
  const auto other = NewGateway();
  EXPECT_EQ(other->Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  EXPECT_EQ(other->Answer(Signed("n", "call", "genuine")), "2");
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "genuine")), "2 again");
}

TEST_P(JetStreamNoncesTest, ANonceWhoseEventWasPurgedStoresNothingAgain) {
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "genuine")), "1");
  EXPECT_EQ(gateway_->Answer(MakeEvent("newest")), "2");
  const auto purged = Awaited<int>([&](auto done) {
    gateway_->api().Purge(gateway_->subjects().events_stream(), 2, "",
                          [done](const absl::Status& status) { done(status.ok() ? 1 : 0); });
  });
  ASSERT_EQ(*purged, 1);
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "genuine")), "NOT_FOUND");
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
}

TEST_P(JetStreamNoncesTest, WhatMayOnlyBeARepeatBindsItsNonceIfItIsOne) {
  NewEvent stale = Signed("n", "call", "genuine");
  stale.only_if_known = true;
  EXPECT_EQ(gateway_->Answer(stale), "NOT_FOUND");
  EXPECT_EQ(NoncesKept(), 0);
  EXPECT_EQ(gateway_->Answer(MakeEvent("call", "genuine")), "1");
  EXPECT_EQ(gateway_->Answer(stale), "1 again");
  EXPECT_EQ(NoncesKept(), 1);
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "altered")), "PERMISSION_DENIED");
  stale.digest = "of another content";
  EXPECT_EQ(gateway_->Answer(stale), "PERMISSION_DENIED");
}

TEST_P(JetStreamNoncesTest, WhatMayOnlyBeARepeatWaitsForItsOriginal) {
  NewEvent repeat = MakeEvent("call");
  repeat.only_if_known = true;
  for (int i = 0; i < 100; ++i) {
    repeat.call_serial_no = absl::StrCat("call-", i);
    const auto answers = gateway_->AppendAll({MakeEvent(repeat.call_serial_no), repeat});
    ASSERT_TRUE(answers[0].ok() && answers[1].ok()) << answers[1].status();
    EXPECT_FALSE(answers[0]->duplicate);
    EXPECT_TRUE(answers[1]->duplicate);
    EXPECT_EQ(answers[1]->sequence, answers[0]->sequence);
  }
}

TEST_P(JetStreamNoncesTest, AForgottenNonceAdmitsRepeatsOnlyOnEveryGateway) {
  gateway_ = NewGateway(AtOnce());
  const auto other = NewGateway();
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "genuine")), "1");
  NewEvent of_sales = Signed("n", "sold", "of sales");
  of_sales.source = "sales";
  EXPECT_EQ(other->Answer(of_sales), "2");
  of_sales.nonce->nonce = "another";
  EXPECT_EQ(gateway_->Answer(of_sales), "2 again");
  gateway_->clock().Advance(absl::Hours(49));
  Until([&] { return NoncesKept() == 1; });  // the horizons are left
  // Here they are removed at once. Else the other one would have looked by now.
  other->clock().Advance(NonceHorizons::kTrusted + absl::Seconds(1));
  EXPECT_EQ(other->Answer(Signed("n", "another call", "altered")), "NOT_FOUND");
  EXPECT_EQ(gateway_->Answer(Signed("n", "call", "altered")), "NOT_FOUND");
  EXPECT_EQ(other->Answer(Signed("n", "call", "genuine")), "1 again");
  NewEvent later = Signed("m", "2");
  later.nonce->timestamp_ms += 1;
  EXPECT_EQ(other->Answer(later), "3");
  const auto third = NewGateway();
  EXPECT_EQ(third->Answer(Signed("k", "call", "altered")), "NOT_FOUND");
}

TEST_P(JetStreamNoncesTest, WithoutAReplayWindowANonceIsForgottenWithTime) {
  gateway_ = NewGateway(AtOnce());
  NewEvent event = Signed("n", "call", "genuine");
  event.nonce->refuse_forgotten = false;
  event.nonce->timestamp_ms *= 1000;  // in another unit: it lies far ahead
  EXPECT_EQ(gateway_->Answer(event), "1");
  EXPECT_EQ(gateway_->Answer(Signed("m", "call", "genuine")), "1 again");
  gateway_->clock().Advance(absl::Hours(31 * 24));
  // Not yet: the month ahead, and the time that nonces are kept.
  EXPECT_EQ(gateway_->Answer(event), "1 again");
  gateway_->clock().Advance(absl::Hours(2 * 24));
  Until([&] { return NoncesKept() == 1; });
  event.digest = "altered";
  EXPECT_EQ(gateway_->Answer(event), "2");
}

TEST_P(JetStreamNoncesTest, WhoHasNotHeardOfHorizonsForLongAdmitsNothingNew) {
  JetStreamOptions options = Options();
  options.nats.request_timeout = absl::Milliseconds(200);
  LogGateway deaf(options);
  EXPECT_EQ(deaf.Answer(Signed("n", "call")), "1");
  server_->Pause();
  // It goes on answering for a moment.
  Until([&] {
    return !Awaited<StreamInfo>([&](auto done) {
              deaf.api().GetStream(deaf.subjects().events_stream(), std::move(done));
            }).ok();
  });
  deaf.clock().Advance(absl::Seconds(31));
  const auto bound = Awaited<JetStreamNonces::Bound>([&](auto done) {
    deaf.nonces().Bind("default", *Signed("m", "call").nonce, "identity", std::move(done));
  });
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kUnavailable);
  server_->Continue();
  // An answer that comes late counts as none, so that what was stored may be found again.
  Until([&] { return absl::StartsWith(deaf.Answer(Signed("m", "2")), "2"); });
}

TEST_P(JetStreamNoncesTest, AtTheEndsOfTheirRangeTimesAreTimes) {
  for (const int64_t timestamp_ms : {INT64_MIN, INT64_MAX}) {
    NewEvent event = Signed("n", absl::StrCat(timestamp_ms));
    event.nonce->timestamp_ms = timestamp_ms;
    const std::string answer = gateway_->Answer(event);
    EXPECT_EQ(answer, timestamp_ms == INT64_MIN ? "NOT_FOUND" : "1");
  }
}

}  // namespace
}  // namespace onhook
