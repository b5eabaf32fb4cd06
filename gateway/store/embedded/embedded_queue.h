#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/event/event_filter.h"
#include "gateway/store/consumer_line.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/embedded_log.h"
#include "gateway/store/embedded/queue_counters.h"
#include "gateway/store/embedded/queue_pages.h"
#include "gateway/store/embedded/reading_thread.h"
#include "gateway/store/embedded/recent_deliveries.h"
#include "gateway/store/embedded/settlement_batch.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/store.h"
#include "gateway/store/subscription_queue.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// What every queue works with. All of it outlives the queues.
struct QueueEnvironment {
  Storage* storage = nullptr;
  EmbeddedLog* event_log = nullptr;
  CommitQueue* commits = nullptr;
  ReadingThread* reader = nullptr;
  const Clock* clock = nullptr;
  const CautiousClock* cautious_clock = nullptr;  // for what is given up for its age
  const Log* log = nullptr;
  int64_t openings = 1;  // of the storage; makes lease numbers grow over restarts
  // Store::SettledListener; set before the first append.
  const std::vector<Store::SettledListener>* settled_listeners = nullptr;
};

// The SubscriptionQueue of the embedded engines: the pure state machine, with the log's events on
// one side and the commit queue on the other.
//
// What is asked of it is begun in the state under the lock, written by one operation for all that
// waits, and finished in the state when that is durable. What is settled reaches the disk as runs;
// the floor is saved beside them every now and then, so that opening reads little.
class EmbeddedQueue final : public SubscriptionQueue,
                            public std::enable_shared_from_this<EmbeddedQueue> {
 public:
  EmbeddedQueue(SubscriptionRecord record, const QueueEnvironment* environment);

  const std::string& name() const override { return name_; }
  ConsumerId Attach(ConsumerOptions options, ConsumerCallbacks callbacks) override;
  void Detach(ConsumerId consumer, Departure departure) override;
  void SetLimits(ConsumerId consumer, ConsumerLimits limits) override;
  PullResult Pull(ConsumerId consumer, ReadLimits limits) override;
  void MarkWritten(ConsumerId consumer, const std::vector<WrittenEvent>& events) override;
  void Settle(const SettleRequest& request, SettleDone done) override;
  std::vector<SettleException> Extend(const std::vector<std::string>& delivery_ids,
                                      absl::Duration ack_deadline) override;
  QueueStats Stats() const override;
  QueueCounts Counts() const override { return counters_.Read(); }
  bool IsSettled(Sequence sequence) const override;
  bool Excludes(
      const v1::ReleaseEvent& event) const override;  // quick to say that it has no filter
  void FindTimeline(Sequence sequence, Done<v1::SubscriptionTimeline> done) override;
  void ListDeadLetters(int64_t after, ReadLimits limits,
                       Done<std::vector<DeadLetter>> done) override;
  void Redrive(DeadLetterSelection selection, Done<DeadLetterOutcome> done) override;
  void Discard(DeadLetterSelection selection, Done<DeadLetterOutcome> done) override;

  // --- for the store that owns it

  // The subscription as it is now, without what other rows tell.
  SubscriptionRecord record() const;
  // Everything up to here is settled in the log.
  Sequence floor() const;
  // The log grew.
  void TailGrew();
  // Does what time has made due. To be called every now and then.
  void Tick();
  // What no consumer used for so long is to be deleted; nothing: it is in use, or stays for ever.
  std::optional<absl::Duration> UnusedBeyondLimit() const;

  // Changes that are durable already. Deliveries and position stay.
  void Apply(const v1::SubscriptionSpec& spec, SubscriptionRecord::Origin origin);
  void ApplyPaused(bool paused);
  // Within the transaction: writes a seek. Nothing happens if `after` is out of range: false.
  absl::StatusOr<bool> WriteSeek(Sequence after, Storage& storage);
  // It is durable.
  void ApplySeek();
  // The subscription is no more.
  void ApplyDeletion();
  // Its dead letter is no more.
  void ForgetDeadLetter(Sequence sequence);

 private:
  class SettleOperation;

  // Something to be written and then finished.
  struct Wish {
    std::vector<SubscriptionState::Decision> decisions;
    std::vector<size_t> indexes;                                 // of each in its request
    SettleRequest::Action action = SettleRequest::Action::kAck;  // of the request
    size_t asked = 0;                                            // deliveries that it named
    std::vector<SettleException> exceptions;
    std::string consumer_name;
    std::string reason;
    SettleDone done;  // null: nobody asked
  };
  // Settled without anybody's request, in state_ already.
  struct Unrequested {
    SequenceSet excluded;
    SequenceSet dropped;
    bool progress = false;  // the subscription's progress is worth saving
    bool empty() const { return excluded.empty() && dropped.empty() && !progress; }
  };
  // Collected under the lock, to be made without it.
  using Calls = ConsumerLine::Calls;
  // What one operation writes.
  struct Journal {
    std::vector<Wish> wishes;
    Unrequested unrequested;
    SequenceSet processed;
    bool deleted = false;
    // What is to be said when it has been finished.
    int64_t parked = 0;
    Calls calls_first;  // to who waits for events
    Calls calls;        // to who has credit again
  };
  struct DeadLetterChange;
  using ChangePtr = std::shared_ptr<DeadLetterChange>;

  Moment Now() const { return {environment_.clock->Elapsed(), environment_.clock->Now()}; }

  // --- embedded_queue.cc: consumers, handing out, time

  // Leases what is at hand. Returns what must be read before more can be leased, if anything.
  std::optional<SubscriptionState::Next> LeaseWhatIsHere(ConsumerId consumer, ReadLimits limits,
                                                         PullResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  enum class Verdict { kDeliver, kSettled, kMissing };
  // Settles the event if it is excluded or corrupt. `event` stays for as long as the pages do.
  Verdict Judge(const SubscriptionState::Next& next, const LogEventPtr*& event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Wanted(const LogEvent& event) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaseOne(const SubscriptionState::Next& next, const LogEventPtr& event, ConsumerId consumer,
                Moment now, PullResult& result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many events are this consumer's fair part of what there is.
  size_t ShareOf(size_t most) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Settles excluded events while nobody is there to be handed others.
  std::optional<SubscriptionState::Next> ScreenAhead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reads the event, and some of those behind it. reading_ was set.
  void Read(const SubscriptionState::Next& next, ReadLimits limits) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadDone(const SubscriptionState::Next& next, absl::StatusOr<LogPage> page)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadRedriven(const SubscriptionState::Next& next) ABSL_LOCKS_EXCLUDED(mutex_);
  // The page behind the one at hand, for a consumer that reads from disk.
  std::optional<SubscriptionState::Next> ReadAhead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnforceBacklogLimit();
  void Drop(Sequence through) ABSL_LOCKS_EXCLUDED(mutex_);
  // One that waits for events, if there are any for it.
  void WakeOne(Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Those whose credit came back without anybody's settling, such as one that was reserved in vain.
  void WakeWithCredit(Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Call(const Calls& calls) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- embedded_queue_settling.cc: what is asked for, written and finished

  // What an id of a delivery names; nothing: no delivery of this subscription and epoch.
  std::optional<SubscriptionState::Next> Parse(const std::string& delivery_id,
                                               LeaseNumber& lease) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Begin(const SettleRequest& request, size_t index, Wish& wish, Calls& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Failures of a consumer's deliveries.
  void AddWishes(std::vector<SubscriptionState::Decision> decisions)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether an operation must be submitted for what is pending; then it counts as submitted.
  bool MustSubmit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SubmitSettling() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether what is settled gives credit to one who gets nothing until then.
  bool IsWaitedFor(const Wish& wish) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Journal TakePending() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Write(Journal& journal, Storage& storage) ABSL_LOCKS_EXCLUDED(mutex_);
  // The state follows what is durable now, or was refused.
  void Finish(Journal& journal, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Answer(Journal journal, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Its commit failed: whatever is not refused already is to be asked for again.
  static void RefuseTheRest(Wish& wish);

  // --- embedded_queue_administration.cc: timelines, dead letters, changes

  void Change(v1::TimelineEntry::Kind kind, DeadLetterSelection selection,
              Done<DeadLetterOutcome> done);
  // One change at a time, so that none is of what another has just changed.
  void BeginChange(const ChangePtr& change);
  void ChangeNext(const ChangePtr& change);
  // Some off the end of `sequences`: those that have a dead letter still.
  std::vector<Sequence> TakeDeadLetters(std::vector<Sequence>& sequences) const;
  void EndChange(const ChangePtr& change, const absl::Status& status);

  const std::string name_;
  const int64_t id_;
  const int64_t first_epoch_number_;  // when it was opened
  const QueueEnvironment environment_;
  LogThrottle dropping_;
  LogThrottle reading_fails_;
  LogThrottle parking_;
  std::atomic<bool> filtered_{false};  // the filter excludes something
  QueueCounters counters_;

  mutable absl::Mutex mutex_;
  SubscriptionRecord record_ ABSL_GUARDED_BY(mutex_);  // without what other rows tell
  SubscriptionRules rules_ ABSL_GUARDED_BY(mutex_);
  EventFilter filter_ ABSL_GUARDED_BY(mutex_);
  SubscriptionState state_ ABSL_GUARDED_BY(mutex_);
  std::optional<SubscriptionRecord> seek_ ABSL_GUARDED_BY(mutex_);  // written, not yet durable
  bool deleted_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t settled_ ABSL_GUARDED_BY(mutex_) = 0;

  ConsumerLine line_ ABSL_GUARDED_BY(mutex_);
  RecentDeliveries recent_ ABSL_GUARDED_BY(mutex_);
  QueuePages pages_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_failed_ ABSL_GUARDED_BY(mutex_) = false;  // the last one
  absl::Duration limits_enforced_ ABSL_GUARDED_BY(mutex_);

  // Elapsed(), when the last consumer went; or when the store was opened.
  absl::Duration unused_since_ ABSL_GUARDED_BY(mutex_);

  std::deque<ChangePtr> changes_ ABSL_GUARDED_BY(mutex_);  // the first is under way
  std::deque<Wish> pending_ ABSL_GUARDED_BY(mutex_);
  Unrequested unrequested_ ABSL_GUARDED_BY(mutex_);
  bool settle_queued_ ABSL_GUARDED_BY(mutex_) = false;  // an operation will take them

  int commits_since_save_ = 0;  // of the floor; the thread that writes only
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUEUE_H_
