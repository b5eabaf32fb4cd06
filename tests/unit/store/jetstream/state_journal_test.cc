#include "gateway/store/jetstream/state_journal.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChanges;
using testing::ElementsAre;

class StateJournalTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    if (api_ == nullptr) return;
    StreamConfig config;
    config.name = subjects_.state_stream();
    config.subjects = {subjects_.states()};
    config.allow_rollup = true;
    ASSERT_TRUE(AwaitAnswer<StreamInfo>([&](auto done) {
                  api_->CreateStream(config, std::move(done));
                }).ok());
  }
  std::unique_ptr<StateJournal> Journal(uint64_t writer) {
    return std::make_unique<StateJournal>(api_.get(), subjects_, writer, &clock_, &log_);
  }
  SubscriptionChanges Paused(StateJournal& journal) {
    SubscriptionChanges changes;
    changes.set_subscription("crm");
    changes.set_number(journal.NextNumber());
    changes.add_changes()->set_paused(true);
    return changes;
  }

  const Subjects subjects_{JetStreamOptions()};
};
INSTANTIATE_TEST_SUITE_P(Servers, StateJournalTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST_P(StateJournalTest, AWriteIsDoneOnceItIsApplied) {
  const auto journal = Journal(1);
  Recorded<int64_t> applied;
  journal->Begin([&](int64_t, const SubscriptionChanges&, int64_t number) { applied.Add(number); });
  Recorded<absl::Status> done;
  journal->Write(Paused(*journal), [&](const absl::Status& status) {
    EXPECT_THAT(applied.Get(), ElementsAre(1));
    done.Add(status);
  });
  EXPECT_THAT(done.Await(1), ElementsAre(absl::OkStatus()));
  connection_->Close();
}

TEST_P(StateJournalTest, AWriteThatWasReplacedBeforeItWasReadIsDoneWithWhatReplacedIt) {
  const auto late = Journal(1);
  Recorded<absl::Status> done;
  // It reads nothing yet.
  late->Write(Paused(*late), [&](const absl::Status& status) { done.Add(status); });
  const auto other = Journal(2);
  Recorded<int64_t> places;
  other->Begin([&](int64_t place, const SubscriptionChanges&, int64_t) { places.Add(place); });
  ASSERT_THAT(places.Await(1), ElementsAre(1));
  Recorded<absl::Status> replaced;
  other->Replace(Paused(*other), 1, [&](const absl::Status& status) { replaced.Add(status); });
  ASSERT_THAT(replaced.Await(1), ElementsAre(absl::OkStatus()));
  Recorded<int64_t> numbers;
  late->Begin([&](int64_t, const SubscriptionChanges&, int64_t number) { numbers.Add(number); });
  EXPECT_THAT(done.Await(1), ElementsAre(absl::OkStatus()));
  EXPECT_THAT(numbers.Get(), ElementsAre(0));
  connection_->Close();
}

TEST_P(StateJournalTest, WhatCannotBeIsNotWritten) {
  const auto journal = Journal(1);
  SubscriptionChanges record = Paused(*journal);
  record.mutable_changes(0)->set_epoch_number(-1);
  Recorded<absl::Status> done;
  journal->Write(record, [&](const absl::Status& status) { done.Add(status); });
  ASSERT_EQ(done.Get().size(), 1);
  EXPECT_EQ(done.Get()[0].code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Info(subjects_.state_stream())->last_sequence, 0);
  connection_->Close();
}

TEST_P(StateJournalTest, WhatNoGatewayCanHaveWrittenIsPassedOver) {
  SubscriptionChanges record;
  record.set_subscription("crm");
  record.add_changes()->mutable_sought()->set_after(-1);
  for (const std::string& data : {record.SerializeAsString(), std::string("no record")}) {
    ASSERT_TRUE(Publish(subjects_.State("crm"), data).ok());
  }
  const auto journal = Journal(1);
  Recorded<int64_t> places;
  journal->Begin([&](int64_t place, const SubscriptionChanges&, int64_t) { places.Add(place); });
  Recorded<absl::Status> done;
  journal->Write(Paused(*journal), [&](const absl::Status& status) { done.Add(status); });
  EXPECT_THAT(done.Await(1), ElementsAre(absl::OkStatus()));
  EXPECT_THAT(places.Get(), ElementsAre(3));
  connection_->Close();
}

}  // namespace
}  // namespace onhook
