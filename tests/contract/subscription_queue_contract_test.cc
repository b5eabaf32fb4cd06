// The promises of gateway/store/subscription_queue.h, kept by every engine.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/engine.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using QueuePtr = std::shared_ptr<SubscriptionQueue>;

// A consumer that a test drives by hand: it pulls when it is told to, and waits for `ready`.
class TestConsumer {
 public:
  explicit TestConsumer(QueuePtr queue, ConsumerLimits limits = {},
                        const std::string& name = "consumer")
      : queue_(std::move(queue)) {
    ConsumerCallbacks callbacks;
    callbacks.ready = [this] {
      absl::MutexLock lock(&mutex_);
      ready_ = true;
    };
    callbacks.deleted = [this] { deleted_.Notify(); };
    id_ = queue_->Attach({name, limits, std::nullopt}, std::move(callbacks));
  }
  ~TestConsumer() { Leave(); }

  void Leave(Departure departure = Departure::kLost) {
    if (id_ != 0) queue_->Detach(std::exchange(id_, 0), departure);
  }
  void AwaitDeletion() { deleted_.WaitForNotification(); }

  // Pulls, waiting for `ready` as often as needed, until it got `count` events.
  std::vector<Lease> Take(size_t count) {
    std::vector<Lease> taken;
    while (taken.size() < count) {
      PullResult pulled = queue_->Pull(id_, {count - taken.size(), 1 << 20});
      for (Lease& lease : pulled.leases) taken.push_back(std::move(lease));
      if (pulled.leases.empty()) WaitUntilReady();
    }
    return taken;
  }
  PullResult PullOnce() { return queue_->Pull(id_, {}); }

  void WaitUntilReady() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&ready_));
    ready_ = false;
  }

  ConsumerId id() const { return id_; }

 private:
  const QueuePtr queue_;
  ConsumerId id_ = 0;
  absl::Notification deleted_;
  absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
};

std::vector<Sequence> Sequences(const std::vector<Lease>& leases) {
  std::vector<Sequence> sequences;
  for (const Lease& lease : leases) sequences.push_back(lease.event->sequence);
  return sequences;
}

std::vector<std::string> Ids(const std::vector<Lease>& leases) {
  std::vector<std::string> ids;
  for (const Lease& lease : leases) ids.push_back(lease.delivery_id);
  return ids;
}

class SubscriptionQueueContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  QueuePtr Queue(const std::string& name = "crm", const v1::SubscriptionSpec& spec = {}) {
    const auto queue = engine_->store().FindOrCreateQueue(name, spec);
    EXPECT_TRUE(queue.ok()) << queue.status();
    return *queue;
  }
  void AppendNumbered(int first, int last) {
    std::vector<NewEvent> events;
    for (int i = first; i <= last; ++i) {
      events.push_back(MakeEvent(absl::StrCat("call-", i), absl::StrCat("event ", i)));
    }
    for (const auto& result : AppendAll(engine_->log(), std::move(events))) {
      ASSERT_TRUE(result.ok()) << result.status();
    }
  }
  // Asks and waits until that is durable.
  std::vector<SettleException> Settle(const QueuePtr& queue, SettleRequest request) {
    absl::Notification settled;
    std::vector<SettleException> exceptions;
    request.consumer_name = "consumer";
    queue->Settle(std::move(request), [&](std::vector<SettleException> result) {
      exceptions = std::move(result);
      settled.Notify();
    });
    settled.WaitForNotification();
    return exceptions;
  }
  std::vector<SettleException> Ack(const QueuePtr& queue, const std::vector<std::string>& ids) {
    SettleRequest request;
    request.delivery_ids = ids;
    return Settle(queue, std::move(request));
  }
  std::vector<SettleException> Nack(const QueuePtr& queue, const std::vector<std::string>& ids,
                                    SettleRequest::Action action, const std::string& reason = "",
                                    std::optional<absl::Duration> delay = std::nullopt) {
    SettleRequest request;
    request.action = action;
    request.delivery_ids = ids;
    request.reason = reason;
    request.delay = delay;
    return Settle(queue, std::move(request));
  }
  template <typename Result>
  Result Await(std::function<void(std::function<void(absl::StatusOr<Result>)>)> start) {
    absl::Notification answered;
    Result answer;
    start([&](absl::StatusOr<Result> result) {
      EXPECT_TRUE(result.ok()) << result.status();
      if (result.ok()) answer = *std::move(result);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }
  std::vector<DeadLetter> DeadLetters(const QueuePtr& queue) {
    return Await<std::vector<DeadLetter>>(
        [&](auto done) { queue->ListDeadLetters(0, ReadLimits(), std::move(done)); });
  }
  DeadLetterOutcome RedriveAll(const QueuePtr& queue) {
    return Await<DeadLetterOutcome>([&](auto done) {
      queue->Redrive({true, {}}, std::move(done));
    });
  }
  v1::SubscriptionTimeline Timeline(const QueuePtr& queue, Sequence sequence) {
    return Await<v1::SubscriptionTimeline>(
        [&](auto done) { queue->FindTimeline(sequence, std::move(done)); });
  }
  static std::vector<v1::TimelineEntry::Kind> Kinds(const v1::SubscriptionTimeline& timeline) {
    std::vector<v1::TimelineEntry::Kind> kinds;
    for (const v1::TimelineEntry& entry : timeline.entries()) kinds.push_back(entry.kind());
    return kinds;
  }
  // Waits for what the store does by itself a moment later.
  template <typename Condition>
  void Until(Condition condition) {
    absl::Mutex mutex;
    absl::CondVar never;
    absl::MutexLock lock(&mutex);
    while (!condition()) never.WaitWithTimeout(&mutex, absl::Milliseconds(2));
  }

  std::unique_ptr<Engine> engine_ = GetParam().make();
};

TEST_P(SubscriptionQueueContract, Q1_ANewSubscriptionBeginsWithTheOldestEvent) {
  AppendNumbered(1, 3);
  TestConsumer consumer(Queue());
  EXPECT_THAT(Sequences(consumer.Take(3)), ElementsAre(1, 2, 3));
}

TEST_P(SubscriptionQueueContract, Q1_OneThatBeginsWithTheLatestOwesOnlyWhatComes) {
  AppendNumbered(1, 3);
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_LATEST);
  const auto queue = engine_->store().FindOrCreateQueue("late", spec);
  ASSERT_TRUE(queue.ok()) << queue.status();
  AppendNumbered(4, 4);
  TestConsumer consumer(*queue);
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(4));
}

TEST_P(SubscriptionQueueContract, Q1_AWaitingConsumerIsToldOfANewEvent) {
  TestConsumer consumer(Queue());
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  AppendNumbered(1, 1);
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.PullOnce().leases), ElementsAre(1));
}

TEST_P(SubscriptionQueueContract, Q1_WhatIsNotSettledComesAgainAfterACrash) {
  AppendNumbered(1, 4);
  {
    const QueuePtr queue = Queue();
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.Take(4);
    EXPECT_THAT(Ack(queue, {leases[1].delivery_id, leases[3].delivery_id}), IsEmpty());
  }
  engine_->Crash();
  TestConsumer consumer(Queue());
  EXPECT_THAT(Sequences(consumer.Take(2)), ElementsAre(1, 3));
  EXPECT_TRUE(consumer.PullOnce().at_tail);
}

TEST_P(SubscriptionQueueContract, Q2_WhatIsSettledNeverComesAgain) {
  AppendNumbered(1, 600);
  for (int round = 0; round < 6; ++round) {
    const QueuePtr queue = Queue();
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.Take(100);
    ASSERT_EQ(leases.front().event->sequence, round * 100 + 1);
    // One by one, so that the journal grows.
    for (const Lease& lease : leases) ASSERT_THAT(Ack(queue, {lease.delivery_id}), IsEmpty());
    consumer.Leave();
    if (round % 2 == 0) {
      engine_->Crash();
    } else {
      engine_->Restart();
    }
  }
  EXPECT_EQ(Queue()->Stats().backlog_events, 0);
}

