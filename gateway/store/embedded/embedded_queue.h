#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/event_log.h"
#include "gateway/store/subscription_queue.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// The SubscriptionQueue of the embedded engines: the pure state machine, with the log's events on
// one side and the commit queue on the other.
//
// What is settled reaches the disk as rows of a journal, one for each consumer and commit; the
// floor and what is settled above it are saved beside it every now and then, so that opening reads
// little.
class EmbeddedQueue final : public SubscriptionQueue {
 public:
  // All but `record` must outlive the queue.
  EmbeddedQueue(SubscriptionRecord record, EventLog* event_log, CommitQueue* commits,
                const Clock* clock, const Log* log);

  const std::string& name() const override { return record_.name; }
  ConsumerId Attach(const std::string& consumer_name, ConsumerLimits limits, Ready ready) override;
  void Detach(ConsumerId consumer) override;
  void SetLimits(ConsumerId consumer, ConsumerLimits limits) override;
  PullResult Pull(ConsumerId consumer, ReadLimits limits) override;
  void Ack(const std::vector<std::string>& delivery_ids, const std::string& consumer_name,
           SettleDone done) override;
  QueueStats Stats() const override;

  // --- for the store that owns it

  const v1::SubscriptionSpec& spec() const { return record_.spec; }
  // To be called when the log grew.
  void TailGrew();

 private:
  class SettleOperation;

  enum class Waiting { kNo, kForEvents, kForCredit };
  struct Consumer {
    std::string name;
    Waiting waiting = Waiting::kNo;
    std::shared_ptr<Ready> ready;
  };
  struct SettleRequest {
    std::vector<Sequence> sequences;  // those that were begun
    std::vector<size_t> indexes;      // of each in the request
    std::vector<SettleException> exceptions;
    std::string consumer_name;
    SettleDone done;
  };
  // Calls collected under the lock, to be made without it.
  using ReadyCalls = std::vector<std::shared_ptr<Ready>>;

  // Leases what is in memory. Returns what must be read before more can be leased, if anything.
  std::optional<SubscriptionState::Next> LeaseWhatIsHere(ConsumerId consumer, ReadLimits limits,
                                                         PullResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The event to be handed out next, if it is in memory.
  LogEventPtr EventOf(const SubscriptionState::Next& next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads the event that comes next, and if it is fresh a page of those behind it.
  void Read(const SubscriptionState::Next& next, ReadLimits limits) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeWaitingForEvents(ReadyCalls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeWaitingForCredit(ConsumerId consumer, ReadyCalls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What was asked for until now, for one operation to write or to refuse.
  std::vector<SettleRequest> TakePending() ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes the journal rows of `requests`. By the thread that writes.
  absl::Status WriteSettlements(const std::vector<SettleRequest>& requests, Storage& storage);
  // Keeps what WriteSettlements counted, or forgets it. By the same thread.
  void FinishJournal(const absl::Status& status);
  // Answers `requests`. By any thread.
  void FinishSettlements(std::vector<SettleRequest> requests, const absl::Status& status);
  // Whether there is something to hand out.
  bool OwesSomething() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SubscriptionRecord record_;  // as it was opened
  EventLog* const event_log_;
  CommitQueue* const commits_;
  const Clock* const clock_;
  const Log* const log_;

  mutable absl::Mutex mutex_;
  SubscriptionState state_ ABSL_GUARDED_BY(mutex_);
  ConsumerId next_consumer_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<ConsumerId, Consumer> consumers_ ABSL_GUARDED_BY(mutex_);
  std::deque<ConsumerId> waiting_for_events_ ABSL_GUARDED_BY(mutex_);  // longest first
  // Events that are leased or returned.
  absl::flat_hash_map<Sequence, LogEventPtr> held_ ABSL_GUARDED_BY(mutex_);
  std::deque<LogEventPtr> fresh_ ABSL_GUARDED_BY(mutex_);  // read ahead, in order
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_failed_ ABSL_GUARDED_BY(mutex_) = false;  // the last one

  std::vector<SettleRequest> pending_ ABSL_GUARDED_BY(mutex_);
  bool settle_queued_ ABSL_GUARDED_BY(mutex_) = false;  // an operation will take pending_

  // The thread that writes only.
  int64_t journal_id_;
  int64_t journal_id_in_transaction_;
  int64_t saved_journal_id_;
  int64_t saved_in_transaction_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_
