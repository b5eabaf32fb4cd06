// What servers lose, forget or are told to remove: what is owed comes all the same, and what is new
// is not taken for what it stands in the place of.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gateway/store/jetstream/pull_consumer.h"
#include "gmock/gmock.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/unit/store/jetstream/store_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class JetStreamRepairTest : public JetStreamStoreTest {};

INSTANTIATE_TEST_SUITE_P(Servers, JetStreamRepairTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST_P(JetStreamRepairTest, WhatComesInThePlaceOfALostEventIsDelivered) {
  for (const char* call : {"1", "2", "3"}) Append(call);
  TestConsumer consumer(Queue());
  EXPECT_THAT(Ack(Queue(), consumer.Take(3)), IsEmpty());
  KeepEvents();
  for (const char* call : {"4", "5", "6"}) Append(call);
  const std::vector<Lease> lost = consumer.Take(3);
  EXPECT_THAT(Ack(Queue(), lost), IsEmpty());
  EXPECT_TRUE(IsProcessed(4));
  LoseWhatCameSince();
  Append("new");
  const std::vector<Lease> taken = consumer.Take(1);
  EXPECT_THAT(ContentsOf(taken), ElementsAre("new"));
  EXPECT_FALSE(IsProcessed(4));
  // Nor does an acknowledgement of what was there settle it.
  EXPECT_THAT(Ack(Queue(), lost), SizeIs(3));
  EXPECT_FALSE(IsProcessed(4));
  EXPECT_THAT(Ack(Queue(), taken), IsEmpty());
  EXPECT_TRUE(IsProcessed(4));
}

TEST_P(JetStreamRepairTest, ALossThatNoGatewaySawIsFoundWhenTheNextOneOpens) {
  for (const char* call : {"1", "2", "3"}) Append(call);
  KeepEvents();
  std::vector<Lease> lost;
  {
    TestConsumer consumer(Queue());
    for (const char* call : {"4", "5", "6"}) Append(call);
    lost = consumer.Take(6);
    EXPECT_THAT(Ack(Queue(), lost), IsEmpty());
  }
  store_ = nullptr;
  LoseWhatCameSince();
  Open();
  Append("new");
  TestConsumer consumer(Queue());
  const std::vector<Lease> taken = consumer.Take(1);
  EXPECT_THAT(ContentsOf(taken), ElementsAre("new"));
  EXPECT_THAT(Ack(Queue(), lost), SizeIs(6));
  EXPECT_FALSE(IsProcessed(4));
  EXPECT_TRUE(IsProcessed(3));
  EXPECT_THAT(Ack(Queue(), taken), IsEmpty());
}

TEST_P(JetStreamRepairTest, WhatIsKeptIsNotDeliveredAgainByAStartWithoutLoss) {
  for (const char* call : {"1", "2", "3"}) Append(call);
  {
    TestConsumer consumer(Queue());
    EXPECT_THAT(Ack(Queue(), consumer.Take(3)), IsEmpty());
  }
  const std::string before = EventsConsumer();
  store_ = nullptr;
  Open();
  Append("4");
  TestConsumer consumer(Queue());
  EXPECT_THAT(ContentsOf(consumer.Take(1)), ElementsAre("4"));
  EXPECT_EQ(EventsConsumer(), before);
}

TEST_P(JetStreamRepairTest, AnEventThatTheServersConsumerForgotIsDelivered) {
  const QueuePtr queue = Queue();
  for (const char* call : {"1", "2"}) Append(call);
  // Somebody else takes them and says that they are done.
  Recorded<int64_t> stolen;
  PullConsumer::Callbacks callbacks;
  std::unique_ptr<PullConsumer> thief;
  SteadyNotification made;
  callbacks.message = [&](const PulledMessage& message) {
    made.Wait();
    thief->Acknowledge(message.ack_subject);
    stolen.Add(message.facts.stream_sequence);
  };
  thief = std::make_unique<PullConsumer>(
      api_.get(), PullConsumer::Options{"ONHOOK", EventsConsumer()}, callbacks, &clock_, &log_);
  made.Notify();
  thief->Want(2);
  ASSERT_THAT(stolen.Await(2), SizeIs(2));
  thief = nullptr;
  TestConsumer consumer(queue);
  EXPECT_THAT(ContentsOf(consumer.Take(2)), ElementsAre("1", "2"));
}

TEST_P(JetStreamRepairTest, AnOwedEventThatWasDeletedHoldsNothingBackAndIsCountedAsDropped) {
  const QueuePtr queue = Queue();
  for (const char* call : {"1", "2", "3", "4"}) Append(call);
  for (const int64_t sequence : {2, 3}) {
    ASSERT_TRUE(AwaitStatus([&](auto done) {
                  api_->DeleteMessage("ONHOOK", sequence, std::move(done));
                }).ok());
  }
  TestConsumer consumer(queue);
  const std::vector<Lease> taken = consumer.Take(2);
  EXPECT_THAT(ContentsOf(taken), ElementsAre("1", "4"));
  EXPECT_THAT(Ack(queue, taken), IsEmpty());
  Until([&] { return queue->Stats().floor == 4; });
  EXPECT_EQ(queue->Stats().dropped_by_limit, 2);
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_P(JetStreamRepairTest, AStoreThatIsAnotherIsNoticed) {
  Append("1");
  const std::unique_ptr<Store> first = std::move(store_);
  for (const char* stream :
       {"ONHOOK", "ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_REJECTED", "ONHOOK_NONCES"}) {
    ASSERT_TRUE(Delete(stream).ok());
  }
  Open();  // makes them anew
  EXPECT_NE(store_->store_id(), first->store_id());
  const std::vector<absl::Status> told = replaced_.Await(1);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(JetStreamRepairTest, AGatewayEndsWhenWhatItRemembersOfIsInAnotherStream) {
  for (const char* stream : {"ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_REJECTED", "ONHOOK_NONCES"}) {
    const size_t told_before = replaced_.Get().size();
    const StreamConfig kept = Info(stream)->config;
    StreamConfig other = kept;
    other.description = "made by hand";
    ASSERT_TRUE(Delete(stream).ok());
    ASSERT_TRUE(Create(other).ok());
    store_clock_.Advance(absl::Seconds(6));
    const std::vector<absl::Status> told = replaced_.Await(told_before + 1);
    ASSERT_THAT(told, SizeIs(told_before + 1));
    EXPECT_EQ(told.back().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(told.back().message()), HasSubstr(absl::StrCat("stream ", stream)));
    store_ = nullptr;
    ASSERT_TRUE(Delete(stream).ok());
    ASSERT_TRUE(Create(kept).ok());
    Open();
  }
}

TEST_P(JetStreamRepairTest, AStreamThatIsMissingIsNotMadeAnewBesideTheOthers) {
  Append("1");
  Queue();
  store_ = nullptr;
  for (const char* stream : {"ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_NONCES"}) {
    const StreamConfig kept = Info(stream)->config;
    ASSERT_TRUE(Delete(stream).ok());
    EXPECT_THAT(std::string(TryOpen().message()),
                HasSubstr(absl::StrCat("stream ", stream, ": it is missing")));
    ASSERT_TRUE(Create(kept).ok());
  }
  ASSERT_TRUE(TryOpen().ok());
  Queue();
  store_ = nullptr;
  ASSERT_TRUE(Delete("ONHOOK").ok());
  EXPECT_THAT(std::string(TryOpen().message()), HasSubstr("stream ONHOOK: it is missing"));
}

TEST_P(JetStreamRepairTest, ASetupThatEndedHalfwayIsCompletedByTheNextStart) {
  const std::string store_id = store_->store_id();
  store_ = nullptr;
  // In the order of making.
  const std::vector<std::string> streams = {"ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_NONCES",
                                            "ONHOOK_REJECTED", "ONHOOK"};
  for (size_t made = 1; made < streams.size(); ++made) {
    for (size_t i = made; i < streams.size(); ++i) ASSERT_TRUE(Delete(streams[i]).ok());
    const absl::Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ(store_->store_id(), store_id) << made;
    store_ = nullptr;
  }
}

TEST_P(JetStreamRepairTest, GatewaysThatStartAtOnceOnEmptyServersShareAStore) {
  store_ = nullptr;
  for (int round = 0; round < 5; ++round) {
    for (const char* stream :
         {"ONHOOK", "ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_REJECTED", "ONHOOK_NONCES"}) {
      ASSERT_TRUE(Delete(stream).ok());
    }
    std::vector<absl::StatusOr<std::unique_ptr<Store>>> stores(3);
    std::vector<std::thread> gateways;
    for (auto& store : stores) {
      gateways.emplace_back([&] {
        store = OpenAnother();
        if (store.ok()) (*store)->FindOrCreateQueue("crm", {}).status().IgnoreError();
      });
    }
    for (std::thread& gateway : gateways) gateway.join();
    for (const auto& store : stores) {
      ASSERT_TRUE(store.ok()) << store.status();
      EXPECT_EQ((*store)->store_id(), (*stores.front())->store_id());
    }
  }
}

TEST_P(JetStreamRepairTest, AJournalThatIsAnotherIsNoticed) {
  Queue();
  const StreamConfig kept = Info("ONHOOK_STATE")->config;
  ASSERT_TRUE(Delete("ONHOOK_STATE").ok());
  ASSERT_TRUE(Create(kept).ok());
  const std::vector<absl::Status> told = replaced_.Await(1);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(std::string(told[0].message()), HasSubstr("ONHOOK_STATE"));
}

// As an operator may have it, so that what is owed to nobody's consumer does not fill the account.
TEST_P(JetStreamRepairTest, AStreamThatIsFullTakesNothingNewAndSettlesWhatItHas) {
  const QueuePtr queue = Queue();
  LimitMessages("ONHOOK", 3);
  for (const char* call : {"1", "2", "3"}) Append(call);
  EXPECT_TRUE(store_->CheckRoom().ok());
  const auto refused = AppendAll(store_->log(), [] {
    std::vector<NewEvent> events;
    events.push_back(MakeEvent("4", "4"));
    return events;
  }());
  EXPECT_EQ(refused[0].status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->CheckRoom().code(), absl::StatusCode::kResourceExhausted);
  {
    TestConsumer consumer(queue);
    EXPECT_THAT(Ack(queue, consumer.Take(3)), IsEmpty());
  }
  // Another gateway opens it as it is, and does not take the limit away.
  store_ = nullptr;
  Open();
  EXPECT_EQ(Info("ONHOOK")->config.max_messages, 3);
  LimitMessages("ONHOOK", 4);
  Append("4");
  EXPECT_TRUE(store_->CheckRoom().ok());
}

TEST_P(JetStreamRepairTest, AJournalThatCouldBeFullIsRefused) {
  store_ = nullptr;
  LimitMessages("ONHOOK_STATE", 1000);
  JetStreamOptions options;
  options.nats.servers = {server_->url()};
  options.replicas = 1;
  const absl::Status refused = OpenJetStreamStore(options, &clock_, &log_, nullptr).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("max_msgs or max_bytes is set"));
}

TEST_P(JetStreamRepairTest, AnEventWhoseMessageIsGoneIsParkedAndItsNeighboursAreAcked) {
  for (const char* call : {"1", "2", "3"}) Append(call);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<Lease> leases = consumer.Take(3);
  ASSERT_TRUE(AwaitStatus([&](JetStreamApi::DoneStatus done) {
                api_->DeleteMessage("ONHOOK", 2, std::move(done));
              }).ok());
  SettleRequest park;
  park.action = SettleRequest::Action::kPark;
  park.delivery_ids = {leases[1].delivery_id};
  EXPECT_THAT(Settle(queue, park), IsEmpty());
  EXPECT_THAT(Ack(queue, {leases[0], leases[2]}), IsEmpty());
  const auto letters = AwaitAnswer<std::vector<DeadLetter>>(
      [&](auto done) { queue->ListDeadLetters(0, {}, std::move(done)); });
  ASSERT_EQ(letters->size(), 1);
  EXPECT_EQ(letters->front().event->event, leases[1].event->event);
}

TEST_P(JetStreamRepairTest, ALongReasonForManyDeliveriesFitsARecord) {
  constexpr int kEvents = 300;
  for (int i = 1; i <= kEvents; ++i) Append(std::to_string(i));
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  SettleRequest retry;
  retry.action = SettleRequest::Action::kRetry;
  retry.reason = std::string(4096, 'r');
  retry.delivery_ids = Ids(consumer.Take(kEvents));
  EXPECT_THAT(Settle(queue, retry), IsEmpty());
  const auto timeline = AwaitAnswer<v1::SubscriptionTimeline>(
      [&](auto done) { queue->FindTimeline(kEvents, std::move(done)); });
  ASSERT_GT(timeline->entries_size(), 0);
  EXPECT_EQ(timeline->entries(timeline->entries_size() - 1).reason(), retry.reason);
}

}  // namespace
}  // namespace onhook
