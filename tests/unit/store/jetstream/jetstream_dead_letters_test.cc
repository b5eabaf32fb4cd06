// The dead letters of subscriptions in JetStream: whose they are, what is left of them, and that
// what is redriven comes whatever servers lose or gateways leave undone.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gmock/gmock.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/unit/store/jetstream/store_fixture.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChange;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Entry = v1::TimelineEntry;

class JetStreamDeadLettersTest : public JetStreamStoreTest {
 protected:
  static void Park(const QueuePtr& queue, const std::vector<Lease>& leases) {
    SettleRequest request;
    request.action = SettleRequest::Action::kPark;
    request.delivery_ids = Ids(leases);
    EXPECT_THAT(Settle(queue, request), IsEmpty());
  }
  void ParkAll(const std::string& subscription, int events) {
    const QueuePtr queue = *store_->FindOrCreateQueue(subscription, {});
    TestConsumer consumer(queue);
    Park(queue, consumer.Take(static_cast<size_t>(events)));
  }
  void AppendAndPark(int events) {
    for (int i = 1; i <= events; ++i) Append(absl::StrCat(i));
    ParkAll("crm", events);
  }
  static std::vector<std::string> Letters(const QueuePtr& queue) {
    const auto letters = AwaitAnswer<std::vector<DeadLetter>>(
        [&](auto done) { queue->ListDeadLetters(0, {}, std::move(done)); });
    EXPECT_TRUE(letters.ok()) << letters.status();
    std::vector<LogEventPtr> events;
    for (const DeadLetter& letter : *letters) events.push_back(letter.event);
    return Contents(events);
  }
  static DeadLetterOutcome Redrive(const QueuePtr& queue, DeadLetterSelection selection) {
    return *AwaitAnswer<DeadLetterOutcome>(
        [&](auto done) { queue->Redrive(std::move(selection), std::move(done)); });
  }
  static DeadLetterOutcome Discard(const QueuePtr& queue, DeadLetterSelection selection) {
    return *AwaitAnswer<DeadLetterOutcome>(
        [&](auto done) { queue->Discard(std::move(selection), std::move(done)); });
  }

  int64_t DeadMessages() { return Info("ONHOOK_DEAD")->messages; }
  absl::StatusOr<StreamMessage> DeadMessage(int64_t sequence) {
    return AwaitAnswer<StreamMessage>(
        [&](auto done) { api_->GetMessage("ONHOOK_DEAD", sequence, std::move(done)); });
  }
  void DeleteDeadMessage(int64_t sequence) { DeleteMessage("ONHOOK_DEAD", sequence); }
  void DeleteMessage(const std::string& stream, int64_t sequence) {
    ASSERT_TRUE(AwaitStatus([&](JetStreamApi::DoneStatus done) {
                  api_->DeleteMessage(stream, sequence, std::move(done));
                }).ok());
  }
  // As a gateway would that does nothing else. Applied by the store when this returns.
  void WriteAsAnother(const std::string& subscription,
                      const std::function<void(SubscriptionChange&)>& fill) {
    jetstream::SubscriptionChanges changes;
    changes.set_subscription(subscription);
    changes.set_writer(7);
    changes.set_number(++written_);
    fill(*changes.add_changes());
    ASSERT_TRUE(
        Publish(absl::StrCat("onhook.state.", subscription), changes.SerializeAsString()).ok());
    ASSERT_TRUE(store_->CreateSubscription(absl::StrCat("barrier-", written_), {}).ok());
  }

