#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUEUE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/event/event_filter.h"
#include "gateway/store/consumer_line.h"
#include "gateway/store/embedded/queue_counters.h"
#include "gateway/store/embedded/recent_deliveries.h"
#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/pull_consumer.h"
#include "gateway/store/jetstream/snapshot_record.h"
#include "gateway/store/jetstream/state_journal.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/jetstream/subscription_history.h"
#include "gateway/store/store.h"
#include "gateway/store/subscription_queue.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// What every queue works with. All of it outlives the queues' use.
struct JetStreamQueueEnvironment {
  JetStreamApi* api = nullptr;
  const Subjects* subjects = nullptr;
  const JetStreamOptions* options = nullptr;
  EventLog* event_log = nullptr;
  StateJournal* journal = nullptr;
  const Clock* clock = nullptr;
  const CautiousClock* cautious_clock = nullptr;
  const Log* log = nullptr;
  // Set before the first append.
  const std::vector<Store::SettledListener>* settled_listeners = nullptr;
};

// The SubscriptionQueue of JetStream, one in each gateway: the servers' durable consumer says which
// gateway has which event, the pure state machine to which of its streams it is leased, and the
// journal, which all gateways apply in one order, what is settled.
//
// Promises: as SubscriptionQueue, over all gateways. A gateway that ends without a word keeps its
// events from the others for JetStreamOptions::ownership. What is told of consumers and deliveries
// (Stats, Counts, the timeline's deliveries) is this gateway's; what is settled, failed and parked
// is everybody's.
class JetStreamQueue final : public SubscriptionQueue,
                             public std::enable_shared_from_this<JetStreamQueue> {
 public:
  // From the first record of its subject: created, or a snapshot; at `place`. Null: it is neither,
  // or says that the subscription was deleted.
  static std::shared_ptr<JetStreamQueue> FromRecord(int64_t place,
                                                    const jetstream::SubscriptionChanges& changes,
                                                    const JetStreamQueueEnvironment* environment);

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
  bool Excludes(const v1::ReleaseEvent& event) const override;
  void FindTimeline(Sequence sequence, Done<v1::SubscriptionTimeline> done) override;
  void ListDeadLetters(int64_t after, ReadLimits limits,
                       Done<std::vector<DeadLetter>> done) override;
  void Redrive(DeadLetterSelection selection, Done<DeadLetterOutcome> done) override;
  void Discard(DeadLetterSelection selection, Done<DeadLetterOutcome> done) override;

  // --- for the store that owns it

  // The subscription as it is now, without what its state holds.
  SubscriptionRecord record() const;
  // Everything up to here is settled.
  Sequence floor() const;
  // Whether the event was received and dealt with, ever.
  bool HasProcessed(Sequence sequence) const;
  // Whether the journal has told of events behind this one.
  bool KnowsBehind(Sequence sequence) const;
  // Applies a record of the journal. `number`: of this gateway's own write, or 0. True: the
  // subscription is no more.
  bool Apply(int64_t place, const jetstream::SubscriptionChanges& changes, int64_t number);
  // Begins to ask the servers for events. To be called once the journal's beginning is applied.
  void Open();
  void Tick();
  std::optional<absl::Duration> UnusedBeyondLimit() const;
  // The newest event that the servers have given this gateway.
  Sequence seen_through() const;
  // How many messages among the dead letters it refers to.
  int64_t DeadMessages() const;
  // The oldest dead letter's place in its stream; 0: none.
  int64_t OldestDeadLetter() const;
  // Gives up the oldest dead letter, if that is it, because of a limit.
  void DropDeadLetter(int64_t id, std::function<void(bool dropped)> done);
  // The connection broke, or came back: what is here and what arrives is judged anew.
  void Doubt();
  // Gives back what it has, and asks for nothing more.
  void Close();

  // The consumers that a subscription needs: its epoch's, from `after` on, and that of redriven
  // events.
  static ConsumerConfig EventsConsumer(const std::string& name, uint64_t epoch, Sequence after,
                                       const v1::SubscriptionSpec& spec,
                                       const JetStreamQueueEnvironment& environment);
  static ConsumerConfig RedrivenConsumer(const std::string& name,
                                         const JetStreamQueueEnvironment& environment);

 private:
  using Change = jetstream::SubscriptionChange;
  using Decision = SubscriptionState::Decision;

  // An event that the servers gave this gateway.
  struct Held {
    LogEventPtr event;
    std::string ack_subject;       // of its message among the events; empty: none
    std::string redriven_subject;  // of the copy that is redriven; empty: none
  };
  struct Arrival {
    PulledMessage message;
    bool redriven = false;
    int64_t epoch_number = 0;
  };
  // Something to be written and then finished.
  struct Wish {
    std::vector<Decision> decisions;
    std::vector<size_t> indexes;                                 // of each in its request
    SettleRequest::Action action = SettleRequest::Action::kAck;  // of the request
    size_t asked = 0;                                            // deliveries that it named
    std::vector<SettleException> exceptions;
    std::string consumer_name;
    std::string reason;
    SettleDone done;  // null: nobody asked
  };
  // Settled without anybody's request.
  struct Unrequested {
    SequenceSet excluded;
    SequenceSet dropped;
    bool used = false;
    bool empty() const { return excluded.empty() && dropped.empty() && !used; }
  };
  // What one record of the journal says.
  struct Write {
    int64_t number = 0;
    int incarnation = 0;     // of the state that the decisions are of
    int64_t base_epoch = 0;  // the epoch number of that state's epoch 0
    int64_t epoch = 0;       // that state's, for what is unrequested
    std::vector<Wish> wishes;
    Unrequested unrequested;
    std::map<Sequence, int64_t> dead_letters;   // copied by now
    std::map<Sequence, absl::Status> uncopied;  // why
    int copying = 0;
    bool applied = false;
    int64_t parked = 0;
  };
  using WritePtr = std::shared_ptr<Write>;
  // To be done once no lock is held.
  struct Todo {
    ConsumerLine::Calls calls_first;  // to who waits for events
    ConsumerLine::Calls calls;        // to who has credit again
    ConsumerLine::Calls deletions;
    std::vector<std::string> acks;
    std::vector<std::pair<std::string, absl::Duration>> give_back;
    std::vector<std::string> keep;
    std::vector<int64_t> dead_messages;  // that nothing refers to any more
    std::vector<Wish> refused;
    SequenceSet processed;
    bool submit = false;
    bool judge = false;   // see what has arrived
    bool reopen = false;  // the consumers are others now
    std::optional<jetstream::SubscriptionChanges> snapshot;
    int64_t snapshot_place = 0;
    bool snapshot_does_not_fit = false;
    // What is taken out is destroyed without the lock: that waits for its calls.
    std::vector<std::shared_ptr<PullConsumer>> retired;
  };
  struct DeadLetterChange;
  using ChangePtr = std::shared_ptr<DeadLetterChange>;

  JetStreamQueue(int64_t place, SubscriptionRecord record, Letters letters, LostEvents lost,
                 SequenceSet processed, const JetStreamQueueEnvironment* environment);

  Moment Now() const { return {environment_.clock->Elapsed(), environment_.clock->Now()}; }
  std::unique_ptr<SubscriptionState> MakeState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what was gathered.
  void Do(Todo todo) ABSL_LOCKS_EXCLUDED(mutex_);
  // What is known may be old: nothing is handed out until it is sure to be new.
  void DoubtState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // To be called before what has arrived is handed out: whoever stood still has missed what others
  // did with it, and may read what they said of it later than what the servers gave him before.
  void NoteTime(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeOne(ConsumerLine::Calls& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- jetstream_queue.cc: consumers and handing out
  void LeaseWhatIsHere(ConsumerId consumer, ReadLimits limits, PullResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t ShareOf(size_t most) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsAtTail() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Wanted(const LogEvent& event) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- jetstream_queue_consumers.cc: the servers' consumers
  void Connect(const std::string& consumer, int64_t pending, bool redriven, int64_t epoch_number);
  void EnsureConsumer(bool redriven);
  // False: it was for another epoch.
  bool EndOpening(bool redriven, int64_t epoch_number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ConsumerGone(bool redriven);
  // Looks, now and then, whether the oldest event that is owed is on its way to anybody.
  void LookForForgotten() ABSL_LOCKS_EXCLUDED(mutex_);
  void AskWhetherForgotten(Sequence oldest);
  // They are not in the stream any more, whoever took them.
  void GiveUpMissing(SequenceRange missing) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- jetstream_queue_arrivals.cc: what the servers give, and time
  void Arrived(PulledMessage message, bool redriven, int64_t epoch_number);
  void Judge();
  void JudgeOne(const Arrival& arrival, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JudgeRedriven(const Arrival& arrival, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(Sequence sequence, Held held, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many more events the servers may give.
  int64_t WantedEvents(bool redriven) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellWanted() ABSL_LOCKS_EXCLUDED(mutex_);
  void KeepHeld(Moment now, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool SomebodyMayTake(int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBackIdle(Moment now, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LetGo(Sequence sequence, absl::Duration rest, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnforceBacklogLimit() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- jetstream_queue_settling.cc: what is asked for and written
  std::optional<Sequence> Parse(const std::string& delivery_id, LeaseNumber& lease) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Begin(const SettleRequest& request, size_t index, Wish& wish, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddWishes(std::vector<Decision> decisions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MustSubmit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Submit() ABSL_LOCKS_EXCLUDED(mutex_);
  // Copies what is to be parked among the dead letters, then writes.
  void CopyDeadLetter(const WritePtr& write, const Decision& decision, const Wish& wish);
  // Fills in the event, from what is here, if its message is gone.
  bool CopyOfHeld(jetstream::StoredDeadLetter& letter) const ABSL_LOCKS_EXCLUDED(mutex_);
  void PublishDeadLetter(const WritePtr& write,
                         const std::shared_ptr<jetstream::StoredDeadLetter>& letter);
  void Copied(const WritePtr& write, Sequence sequence, const absl::StatusOr<int64_t>& place);
  // What could not be copied is not parked: it is owed as before.
  void RefuseUncopied(Write& write, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteJournal(const WritePtr& write);
  jetstream::SubscriptionChanges ChangesOf(const Write& write) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Written(const WritePtr& write, const absl::Status& status);
  static void RefuseTheRest(Wish& wish);
  void Answer(Wish wish) ABSL_LOCKS_EXCLUDED(mutex_);
  // How often use is written down.
  absl::Duration UseInterval() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- jetstream_queue_applying.cc: what the journal says
  void ApplyOne(const Change& change, const WritePtr& own, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplySought(const Change& change, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyDeadLetters(const Change& change, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing is left of it.
  void GiveUpRedriven(Sequence sequence, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What came before the record that tells of it.
  void TakeEarlyCopy(int64_t copy, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplySpec(const v1::SubscriptionSpec& spec, int32_t origin, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyDeletion(Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a snapshot holds that was not read: the records before it are gone.
  void Adopt(const Change& change, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  jetstream::SubscriptionChanges SnapshotOf() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- jetstream_queue_settled.cc: what the journal says is settled, or has failed
  void ApplySettled(const Change& change, const WritePtr& own, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // By nobody's word: excluded, dropped, passed over.
  void ApplySpared(const Change& change, const SequenceSet& sequences, const WritePtr& own,
                   Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyProcessed(const Change& change, const SequenceSet& sequences, const WritePtr& own,
                      Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddToHistory(const Change& change, const SequenceSet& sequences)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Enters what is told of one event and not of its run. True: it is no more of the run.
  bool TellAlone(const Change& change, Sequence sequence, const Change::Parked* parking)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyFailed(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One event is settled by a record: what follows from that.
  void Release(Sequence sequence, bool parked, int64_t dead_letter, Todo& todo)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishOwn(const WritePtr& own, Todo& todo) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- jetstream_queue_administration.cc: timelines, dead letters
  void ChangeDeadLetters(v1::TimelineEntry::Kind kind, DeadLetterSelection selection,
                         Done<DeadLetterOutcome> done);
  void BeginChange(const ChangePtr& change);
  // Some of what is left: copied first if it is to be redriven, then written.
  void ChangeNext(const ChangePtr& change);
  void CopyRedriven(const ChangePtr& change, size_t index);
  void CopyFromLog(const ChangePtr& change, size_t index);
  void PublishRedriven(const ChangePtr& change, size_t index, const std::string& data);
  // Nothing is left to copy.
  void PassOverGone(const ChangePtr& change, size_t index);
  void WriteChange(const ChangePtr& change);
  void EndChange(const ChangePtr& change, const absl::Status& status);
  // Looks, now and then, whether the copies of what is redriven are there: whoever copied may have
  // stood still until the copy was taken for nobody's.
  void LookForLostCopies() ABSL_LOCKS_EXCLUDED(mutex_);
  struct CopyLook;
  void EndLook(const CopyLook& look);
  void CopyAgain(const Letters& lost);
  // Of redriven events whose copies and dead letters are gone.
  void GiveUpGone(const Letters& gone);
  // To be done by and by, unless something else is under way.
  bool AddUnasked(const ChangePtr& change);
  // Whether it is one of this subscription's, of that event (0: any); read into `letter`.
  bool IsLetterOf(Sequence sequence, const StreamMessage& message,
                  jetstream::StoredDeadLetter& letter) const;
  // Of which event (0: of a lost one) and under which id.
  using LetterName = std::pair<Sequence, int64_t>;
  enum class Lost { kNot, kToo };
  // Those of greater ids that are not redriven, by id.
  std::vector<LetterName> LetterNames(int64_t after, Lost lost) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ListNext(std::shared_ptr<std::deque<LetterName>> next, ReadLimits limits,
                std::shared_ptr<std::vector<DeadLetter>> letters,
                std::shared_ptr<Done<std::vector<DeadLetter>>> done);

  const std::string name_;
  const JetStreamQueueEnvironment environment_;
  const uint64_t first_lease_;
  LogThrottle parking_;
  LogThrottle parking_fails_;
  LogThrottle dropping_;
  LogThrottle opening_fails_;
  QueueCounters counters_;

  mutable absl::Mutex mutex_;
  SubscriptionRecord record_ ABSL_GUARDED_BY(mutex_);  // without what state_ holds
  SubscriptionRules rules_ ABSL_GUARDED_BY(mutex_);
  EventFilter filter_ ABSL_GUARDED_BY(mutex_);
  Letters letters_ ABSL_GUARDED_BY(mutex_);
  LostEvents lost_ ABSL_GUARDED_BY(mutex_);
  std::map<Sequence, Trials> tried_ ABSL_GUARDED_BY(mutex_);  // unsettled events that failed
  SequenceSet processed_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<SubscriptionState> state_ ABSL_GUARDED_BY(mutex_);
  int incarnation_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t base_epoch_ ABSL_GUARDED_BY(mutex_) = 0;  // epoch number of state_'s epoch 0
  int64_t place_ ABSL_GUARDED_BY(mutex_) = 0;       // of the newest record
  int64_t records_ ABSL_GUARDED_BY(mutex_) = 0;     // since the last snapshot
  bool deleted_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t settled_ ABSL_GUARDED_BY(mutex_) = 0;

  ConsumerLine line_ ABSL_GUARDED_BY(mutex_);
  struct Attached {
    ConsumerLimits limits;
    std::optional<absl::Duration> deadline;
  };
  std::map<ConsumerId, Attached> attached_ ABSL_GUARDED_BY(mutex_);
  absl::Duration unused_since_ ABSL_GUARDED_BY(mutex_);
  RecentDeliveries recent_ ABSL_GUARDED_BY(mutex_);
  SubscriptionHistory history_ ABSL_GUARDED_BY(mutex_);

  // What the servers gave.
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<PullConsumer> events_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<PullConsumer> redriven_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<PullConsumer>> retired_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Sequence, Held> held_ ABSL_GUARDED_BY(mutex_);
  std::vector<Arrival> arrivals_ ABSL_GUARDED_BY(mutex_);            // not judged yet
  std::map<int64_t, Arrival> early_copies_ ABSL_GUARDED_BY(mutex_);  // redriven, not told of yet
  bool judging_ ABSL_GUARDED_BY(mutex_) = false;
  bool current_ ABSL_GUARDED_BY(mutex_) = false;  // the state is, for what is here
  int64_t doubts_ ABSL_GUARDED_BY(mutex_) = 0;    // so far
  absl::Duration alive_at_ ABSL_GUARDED_BY(mutex_);
  int64_t pending_events_ ABSL_GUARDED_BY(mutex_) = 0;     // at the servers, as last told
  int64_t event_bytes_ ABSL_GUARDED_BY(mutex_) = 1 << 10;  // of one, about
  Sequence seen_through_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_arrival_ ABSL_GUARDED_BY(mutex_);
  absl::Duration kept_ ABSL_GUARDED_BY(mutex_);
  absl::Duration looked_for_idle_ ABSL_GUARDED_BY(mutex_);
  absl::Duration stalled_since_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration screen_after_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  absl::Duration open_after_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool opening_events_ ABSL_GUARDED_BY(mutex_) = false;
  bool opening_redriven_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration trimmed_ ABSL_GUARDED_BY(mutex_);
  absl::Duration limits_enforced_ ABSL_GUARDED_BY(mutex_);
  // The oldest that is owed and not here, and since when: 0, if there is none.
  Sequence oldest_owed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration owed_since_ ABSL_GUARDED_BY(mutex_);
  absl::Duration looked_for_copies_ ABSL_GUARDED_BY(mutex_);
  Sequence looked_through_ ABSL_GUARDED_BY(mutex_) = 0;  // for copies
  Letters missing_copies_ ABSL_GUARDED_BY(mutex_);       // looked for once in vain
  Letters gone_letters_ ABSL_GUARDED_BY(mutex_);         // of redriven events: so too
  Sequence missing_ ABSL_GUARDED_BY(mutex_) = 0;         // the oldest, if it was looked for in vain

  std::deque<Wish> pending_ ABSL_GUARDED_BY(mutex_);
  Unrequested unrequested_ ABSL_GUARDED_BY(mutex_);
  SequenceSet excluding_ ABSL_GUARDED_BY(mutex_);  // excluded, and not applied yet
  WritePtr in_flight_ ABSL_GUARDED_BY(mutex_);
  bool submitting_ ABSL_GUARDED_BY(mutex_) = false;

  std::deque<ChangePtr> changes_ ABSL_GUARDED_BY(mutex_);  // the first is under way
  int64_t applying_ ABSL_GUARDED_BY(mutex_) = 0;           // number of the record, if it is ours
  std::map<int64_t, int64_t> changed_ ABSL_GUARDED_BY(mutex_);  // by number: how many it changed
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_QUEUE_H_