TEST_P(SubscriptionQueueContract, WhatIsSettledIsKnownToBeForwardedAfterACrash) {
  AppendNumbered(1, 2);
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_LATEST);
  const auto queue = engine_->store().FindOrCreateQueue("late", spec);
  ASSERT_TRUE(queue.ok()) << queue.status();
  AppendNumbered(3, 6);
  TestConsumer consumer(*queue);
  const std::vector<Lease> leases = consumer.Take(4);
  EXPECT_THAT(Ack(*queue, {leases[0].delivery_id, leases[3].delivery_id}), IsEmpty());
  consumer.Leave();
  engine_->Crash();
  // Not what lies before its start, nor what it was handed and did not settle.
  EXPECT_EQ(engine_->log().ForwardedAtOpen().at("subscription/late").ToText(), "3,6");
}

TEST_P(SubscriptionQueueContract, Q2_SettlingTwiceDoesNoHarm) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(Ack(queue, {ids[0], ids[0]}), IsEmpty());
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Stats().outstanding_events, 0);
}

TEST_P(SubscriptionQueueContract, Q3_AnEventIsWithOneConsumerAtATime) {
  const QueuePtr queue = Queue();
  TestConsumer a(queue);
  TestConsumer b(queue);
  AppendNumbered(1, 10);
  std::vector<Sequence> all = Sequences(a.Take(4));
  for (const Sequence sequence : Sequences(b.Take(6))) all.push_back(sequence);
  EXPECT_EQ(std::set<Sequence>(all.begin(), all.end()).size(), 10);
  EXPECT_THAT(a.PullOnce().leases, IsEmpty());
}

TEST_P(SubscriptionQueueContract, Q4_WhatAConsumerHeldGoesToAnother) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  first.Take(3);
  TestConsumer second(queue);
  EXPECT_THAT(second.PullOnce().leases, IsEmpty());
  first.Leave();
  second.WaitUntilReady();
  const std::vector<Lease> again = second.PullOnce().leases;
  EXPECT_THAT(Sequences(again), ElementsAre(1, 2, 3));
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
}

TEST_P(SubscriptionQueueContract, Q5_WhatComesAgainComesBeforeWhatIsNew) {
  AppendNumbered(1, 4);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  first.Take(2);
  first.Leave();
  TestConsumer second(queue);
  EXPECT_THAT(Sequences(second.Take(4)), ElementsAre(1, 2, 3, 4));
}

TEST_P(SubscriptionQueueContract, Q6_AConsumerHoldsNoMoreThanItsLimit) {
  AppendNumbered(1, 5);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue, {2, 1 << 20});
  const std::vector<Lease> leases = consumer.Take(2);
  const PullResult full = consumer.PullOnce();
  EXPECT_THAT(full.leases, IsEmpty());
  EXPECT_FALSE(full.has_credit);
  EXPECT_THAT(Ack(queue, {leases[0].delivery_id}), IsEmpty());
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.PullOnce().leases), ElementsAre(3));
}

TEST_P(SubscriptionQueueContract, Q6_OneEventIsLetThroughWhateverItsSize) {
  AppendNumbered(1, 2);
  TestConsumer consumer(Queue(), {10, 1});
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(1));
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
}

TEST_P(SubscriptionQueueContract, Q6_ALimitThatIsRaisedTakesEffectAtOnce) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue, {1, 1 << 20});
  consumer.Take(1);
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  queue->SetLimits(consumer.id(), {3, 1 << 20});
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.PullOnce().leases), ElementsAre(2, 3));
}

TEST_P(SubscriptionQueueContract, Q8_ADeliveryIdSettlesFromAnotherConsumer) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  const std::vector<std::string> ids = Ids(first.Take(1));
  first.Leave();
  TestConsumer second(queue);
  second.Take(1);
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_P(SubscriptionQueueContract, Q8_ADeliveryIdSettlesAfterARestart) {
  AppendNumbered(1, 3);
  std::vector<std::string> ids;
  {
    TestConsumer consumer(Queue());
    ids = Ids(consumer.Take(3));
  }
  engine_->Crash();
  const QueuePtr queue = Queue();
  EXPECT_THAT(Ack(queue, {ids[0], ids[2]}), IsEmpty());
  TestConsumer consumer(queue);
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(2));
  EXPECT_TRUE(consumer.PullOnce().at_tail);
}