  int64_t written_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Servers, JetStreamDeadLettersTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

// ---------------------------------------------------------------------------------- whose they are

TEST_P(JetStreamDeadLettersTest, TheDeadLettersOfASubscriptionGoWithIt) {
  Append("1");
  ParkAll("one", 1);
  ParkAll("two", 1);
  EXPECT_EQ(DeadMessages(), 2);
  ASSERT_TRUE(store_->DeleteSubscription("one").ok());
  Until([this] { return DeadMessages() == 1; });
  // Also what is left of one that another gateway deleted and could not tidy up after.
  store_ = nullptr;
  ASSERT_TRUE(Publish("onhook.dead.gone", "a letter").ok());
  EXPECT_EQ(DeadMessages(), 2);
  Open();
  Until([this] { return DeadMessages() == 1; });
  EXPECT_THAT(Letters(*store_->FindOrCreateQueue("two", {})), ElementsAre("1"));
}

TEST_P(JetStreamDeadLettersTest, WhatAGatewayThatEndedLeftOfADeletedSubscriptionIsRemovedByOthers) {
  Append("1");
  ParkAll("one", 1);
  ParkAll("two", 1);
  // What was left when this one was opened is gone.
  ASSERT_TRUE(Publish("onhook.dead.gone", "a letter").ok());
  store_ = nullptr;
  Open();
  Until([this] { return DeadMessages() == 2; });
  WriteAsAnother("one", [](SubscriptionChange& change) { change.mutable_deleted(); });
  Until([this] { return DeadMessages() == 1; });
  EXPECT_THAT(Letters(*store_->FindOrCreateQueue("two", {})), ElementsAre("1"));
}

TEST_P(JetStreamDeadLettersTest, WhatNobodyRefersToPushesNoDeadLetterOut) {
  for (const char* call : {"1", "2", "3"}) {
    AppendOne(store_->log(), MakeEvent(call, call + std::string(10'000, '.')));
  }
  ParkAll("crm", 3);
  const int64_t letter = Info("ONHOOK_DEAD")->bytes / 3;
  // Copies of a gateway that ended before it wrote of them.
  const std::string copy = DeadMessage(1)->data;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(Publish("onhook.dead.crm", copy).ok());
  StoreLimits limits;
  // The second is looked at only when no more of the first is to go.
  for (const int removed : {1, 2}) {
    limits.retention.dead_letters_bytes = (3 - removed) * letter + letter / 2;
    store_->SetLimits(limits);
    Until([&] {
      store_clock_.Advance(absl::Seconds(11));
      return store_->Stats().dead_letters_removed_by_size >= removed;
    });
  }
  EXPECT_EQ(store_->Stats().dead_letters_removed_by_size, 2);
  EXPECT_THAT(Letters(Queue()), SizeIs(1));
}

TEST_P(JetStreamDeadLettersTest, AMessageThatIsGoneDoesNotKeepTheOthersFromBeingTrimmed) {
  AppendAndPark(3);
  DeleteDeadMessage(1);
  StoreLimits limits;
  limits.retention.dead_letters_age = absl::Hours(1);
  store_->SetLimits(limits);
  store_clock_.Advance(absl::Hours(2));
  Until([this] { return DeadMessages() == 0; });
  Until([this] { return Queue()->Stats().dead_letters == 0; });
  // What was gone is not counted; the counting comes after the removal.
  Until([this] { return store_->Stats().dead_letters_removed_by_age >= 2; });
  EXPECT_EQ(store_->Stats().dead_letters_removed_by_age, 2);
}

// ------------------------------------------------------------------------------------ which is
// meant

TEST_P(JetStreamDeadLettersTest, AChangeOfALetterThatIsGoneChangesNoOtherOfTheSameEvent) {
  AppendAndPark(1);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, 1);
  ParkAll("crm", 1);
  WriteAsAnother("crm", [](SubscriptionChange& change) {
    auto& letters = *change.mutable_dead_letters_changed();
    letters.set_kind(Entry::KIND_DISCARDED);
    letters.add_sequences(1);
    letters.add_dead_letter_ids(1);
  });
  EXPECT_THAT(Letters(queue), ElementsAre("1"));
  // A record that does not say which means any.
  WriteAsAnother("crm", [](SubscriptionChange& change) {
    auto& letters = *change.mutable_dead_letters_changed();
    letters.set_kind(Entry::KIND_DISCARDED);
    letters.add_sequences(1);
  });
  EXPECT_THAT(Letters(queue), IsEmpty());
}

TEST_P(JetStreamDeadLettersTest, OfTwoRedrivesOfOneLetterTheFirstCounts) {
  AppendAndPark(1);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, 1);
  const auto second = Publish("onhook.redriven.crm", DeadMessage(1)->data);
  ASSERT_EQ(second->sequence, 3);
  WriteAsAnother("crm", [&](SubscriptionChange& change) {
    auto& letters = *change.mutable_dead_letters_changed();
    letters.set_kind(Entry::KIND_REDRIVEN);
    letters.add_sequences(1);
    letters.add_dead_letter_ids(1);
    letters.add_copies(second->sequence);
  });
  // It is the first's copy that is missed.
  DeleteDeadMessage(2);
  Until([this] { return DeadMessage(4).ok(); });
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, consumer.Take(1)), IsEmpty());
  Until([this] { return DeadMessages() == 0; });
}

// -------------------------------------------------------------------------------- what is redriven

TEST_P(JetStreamDeadLettersTest, ARedrivenEventWhoseCopyIsGoneComesAllTheSame) {
  AppendAndPark(1);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, 1);
  DeleteDeadMessage(2);
  TestConsumer consumer(queue);
  const std::vector<Lease> taken = consumer.Take(1);
  EXPECT_THAT(ContentsOf(taken), ElementsAre("1"));
  EXPECT_THAT(Ack(queue, taken), IsEmpty());
  Until([this] { return DeadMessages() == 0; });
}

