#include "gateway/admin/store_report.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/metrics_text.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::IsEmpty;

constexpr char kAge[] = "onhook_subscription_oldest_unacked_age_seconds";
const MetricsText::Labels kOfCrm = {{"subscription", "crm"}};

// Opened again, the store has to read from its storage what came before.
class StoreReportTest : public EmbeddedStoreFixture {
 protected:
  void Report(absl::Duration patience = absl::Seconds(30)) {
    reporting_.reset();
    report_ = std::make_unique<StoreReport>(store_.get(), "memory", &clock_, patience);
    reporting_ = metrics_.AddReporter([this](Metrics::Report& report) { report_->Tell(report); });
  }
  MetricsText Shown() const {
    MetricsText shown(metrics_.Text());
    EXPECT_THAT(shown.faults(), IsEmpty());
    return shown;
  }
  void AppendNow(const std::string& call) {
    NewEvent event = EventNamed(call);
    event.received_at = clock_.Now();
    ASSERT_TRUE(Append(event).ok());
  }

  Metrics metrics_;
  std::unique_ptr<StoreReport> report_;
  std::unique_ptr<Metrics::Reporting> reporting_;
};

TEST_F(StoreReportTest, ASubscriptionIsAsOldAsTheOldestEventThatItOwes) {
  Open();
  Report();
  const QueuePtr queue = Queue();
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 0);
  AppendNow("1");
  clock_.Advance(absl::Seconds(5));
  AppendNow("2");
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 5);
  TestConsumer consumer(queue);
  const std::vector<Lease> leases = consumer.PullWhenReady().leases;
  ASSERT_EQ(leases.size(), 2);
  Ack(queue, {leases[0].delivery_id});
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 2);
  Ack(queue, {leases[1].delivery_id});
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 0);
}

TEST_F(StoreReportTest, WhatHasNotChangedIsNotReadAgainNorForEachSubscription) {
  Open();
  Queue();
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(store_->CreateSubscription(name, {}).ok());
  }
  AppendNow("1");
  Open();
  Report();
  const int before = faults_.count(Call::kRead);
  clock_.Advance(absl::Seconds(5));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Shown().Value(kAge, kOfCrm), 5);
    EXPECT_EQ(Shown().Value(kAge, {{"subscription", "a"}}), 5);
  }
  EXPECT_EQ(faults_.count(Call::kRead) - before, 1);
}

TEST_F(StoreReportTest, ADiskThatDoesNotAnswerHoldsNobodyUpAndWhatWasKnownIsTold) {
  Open();
  const QueuePtr queue = Queue();
  AppendNow("1");
  AppendNow("2");
  Open();
  Report(absl::Milliseconds(20));
  clock_.Advance(absl::Seconds(5));
  while (Shown().Value(kAge, kOfCrm) != 5) {
  }
  const QueuePtr again = Queue();
  TestConsumer consumer(again);
  const std::vector<Lease> leases = consumer.PullWhenReady().leases;
  HeldCall held(&faults_, Call::kRead);
  Ack(again, {leases[0].delivery_id});
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 5);
  EXPECT_EQ(Shown().Value("onhook_subscription_backlog_events", kOfCrm), 1);
  held.Release();
}

TEST_F(StoreReportTest, AnAgeThatWasNeverFoundOutIsLeftOut) {
  Open();
  Queue();
  AppendNow("1");
  Open();
  Report();
  faults_.Fail(Call::kRead, absl::UnavailableError("busy"));
  const MetricsText shown = Shown();
  EXPECT_FALSE(shown.Find(kAge, kOfCrm).has_value());
  EXPECT_EQ(shown.Value("onhook_subscription_backlog_events", kOfCrm), 1);
  EXPECT_EQ(Shown().Value(kAge, kOfCrm), 0);
}

TEST_F(StoreReportTest, WithoutADiskNothingIsToldOfOne) {
  Open();
  Report();
  const MetricsText shown = Shown();
  EXPECT_FALSE(shown.Find("onhook_store_free_disk_bytes").has_value());
  EXPECT_EQ(shown.Value("onhook_store_info", {{"engine", "memory"}, {"durability", "memory"}}), 1);
}

TEST_F(StoreReportTest, FreeDiskIsTold) {
  options_.free_disk = [] { return 4711; };
  Open();
  Report();
  EXPECT_EQ(Shown().Value("onhook_store_free_disk_bytes"), 4711);
}

}  // namespace
}  // namespace onhook