TEST_P(SubscriptionQueueContract, IdsOfOtherSubscriptionsAndForgedOnesAreUnknown) {
  AppendNumbered(1, 2);
  const QueuePtr crm = Queue("crm");
  const QueuePtr billing = Queue("billing");
  TestConsumer consumer(crm);
  const std::vector<std::string> ids = Ids(consumer.Take(2));
  const std::vector<SettleException> exceptions =
      Ack(billing, {ids[0], "", "nonsense", ids[1] + "x", std::string(5000, '1')});
  EXPECT_EQ(exceptions.size(), 5);
  for (const SettleException& exception : exceptions) {
    EXPECT_EQ(exception.error, SettleError::kUnknown);
  }
  EXPECT_EQ(billing->Stats().backlog_events, 2);
  const std::string beyond = ids[1].substr(0, 17) + "99-1";
  EXPECT_EQ(Ack(crm, {ids[0], beyond}).size(), 1);
  EXPECT_EQ(crm->Stats().backlog_events, 1);
}

TEST_P(SubscriptionQueueContract, SubscriptionsDoNotTouchOneAnother) {
  AppendNumbered(1, 2);
  const QueuePtr crm = Queue("crm");
  TestConsumer a(crm);
  TestConsumer b(Queue("billing"));
  EXPECT_THAT(Ack(crm, Ids(a.Take(2))), IsEmpty());
  EXPECT_THAT(Sequences(b.Take(2)), ElementsAre(1, 2));
}

TEST_P(SubscriptionQueueContract, ASubscriptionExistsAfterACrash) {
  Queue("crm");
  engine_->Crash();
  EXPECT_TRUE(engine_->store().FindQueue("crm").ok());
  EXPECT_EQ(engine_->store().FindQueue("billing").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(SubscriptionQueueContract, CreatingAgainWithAnotherSpecificationIsRefused) {
  const QueuePtr queue = Queue("crm");
  v1::SubscriptionSpec spec;
  EXPECT_EQ(*engine_->store().FindOrCreateQueue("crm", spec), queue);
  spec.set_max_unacked_events(5);
  EXPECT_EQ(engine_->store().FindOrCreateQueue("crm", spec).status().code(),
            absl::StatusCode::kFailedPrecondition);
  spec.set_max_unacked_events(0);
  EXPECT_EQ(engine_->store().FindOrCreateQueue("new", spec).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// ------------------------------------------------------------- deadlines, nacks, dead letters

TEST_P(SubscriptionQueueContract, Q9_WhatIsNotSettledInTimeComesAgain) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  EXPECT_EQ(consumer.Take(1)[0].ack_deadline, absl::Seconds(30));
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  engine_->clock().Advance(absl::Seconds(31));
  Until([&] { return queue->Stats().outstanding_events == 0; });
  engine_->clock().Advance(absl::Seconds(3));
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED);
}

TEST_P(SubscriptionQueueContract, Q9_AnExtensionMovesTheDeadline) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(queue->Extend(ids, absl::Minutes(10)), IsEmpty());
  engine_->clock().Advance(absl::Minutes(9));
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Extend(ids, absl::Minutes(1))[0].error, SettleError::kStale);
  EXPECT_EQ(queue->Stats().redeliveries, 0);
}

TEST_P(SubscriptionQueueContract, ANackedEventComesAgainWithItsAttemptsCountedAlsoAfterACrash) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(Nack(queue, ids, SettleRequest::Action::kRetry, "busy", absl::Minutes(5)), IsEmpty());
  EXPECT_EQ(Nack(queue, ids, SettleRequest::Action::kRetry)[0].error, SettleError::kStale);
  consumer.Leave();
  engine_->Crash();
  TestConsumer later(Queue());
  EXPECT_THAT(later.PullOnce().leases, IsEmpty());
  engine_->clock().Advance(absl::Minutes(6));
  EXPECT_EQ(later.Take(1)[0].attempt, 2);
}

