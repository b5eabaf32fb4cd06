// What two gateways on the same streams make of one subscription when one of them is cut off, or
// stands still.
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gmock/gmock.h"
#include "tests/contract/engine.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/shifted_clock.h"
#include "tests/unit/store/jetstream/store_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kOwnership = absl::Milliseconds(300);

class TwoGatewaysTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    if (IsSkipped()) return;
    network_.LeadTo(server_->port());
    far_ = Open(absl::StrCat("nats://127.0.0.1:", network_.port()), &far_clock_);
    near_ = Open(server_->url(), &near_clock_);
  }
  void TearDown() override {
    far_ = nullptr;
    near_ = nullptr;
    NatsTest::TearDown();
  }
  std::unique_ptr<Store> Open(const std::string& server, const Clock* clock) {
    JetStreamOptions options;
    options.nats.servers = {server};
    options.replicas = 1;
    options.ownership = kOwnership;
    options.tick_interval = absl::Milliseconds(5);
    options.records_between_snapshots = 20;
    auto store = OpenJetStreamStore(options, clock, &log_,
                                    [](const absl::Status& status) { ADD_FAILURE() << status; });
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }
  static QueuePtr Queue(Store& store, const v1::SubscriptionSpec& spec = {}) {
    return *store.FindOrCreateQueue("crm", spec);
  }
  // Since no gateway is ever told by another what it has not heard of the servers.
  static void HearOf(Store& store) {
    Until([&] { return store.FindQueue("crm").ok(); });
  }
  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string call = absl::StrCat("call-", ++calls_);
      AppendOne(near_->log(), MakeEvent(call, call));
    }
  }
  // Nothing goes to the far gateway or comes from it; it does not know that.
  void CutOff() {
    for (const auto direction : {ChaosProxy::kToServer, ChaosProxy::kToClient}) {
      network_.SetWeather(direction, {absl::ZeroDuration(), 0, /*vanishes=*/true}, 100);
    }
  }
  // They are with the gateway then, and with nobody.
  static void Release(const QueuePtr& queue, const std::vector<Lease>& leases) {
    SettleRequest request;
    request.delivery_ids = Ids(leases);
    request.action = SettleRequest::Action::kRelease;
    queue->Settle(request, [](const std::vector<SettleException>& exceptions) {
      EXPECT_THAT(exceptions, IsEmpty());
    });
  }
  static void AckAll(const QueuePtr& queue, const std::vector<Lease>& leases) {
    for (const Lease& lease : leases) {
      while (!Ack(queue, {lease}).empty()) {
      }
    }
  }

  void ExpectNothingSettledComesAgain(const std::function<void()>& meanwhile);

  ChaosProxy network_{/*seed=*/1};
  ShiftedClock far_clock_;
  ShiftedClock near_clock_;
  int calls_ = 0;
  std::unique_ptr<Store> far_;
  std::unique_ptr<Store> near_;
};

INSTANTIATE_TEST_SUITE_P(Servers, TwoGatewaysTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

// What the far gateway has is settled by the near one. Then `meanwhile` happens to the far one.
void TwoGatewaysTest::ExpectNothingSettledComesAgain(const std::function<void()>& meanwhile) {
  const QueuePtr far = Queue(*far_);
  HearOf(*near_);
  TestConsumer there(far);
  Append(3);
  Release(far, there.Take(3));
  CutOff();
  const QueuePtr near = Queue(*near_);
  TestConsumer here(near);
  AckAll(near, here.Take(3));
  meanwhile();
  EXPECT_THAT(there.PullOnce().leases, IsEmpty());
  network_.Clear();
  Until([&] { return far->Stats().backlog_events == 0; });
  EXPECT_TRUE(there.ReachesTail());
}

TEST_P(TwoGatewaysTest, WhoStoodStillHandsOutNothingThatWasSettledMeanwhile) {
  ExpectNothingSettledComesAgain([this] { far_clock_.Advance(kOwnership); });
}

TEST_P(TwoGatewaysTest, WhoHearsNothingHandsOutNothingThatWasSettledMeanwhile) {
  ExpectNothingSettledComesAgain([] {});
}

TEST_P(TwoGatewaysTest, WhatIsAckedWhileASnapshotIsTakenUpIsSettledOrRefused) {
  constexpr int kEvents = 200;
  const QueuePtr far = Queue(*far_);
  HearOf(*near_);
  TestConsumer there(far);
  Append(kEvents);
  const std::vector<Lease> leases = there.Take(kEvents);
  CutOff();
  // More records than there are between snapshots: those that the far gateway would read are gone.
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(near_->SetPaused("crm", i % 2 == 0).ok());
  }
  std::thread acking([&] { AckAll(far, leases); });
  network_.Clear();
  acking.join();
  const QueuePtr near = Queue(*near_);
  Until([&] { return near->Stats().backlog_events == 0; });
  TestConsumer here(near);
  EXPECT_TRUE(here.ReachesTail());
  EXPECT_TRUE(there.ReachesTail());
}

TEST_P(TwoGatewaysTest, WhatDoesNotFitAConsumersBytesGoesToAnotherGateway) {
  const QueuePtr far = Queue(*far_);
  HearOf(*near_);
  ConsumerLimits limits;
  limits.max_outstanding_bytes = 15;  // two events of six bytes, and not a third
  TestConsumer there(far, limits);
  Append(9);
  const std::vector<Lease> held = there.Take(2);
  EXPECT_THAT(there.PullOnce().leases, IsEmpty());
  const QueuePtr near = Queue(*near_);
  TestConsumer here(near);
  AckAll(near, here.Take(7));
  AckAll(far, held);
  Until([&] { return near->Stats().backlog_events == 0; });
}

TEST_P(TwoGatewaysTest, ASubscriptionThatIsUsedElsewhereIsNotDeletedByWhoHeardNothing) {
  v1::SubscriptionSpec spec;
  spec.mutable_expire_after_unused()->set_seconds(60);
  const QueuePtr near = Queue(*near_, spec);
  HearOf(*far_);
  TestConsumer here(near);
  CutOff();
  for (int i = 0; i < 10; ++i) {
    near_clock_.Advance(absl::Seconds(16));
    Append(1);
    AckAll(near, here.Take(1));
  }
  far_clock_.Advance(absl::Seconds(160));
  network_.Clear();
  Until([&] { return far_->FindQueue("crm").ok() && (*far_->FindQueue("crm"))->IsSettled(10); });
  for (int i = 0; i < 3; ++i) {
    near_clock_.Advance(absl::Seconds(16));
    far_clock_.Advance(absl::Seconds(16));
    Append(1);
    AckAll(near, here.Take(1));
  }
  EXPECT_TRUE(near_->FindQueue("crm").ok());
}

}  // namespace
}  // namespace onhook
