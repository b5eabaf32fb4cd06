// Many threads on one queue at once: for races, and for the promises that no order may break.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

class EmbeddedQueueStressTest : public EmbeddedStoreFixture {
 protected:
  static constexpr int kWriters = 2;
  static constexpr int kEventsOfEach = 400;
  static constexpr int kEvents = kWriters * kEventsOfEach;

  void Write(int writer) {
    for (int i = 0; i < kEventsOfEach; ++i) {
      EXPECT_TRUE(Append(absl::StrCat(writer, " ", i)).ok());
    }
  }

  // Pulls and settles until all is settled; every now and then goes without settling and comes
  // again.
  void Consume(const QueuePtr& queue) {
    std::optional<TestConsumer> consumer(queue);
    for (int round = 1; true; ++round) {
      const PullResult pulled = consumer->Pull({16, 1 << 20});
      Hold(pulled);
      if (pulled.leases.empty()) {
        if (finished_) return;
        consumer->AwaitReady();
      } else if (round % 7 == 0) {
        LetGo(pulled);
        consumer->Detach();
        consumer.emplace(queue);
      } else {
        LetGo(pulled);
        Settle(queue, pulled);
      }
    }
  }

  void Hold(const PullResult& pulled) {
    absl::MutexLock lock(&mutex_);
    for (const Lease& lease : pulled.leases) {
      EXPECT_TRUE(held_.insert(lease.event->sequence).second) << "with two consumers";
      EXPECT_EQ(settled_.count(lease.event->sequence), 0U) << "settled, and came again";
    }
  }
  void LetGo(const PullResult& pulled) {
    absl::MutexLock lock(&mutex_);
    for (const Lease& lease : pulled.leases) held_.erase(lease.event->sequence);
  }
  void Settle(const QueuePtr& queue, const PullResult& pulled) {
    std::vector<std::string> ids;
    for (const Lease& lease : pulled.leases) ids.push_back(lease.delivery_id);
    EXPECT_TRUE(Ack(queue, ids).empty());
    absl::MutexLock lock(&mutex_);
    for (const Lease& lease : pulled.leases) settled_.insert(lease.event->sequence);
  }

  absl::Mutex mutex_;
  std::set<Sequence> held_ ABSL_GUARDED_BY(mutex_);
  std::set<Sequence> settled_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> finished_{false};
};

TEST_F(EmbeddedQueueStressTest, EveryEventIsSettledOnceWhoeverComesAndGoes) {
  options_.tail_bytes = 16 << 10;  // some reads go to the storage
  options_.tick_interval = absl::Milliseconds(5);
  Open();
  const QueuePtr queue = Queue(/*max_unacked_events=*/100);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([this, writer] { Write(writer); });
  }
  for (int i = 0; i < 3; ++i) threads.emplace_back([this, queue] { Consume(queue); });
  {
    const auto all_settled = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return settled_.size() == kEvents;
    };
    absl::MutexLock lock(&mutex_, absl::Condition(&all_settled));
  }
  finished_ = true;
  EXPECT_TRUE(store_->SetPaused("crm", true).ok()) << "wakes whoever waits";
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue->Stats().outstanding_events, 0);
}

}  // namespace
}  // namespace onhook