TEST_P(SubscriptionQueueContract, AReleasedEventCountsNothing) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  EXPECT_THAT(Nack(queue, Ids(consumer.Take(1)), SettleRequest::Action::kRelease), IsEmpty());
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_RELEASED);
}

TEST_P(SubscriptionQueueContract, Q10_AnEventIsParkedWhenAttemptsAndRetryTimeAreUsedUp) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(2);
  spec.mutable_minimum_retry_time()->set_seconds(60);
  AppendNumbered(1, 2);
  QueuePtr queue = Queue("poisoned", spec);
  TestConsumer consumer(queue, {1, 1 << 20});
  const auto fail = [&] {
    const std::vector<Lease> leases = consumer.Take(1);
    EXPECT_EQ(leases[0].event->sequence, 1);
    Nack(queue, {leases[0].delivery_id}, SettleRequest::Action::kRetry, "cannot", absl::Seconds(0));
  };
  fail();
  fail();  // attempts are used up, but not the time
  engine_->clock().Advance(absl::Seconds(61));
  fail();
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(2));
  const std::vector<DeadLetter> letters = DeadLetters(queue);
  ASSERT_EQ(letters.size(), 1);
  EXPECT_EQ(letters[0].event->event, "event 1");
  EXPECT_EQ(letters[0].detail, "cannot");
  EXPECT_EQ(letters[0].attempts, 3);
  EXPECT_EQ(letters[0].reason, v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(queue->Stats().backlog_events, 1);
}

TEST_P(SubscriptionQueueContract, Q10_AParkedEventIsRedrivenAndItsDeadLetterGoesWithItsAck) {
  AppendNumbered(1, 3);
  QueuePtr queue = Queue();
  {
    TestConsumer consumer(queue);
    const std::vector<std::string> ids = Ids(consumer.Take(3));
    EXPECT_THAT(Nack(queue, {ids[1]}, SettleRequest::Action::kPark, "no such customer"), IsEmpty());
    EXPECT_THAT(Ack(queue, {ids[0], ids[2]}), IsEmpty());
  }
  engine_->Crash();
  queue = Queue();
  EXPECT_EQ(queue->Stats().dead_letters, 1);
  EXPECT_EQ(queue->Stats().backlog_events, 0);
  EXPECT_EQ(RedriveAll(queue).done, 1);
  engine_->Crash();
  queue = Queue();
  EXPECT_EQ(queue->Stats().backlog_events, 1);
  TestConsumer consumer(queue);
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].event->event, "event 2");
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_THAT(Ack(queue, Ids(again)), IsEmpty());
  EXPECT_THAT(DeadLetters(queue), IsEmpty());
  using Entry = v1::TimelineEntry;
  const v1::SubscriptionTimeline timeline = Timeline(queue, 2);
  EXPECT_EQ(timeline.state(), v1::SubscriptionTimeline::STATE_ACKED);
  EXPECT_THAT(Kinds(timeline),
              ElementsAre(Entry::KIND_NACKED, Entry::KIND_PARKED, Entry::KIND_REDRIVEN,
                          Entry::KIND_DELIVERED, Entry::KIND_ACKED));
  engine_->Crash();
  EXPECT_EQ(Queue()->Stats().backlog_events, 0);
}

TEST_P(SubscriptionQueueContract, DeadLettersThatAreDiscardedAreGone) {
  AppendNumbered(1, 2);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  Nack(queue, Ids(consumer.Take(2)), SettleRequest::Action::kPark);
  const std::vector<DeadLetter> letters = DeadLetters(queue);
  ASSERT_EQ(letters.size(), 2);
  const auto outcome = Await<DeadLetterOutcome>([&](auto done) {
    queue->Discard({false, {letters[0].id, 999}}, std::move(done));
  });
  EXPECT_EQ(outcome.done, 1);
  EXPECT_THAT(outcome.unknown, ElementsAre(999));
  EXPECT_EQ(DeadLetters(queue).size(), 1);
  EXPECT_EQ(queue->Stats().dead_letters, 1);
}