TEST_P(JetStreamDeadLettersTest, AllThatAGatewayLeftWithoutItsCopiesComesAtOnce) {
  constexpr int kEvents = 150;
  AppendAndPark(kEvents);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, kEvents);
  for (int i = 1; i <= kEvents; ++i) DeleteDeadMessage(kEvents + i);
  // Another gateway looks for them at the same time.
  const auto other = OpenAnother();
  ASSERT_TRUE(other.ok()) << other.status();
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, consumer.Take(kEvents)), IsEmpty());
  Until([this] { return DeadMessages() == 0; });
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_P(JetStreamDeadLettersTest, ARedrivenEventOfWhichNothingIsLeftIsOwedNoMore) {
  AppendAndPark(2);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, 2);
  for (const int64_t sequence : {1, 3}) DeleteDeadMessage(sequence);
  DeleteMessage("ONHOOK", 1);
  Until([&] { return queue->Stats().backlog_events == 1; });
  TestConsumer consumer(queue);
  EXPECT_THAT(ContentsOf(consumer.Take(1)), ElementsAre("2"));
}

TEST_P(JetStreamDeadLettersTest, OfManyRedrivenEventsAllThatAreGoneAreOwedNoMore) {
  constexpr int kEvents = 120;  // more than are looked at at once
  AppendAndPark(kEvents);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {true, {}}).done, kEvents);
  for (int i = 1; i <= 2 * kEvents; ++i) DeleteDeadMessage(i);
  for (int i = 1; i < kEvents; ++i) DeleteMessage("ONHOOK", i);
  Until([&] { return queue->Stats().backlog_events == 1; });
  TestConsumer consumer(queue);
  EXPECT_THAT(ContentsOf(consumer.Take(1)), ElementsAre(absl::StrCat(kEvents)));
}

TEST_P(JetStreamDeadLettersTest, ARedrivenEventWhoseLetterIsGoneComesFromTheLog) {
  AppendAndPark(2);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {false, {1}}).done, 1);
  for (const int64_t sequence : {1, 2, 3}) DeleteDeadMessage(sequence);
  EXPECT_EQ(Redrive(queue, {false, {2}}).done, 1);
  TestConsumer consumer(queue);
  const std::vector<Lease> taken = consumer.Take(2);
  EXPECT_THAT(ContentsOf(taken), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(Ack(queue, taken), IsEmpty());
  Until([this] { return DeadMessages() == 0; });
}

TEST_P(JetStreamDeadLettersTest, WhoRedrivesALetterOfWhichNothingIsLeftIsTold) {
  AppendAndPark(2);
  DeleteDeadMessage(1);
  DeleteMessage("ONHOOK", 1);
  const DeadLetterOutcome outcome = Redrive(Queue(), {false, {1, 2}});
  EXPECT_EQ(outcome.done, 1);
  EXPECT_THAT(outcome.unknown, ElementsAre(1));
}

TEST_P(JetStreamDeadLettersTest, AMessageInThePlaceOfALettersIsNotTakenForIt) {
  AppendAndPark(2);
  const QueuePtr queue = Queue();
  WriteAsAnother("crm", [](SubscriptionChange& change) {
    // A letter of the first event, whose place turns out to be the second's.
    change.mutable_settled()->set_kind(static_cast<int>(SettlementRow::Kind::kParked));
    auto& parked = *change.mutable_settled()->add_parked();
    parked.set_sequence(3);
    parked.set_dead_letter_id(2);
    parked.set_kind(Entry::KIND_PARKED);
  });
  Append("3");
  EXPECT_EQ(queue->Stats().dead_letters, 3);
  EXPECT_THAT(Letters(queue), ElementsAre("1", "2"));
  EXPECT_EQ(Redrive(queue, {true, {}}).done, 3);
  TestConsumer consumer(queue);
  EXPECT_THAT(ContentsOf(consumer.Take(3)), UnorderedElementsAre("1", "2", "3"));
}

