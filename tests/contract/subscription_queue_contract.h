#ifndef ONHOOK_TESTS_CONTRACT_SUBSCRIPTION_QUEUE_CONTRACT_H_
#define ONHOOK_TESTS_CONTRACT_SUBSCRIPTION_QUEUE_CONTRACT_H_

// The words of the suites that hold every engine to subscription_queue.h.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/contract/engine.h"

namespace onhook {

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
      MarkWritten(pulled);
      for (Lease& lease : pulled.leases) taken.push_back(std::move(lease));
      if (pulled.leases.empty()) WaitUntilReady();
    }
    return taken;
  }
  PullResult PullOnce() {
    PullResult pulled = queue_->Pull(id_, {});
    MarkWritten(pulled);
    return pulled;
  }

  // Whether it comes to the tail, which an engine may learn later, without another event.
  bool ReachesTail() {
    while (true) {
      const PullResult pulled = PullOnce();
      if (pulled.at_tail || !pulled.leases.empty()) return pulled.leases.empty();
    }
  }

  void WaitUntilReady() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&ready_));
    ready_ = false;
  }

  ConsumerId id() const { return id_; }

 private:
  void MarkWritten(const PullResult& pulled) {
    std::vector<WrittenEvent> written;
    for (const Lease& lease : pulled.leases) {
      written.push_back(WrittenEvent::Of(lease));
    }
    queue_->MarkWritten(id_, written);
  }

  const QueuePtr queue_;
  ConsumerId id_ = 0;
  absl::Notification deleted_;
  absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
};

// Waits for what the store does by itself a moment later.
template <typename Condition>
void Until(Condition condition) {
  absl::Mutex mutex;
  absl::CondVar never;
  absl::MutexLock lock(&mutex);
  while (!condition()) never.WaitWithTimeout(&mutex, absl::Milliseconds(2));
}

inline std::vector<Sequence> Sequences(const std::vector<Lease>& leases) {
  std::vector<Sequence> sequences;
  for (const Lease& lease : leases) sequences.push_back(lease.event->sequence);
  return sequences;
}

inline std::vector<std::string> Ids(const std::vector<Lease>& leases) {
  std::vector<std::string> ids;
  for (const Lease& lease : leases) ids.push_back(lease.delivery_id);
  return ids;
}

class SubscriptionQueueContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    if (const std::string missing = engine_->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  }
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
  std::unique_ptr<Engine> engine_ = GetParam().make();
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CONTRACT_SUBSCRIPTION_QUEUE_CONTRACT_H_