TEST_P(SubscriptionQueueContract, Q4_AnEventWhoseConsumersAreLostGoesAloneAndCountsInTheEnd) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(2);
  spec.mutable_minimum_retry_time()->set_seconds(0);
  AppendNumbered(1, 2);
  const QueuePtr queue = Queue("deadly", spec);
  for (int lost = 0; lost < 3; ++lost) {
    TestConsumer victim(queue);
    EXPECT_EQ(victim.Take(2)[0].attempt, 1);
  }
  // From here on each event goes alone, and the first kills whoever gets it.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    TestConsumer victim(queue);
    EXPECT_EQ(victim.Take(1)[0].attempt, attempt);
    EXPECT_THAT(victim.PullOnce().leases, IsEmpty());
    victim.Leave();
    TestConsumer other(queue);
    if (attempt == 1) {
      EXPECT_THAT(Ack(queue, Ids(other.Take(1))), IsEmpty());
    }
    engine_->clock().Advance(absl::Seconds(3));
  }
  Until([&] { return queue->Stats().dead_letters == 1; });
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

// ---------------------------------------------------------- filters, seeks, administration, time

v1::SubscriptionSpec WantsServiceNo(const std::string& service_no) {
  v1::SubscriptionSpec spec;
  spec.mutable_filter()->add_service_nos(service_no);
  return spec;
}

NewEvent EventOfService(const std::string& call, const std::string& service_no) {
  v1::ReleaseEvent event;
  event.set_call_serial_no(call);
  event.set_service_no(service_no);
  NewEvent made = MakeEvent(call);
  made.event = event.SerializeAsString();
  return made;
}

TEST_P(SubscriptionQueueContract, WhatTheFilterExcludesIsSettledAlsoWithoutConsumers) {
  const QueuePtr queue = Queue("sales", WantsServiceNo("1"));
  AppendOne(engine_->log(), EventOfService("a", "2"));
  AppendOne(engine_->log(), EventOfService("b", "1"));
  AppendOne(engine_->log(), EventOfService("c", "2"));
  Until([&] { return queue->Stats().floor == 1; });
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, Ids(consumer.Take(1))), IsEmpty());
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  Until([&] { return queue->Stats().backlog_events == 0; });
  EXPECT_TRUE(queue->IsSettled(3));
  EXPECT_EQ(Timeline(queue, 1).state(), v1::SubscriptionTimeline::STATE_FILTERED);
}

TEST_P(SubscriptionQueueContract, ASeekBackDeliversAgainAndMakesOldIdsUnknown) {
  AppendNumbered(1, 3);
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(3));
  EXPECT_THAT(Ack(queue, {ids[0], ids[1]}), IsEmpty());
  ASSERT_TRUE(engine_->store().Seek("crm", 1).ok());
  EXPECT_EQ(Ack(queue, {ids[2]})[0].error, SettleError::kUnknown);
  const std::vector<Lease> again = consumer.Take(2);
  EXPECT_THAT(Sequences(again), ElementsAre(2, 3));
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_SEEK);
  EXPECT_THAT(Ack(queue, {again[0].delivery_id}), IsEmpty());
  consumer.Leave();
  engine_->Crash();
  TestConsumer later(Queue());
  EXPECT_THAT(Sequences(later.Take(1)), ElementsAre(3));
}

TEST_P(SubscriptionQueueContract, ASeekForwardPassesOverWhatLiesBetween) {
  AppendNumbered(1, 5);
  ASSERT_EQ(Queue()->Stats().backlog_events, 5);
  ASSERT_TRUE(engine_->store().Seek("crm", 4).ok());
  engine_->Crash();
  TestConsumer consumer(Queue());
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(5));
  EXPECT_EQ(Timeline(Queue(), 2).state(), v1::SubscriptionTimeline::STATE_SKIPPED);
  EXPECT_EQ(engine_->store().Seek("crm", 6).code(), absl::StatusCode::kOutOfRange);
}

TEST_P(SubscriptionQueueContract, APausedSubscriptionDeliversNothingUntilItIsResumed) {
  AppendNumbered(1, 1);
  Queue();
  ASSERT_TRUE(engine_->store().SetPaused("crm", true).ok());
  engine_->Crash();
  TestConsumer consumer(Queue());
  const PullResult pulled = consumer.PullOnce();
  EXPECT_THAT(pulled.leases, IsEmpty());
  EXPECT_FALSE(pulled.at_tail);
  ASSERT_TRUE(engine_->store().SetPaused("crm", false).ok());
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(1));
}