TEST_P(JetStreamDeadLettersTest, WhileItsStreamIsAwayNothingIsTakenForGone) {
  AppendAndPark(2);
  const QueuePtr queue = Queue();
  EXPECT_EQ(Redrive(queue, {false, {1}}).done, 1);
  const StreamConfig kept = Info("ONHOOK_DEAD")->config;
  ASSERT_TRUE(Delete("ONHOOK_DEAD").ok());
  const auto letters = AwaitAnswer<std::vector<DeadLetter>>(
      [&](auto done) { queue->ListDeadLetters(0, {}, std::move(done)); });
  EXPECT_EQ(letters.status().code(), absl::StatusCode::kUnavailable);
  const auto redriven = AwaitAnswer<DeadLetterOutcome>([&](auto done) {
    queue->Redrive({true, {}}, std::move(done));
  });
  EXPECT_EQ(redriven.status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(Create(kept).ok());
  EXPECT_EQ(queue->Stats().backlog_events, 1);
  EXPECT_EQ(queue->Stats().dead_letters, 1);
}

// ----------------------------------------------------------------------------- events that are
// lost

TEST_P(JetStreamDeadLettersTest, ADeadLetterOutlivesItsEvent) {
  Append("1");
  KeepEvents();
  Append("lost");
  Append("lost too");
  ParkAll("crm", 3);
  EXPECT_EQ(Redrive(Queue(), {false, {2}}).done, 1);
  LoseWhatCameSince();
  const QueuePtr queue = Queue();
  Until([&] { return queue->Stats().dead_letters == 3; });
  Append("new");
  {
    TestConsumer consumer(queue);
    const std::vector<Lease> taken = consumer.Take(1);
    EXPECT_THAT(ContentsOf(taken), ElementsAre("new"));
    EXPECT_THAT(Ack(queue, taken), IsEmpty());
  }
  EXPECT_EQ(queue->Stats().backlog_events, 0);
  EXPECT_THAT(Letters(queue), ElementsAre("1", "lost", "lost too"));
  EXPECT_EQ(queue->Stats().dead_letters, 3);
  // It cannot be owed again: its place is another event's.
  EXPECT_THAT(Redrive(queue, {false, {2}}).unknown, ElementsAre(2));
  EXPECT_EQ(Discard(queue, {false, {2}}).done, 1);
  EXPECT_THAT(Letters(queue), ElementsAre("1", "lost too"));
  store_ = nullptr;
  Open();
  EXPECT_THAT(Letters(Queue()), ElementsAre("1", "lost too"));
  EXPECT_EQ(Discard(Queue(), {true, {}}).done, 2);
  Until([this] { return DeadMessages() == 0; });
  EXPECT_EQ(Queue()->Stats().dead_letters, 0);
}

TEST_P(JetStreamDeadLettersTest, WhatIsSaidLateOfALostEventIsNotSaidOfTheOneInItsPlace) {
  Append("1");
  const QueuePtr queue = Queue();
  WriteAsAnother("crm", [](SubscriptionChange& change) {
    change.set_epoch_number(1);
    change.mutable_sought()->set_after(0);
    change.mutable_sought()->set_epoch(8);
    change.mutable_sought()->set_lost_behind(1);
  });
  // Of gateways that had not heard of it.
  const auto letter = Publish("onhook.dead.crm", "of the lost event");
  WriteAsAnother("crm", [&](SubscriptionChange& change) {
    change.mutable_settled()->set_kind(static_cast<int>(SettlementRow::Kind::kParked));
    auto& parked = *change.mutable_settled()->add_parked();
    parked.set_sequence(2);
    parked.set_dead_letter_id(letter->sequence);
    parked.set_kind(Entry::KIND_PARKED);
  });
  WriteAsAnother("crm", [](SubscriptionChange& change) {
    change.mutable_settled()->set_kind(static_cast<int>(SettlementRow::Kind::kAcked));
    change.mutable_settled()->mutable_sequences()->add_distances(3);
    change.mutable_settled()->mutable_sequences()->add_distances(0);
  });
  Append("new");
  Append("new too");
  EXPECT_FALSE(IsProcessed(2));
  EXPECT_FALSE(IsProcessed(3));
  TestConsumer consumer(queue);
  const std::vector<Lease> taken = consumer.Take(3);
  EXPECT_THAT(ContentsOf(taken), UnorderedElementsAre("1", "new", "new too"));
  EXPECT_THAT(Ack(queue, taken), IsEmpty());
  EXPECT_EQ(queue->Stats().dead_letters, 1);
  EXPECT_TRUE(DeadMessage(letter->sequence).ok());
}

TEST_P(JetStreamDeadLettersTest, ASnapshotKeepsTheLettersOfLostEvents) {
  store_ = nullptr;
  options_.records_between_snapshots = 3;
  Open();
  Append("1");
  KeepEvents();
  Append("lost");
  ParkAll("crm", 2);
  LoseWhatCameSince();
  Append("new");
  {
    TestConsumer consumer(Queue());
    EXPECT_THAT(Ack(Queue(), consumer.Take(1)), IsEmpty());
  }
  for (const bool paused : {true, false, true, false}) {
    ASSERT_TRUE(store_->SetPaused("crm", paused).ok());
  }
  Until([this] { return Info("ONHOOK_STATE")->messages <= 3; });
  store_ = nullptr;
  Open();
  EXPECT_THAT(Letters(Queue()), UnorderedElementsAre("1", "lost"));
}

}  // namespace
}  // namespace onhook
