#ifndef ONHOOK_TESTS_UNIT_STORE_EMBEDDED_STORE_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_STORE_EMBEDDED_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/embedded/embedded_store.h"
#include "gateway/store/memory/memory_storage.h"
#include "tests/support/manual_clock.h"
#include "tests/support/storage_faults.h"

namespace onhook {

inline NewEvent EventNamed(const std::string& name) {
  NewEvent event;
  event.call_serial_no = name;
  event.source = "default";
  event.digest = std::string(16, 'd');
  event.received_at = absl::FromUnixSeconds(1'645'524'280);
  event.event = absl::StrCat("event ", name);
  return event;
}

inline std::vector<Sequence> SequencesOf(const PullResult& pulled) {
  std::vector<Sequence> sequences;
  for (const Lease& lease : pulled.leases) sequences.push_back(lease.event->sequence);
  return sequences;
}

using QueuePtr = std::shared_ptr<SubscriptionQueue>;

// One consumer of a queue, that counts the calls to its `ready`.
class TestConsumer {
 public:
  TestConsumer(QueuePtr queue, ConsumerLimits limits = {})
      : queue_(std::move(queue)), calls_(std::make_shared<Calls>()) {
    ConsumerCallbacks callbacks;
    callbacks.ready = [calls = calls_] {
      absl::MutexLock lock(&calls->mutex);
      ++calls->count;
    };
    callbacks.deleted = [] {};
    id_ = queue_->Attach({"consumer", limits, std::nullopt}, std::move(callbacks));
  }

  PullResult Pull(ReadLimits limits = {}) {
    PullResult pulled = queue_->Pull(id_, limits);
    std::vector<WrittenEvent> written;
    for (const Lease& lease : pulled.leases) {
      written.push_back(WrittenEvent::Of(lease));
    }
    queue_->MarkWritten(id_, written);
    return pulled;
  }
  // Pulls until something comes, and returns it.
  PullResult PullWhenReady() {
    while (true) {
      PullResult pulled = Pull();
      if (!pulled.leases.empty()) return pulled;
      AwaitReady();
    }
  }
  void Detach() { queue_->Detach(id_, Departure::kLost); }
  void SetLimits(ConsumerLimits limits) { queue_->SetLimits(id_, limits); }

  // Waits for a call to `ready`, and takes it.
  void AwaitReady() {
    const auto called = [this] { return calls_->count > 0; };
    absl::MutexLock lock(&calls_->mutex, absl::Condition(&called));
    --calls_->count;
  }
  int ready_calls() const {
    absl::MutexLock lock(&calls_->mutex);
    return calls_->count;
  }

 private:
  struct Calls {
    absl::Mutex mutex;
    int count = 0;
  };

  const QueuePtr queue_;
  const std::shared_ptr<Calls> calls_;
  ConsumerId id_ = 0;
};

inline SettleRequest AckOf(const std::vector<std::string>& ids) {
  SettleRequest request;
  request.delivery_ids = ids;
  request.consumer_name = "consumer";
  return request;
}

// A store over memory whose storage fails when the test says so. Acks do not linger.
class EmbeddedStoreFixture : public ::testing::Test {
 protected:
  using Call = StorageFaults::Call;

  EmbeddedStoreFixture() {
    options_.commits.linger = absl::ZeroDuration();
    options_.retention.age.reset();            // the events are of long ago
    options_.tick_interval = absl::Hours(24);  // nothing happens by itself
  }

  virtual absl::StatusOr<std::unique_ptr<Storage>> NewStorage() {
    return std::make_unique<MemoryStorage>(disk_);
  }

  // Opens the store, or opens it again on what it left behind.
  void Open() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<Storage>> storage = NewStorage();
    ASSERT_TRUE(storage.ok()) << storage.status();
    auto store = EmbeddedStore::Open(faults_.ApplyTo(*std::move(storage)),
                                     v1::DURABILITY_CLASS_MEMORY, options_, &clock_, &log_,
                                     [this](const absl::Status&) { fatal_.Notify(); });
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::StatusOr<AppendResult> Append(const std::string& name) { return Append(EventNamed(name)); }
  absl::StatusOr<AppendResult> Append(NewEvent event) {
    absl::StatusOr<AppendResult> result;
    absl::Notification done;
    store_->log().Append(std::move(event), [&](const absl::StatusOr<AppendResult>& appended) {
      result = appended;
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(Append(absl::StrCat("call ", store_->log().last() + 1)).ok());
    }
  }

  QueuePtr Queue(int64_t max_unacked_events = 100'000) {
    v1::SubscriptionSpec spec;
    spec.set_max_unacked_events(max_unacked_events);
    const auto queue = store_->FindOrCreateQueue("crm", spec);
    EXPECT_TRUE(queue.ok()) << queue.status();
    return queue.ok() ? *queue : nullptr;
  }

  // What was not settled, as "index:unknown" or "index:retry".
  std::vector<std::string> Ack(const QueuePtr& queue, const std::vector<std::string>& ids) {
    std::vector<std::string> exceptions;
    absl::Notification done;
    queue->Settle(AckOf(ids), [&](const std::vector<SettleException>& result) {
      for (const SettleException& exception : result) {
        exceptions.push_back(absl::StrCat(
            exception.index, exception.error == SettleError::kUnknown ? ":unknown" : ":retry"));
      }
      done.Notify();
    });
    done.WaitForNotification();
    return exceptions;
  }

  absl::StatusOr<LogPage> Read(Sequence after, ReadLimits limits = {}) {
    absl::StatusOr<LogPage> page;
    absl::Notification done;
    store_->log().Read(after, limits, [&](absl::StatusOr<LogPage> result) {
      page = std::move(result);
      done.Notify();
    });
    done.WaitForNotification();
    return page;
  }

  ManualClock clock_;
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kText, [this](absl::string_view line) {
             absl::MutexLock lock(&log_mutex_);
             log_lines_.emplace_back(line);
           }};
  absl::Mutex log_mutex_;
  std::vector<std::string> log_lines_;
  EmbeddedStoreOptions options_;
  StorageFaults faults_;
  absl::Notification fatal_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Store> store_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_EMBEDDED_STORE_FIXTURE_H_