TEST_P(SubscriptionQueueContract, AnUpdateKeepsThePositionAndADeletionTellsTheConsumers) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(2));
  EXPECT_THAT(Ack(queue, {ids[0]}), IsEmpty());
  v1::SubscriptionSpec spec;
  spec.mutable_ack_deadline()->set_seconds(7);
  ASSERT_TRUE(engine_->store().UpdateSubscription("crm", spec).ok());
  EXPECT_EQ(consumer.Take(1)[0].ack_deadline, absl::Seconds(7));
  EXPECT_EQ(queue->Stats().backlog_events, 2);
  ASSERT_TRUE(engine_->store().DeleteSubscription("crm").ok());
  consumer.AwaitDeletion();
  EXPECT_EQ(Ack(queue, {ids[1]})[0].error, SettleError::kUnknown);
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  engine_->Crash();
  EXPECT_FALSE(engine_->store().FindQueue("crm").ok());
}

TEST_P(SubscriptionQueueContract, DeclaredSubscriptionsBelongToTheSettings) {
  ASSERT_TRUE(engine_->store().Declare({{"crm", {}}, {"billing", {}}}).ok());
  EXPECT_EQ(engine_->store().DeleteSubscription("crm").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->store().UpdateSubscription("crm", {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  engine_->Crash();
  ASSERT_TRUE(engine_->store().Declare({{"crm", {}}}).ok());
  EXPECT_TRUE(engine_->store().GetSubscription("crm")->declared);
  EXPECT_FALSE(engine_->store().GetSubscription("billing")->declared);
}

TEST_P(SubscriptionQueueContract, AnUnusedSubscriptionExpires) {
  Queue();
  engine_->clock().Advance(absl::Hours(30 * 24));
  EXPECT_TRUE(engine_->store().FindQueue("crm").ok());
  engine_->clock().Advance(absl::Hours(2 * 24));
  Until([&] { return !engine_->store().FindQueue("crm").ok(); });
}

TEST_P(SubscriptionQueueContract, TheBacklogLimitGivesUpTheOldestAndCountsThem) {
  v1::SubscriptionSpec spec;
  spec.mutable_backlog_limit()->set_bytes(3 * 7);  // three events of "event N"
  AppendNumbered(1, 9);
  QueuePtr queue = Queue("limited", spec);
  Until([&] { return queue->Stats().dropped_by_limit == 6; });
  EXPECT_EQ(queue->Stats().backlog_events, 3);
  Until([&] {
    return Timeline(queue, 1).state() == v1::SubscriptionTimeline::STATE_DROPPED_BY_LIMIT;
  });
  engine_->Restart();
  EXPECT_EQ(Queue("limited", spec)->Stats().dropped_by_limit, 6);
}

TEST_P(SubscriptionQueueContract, P8_RetentionRemovesWhatNobodyIsOwedAndKnowsRepeatsOfIt) {
  engine_->retention_age = absl::Hours(1);
  engine_->Restart();
  AppendNumbered(1, 5);  // of long ago
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(5));
  EXPECT_THAT(Ack(queue, {ids[0], ids[1], ids[3]}), IsEmpty());
  engine_->clock().Advance(absl::Seconds(2));
  Until([&] { return engine_->log().first() == 3; });
  EXPECT_THAT(Contents(ReadPage(engine_->log(), 2).events),
              ElementsAre("event 3", "event 4", "event 5"));
  const AppendResult repeat = AppendOne(engine_->log(), MakeEvent("call-1", "event 1"));
  EXPECT_TRUE(repeat.duplicate);
  EXPECT_EQ(repeat.sequence, 1);
  consumer.Leave();
  engine_->Crash();
  EXPECT_EQ(engine_->log().first(), 3);
  EXPECT_EQ(engine_->log().last(), 5);
  TestConsumer later(Queue());
  EXPECT_THAT(Sequences(later.Take(2)), ElementsAre(3, 5));
}

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionQueueContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
