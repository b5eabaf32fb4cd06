#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/store/consumer_accounts.h"
#include "gateway/store/redelivery_backoff.h"
#include "gateway/store/sequence.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// Numbers the hand-outs of one subscription, over restarts: greater is later.
using LeaseNumber = uint64_t;

// An instant: by the clock that only goes forward, for deadlines, and by the one that outlives the
// process, for what is kept.
struct Moment {
  absl::Duration elapsed;
  absl::Time wall;
};

// What an event has behind it that must outlast a restart.
struct Trials {
  int32_t attempts = 0;                                  // that failed
  absl::Time first_attempt_at = absl::InfiniteFuture();  // none yet
  absl::Time retry_at = absl::InfinitePast();            // not to be handed out before
  LeaseNumber last_ended = 0;  // newest hand-out that was ended by a nack or its deadline
};

// What one subscription owes, to whom it has handed what, and what is settled: the rules of a
// queue as a pure state machine, without threads, clock, disk or events; only their sequences.
//
// A sequence above the floor, and one that was redriven, is in one of these states:
//   fresh      never handed out since the start or the last seek; at or above next_fresh()
//   ready      waits for a consumer: its last one went, or its time has come; or redriven
//   suspect    ready too, but to be handed out alone: it was with too many consumers that were lost
//   leased     with a consumer, until a deadline
//   waiting    failed; becomes ready when its backoff is over
//   deciding   somebody asked to settle it, or it failed: the commit is under way (its consumer may
//              hold it still)
//   settled    durably done; handed out again only by a seek or a redrive
//
// What ends a delivery is a Decision: begun here, made durable by the caller, then finished here.
// So nothing is taken for settled that is not on disk; what merely failed may be lost in a crash.
//
// Threads: one at a time. Errors: none; what a caller may not do is a CHECK.
class SubscriptionState {
 public:
  // As it lay in storage.
  struct Beginning {
    Sequence floor = 0;                // everything up to here is settled
    SequenceSet settled;               // above the floor
    std::map<Sequence, Trials> tried;  // unsettled events that failed before
    SequenceSet dead_letters;          // events that have one, redriven ones excluded
    SequenceSet redriven;              // dead letters that are owed again
    Sequence replayed_through = 0;     // up to here, fresh events were handed out before a seek
    LeaseNumber first_lease = 1;       // greater than any that was ever given
    bool paused = false;
    // Several gateways hand out what this subscription owes: here only what has arrived here.
    bool shared = false;
  };

  enum class Outcome {
    kSettle,  // acked or skipped
    kPark,    // settled by a dead letter
    kRetry,   // to be handed out again, as `trials` say
  };
  // What is to become of one event.
  struct Decision {
    Sequence sequence = 0;
    Outcome outcome = Outcome::kSettle;
    v1::TimelineEntry::Kind kind = v1::TimelineEntry::KIND_UNSPECIFIED;  // why
    int32_t attempt = 0;            // number of the attempt that it ends; 0: none
    Trials trials;                  // with that attempt counted; not for kSettle
    absl::Duration due;             // of a retry: when it comes again, on Moment::elapsed
    ConsumerId consumer = 0;        // that held it; 0: nobody
    bool ends_dead_letter = false;  // kSettle: its dead letter is to go
    bool requested = false;         // kPark: a consumer asked for it
    bool redriven = false;          // only by its dead letter is it owed: the log has it settled
    int64_t epoch = 0;              // seeks before it
  };

  SubscriptionState(Beginning beginning, const SubscriptionRules& rules, uint64_t seed, Moment now);

  // What the rules say about the future holds from now on; leases keep their deadlines.
  void SetRules(const SubscriptionRules& rules) { rules_ = rules; }
  void SetPaused(bool paused) { paused_ = paused; }
  bool paused() const { return paused_; }

  // --- consumers

  void Attach(ConsumerId consumer, ConsumerLimits limits, std::optional<absl::Duration> deadline) {
    accounts_.Attach(consumer, limits, deadline);
  }
  void SetLimits(ConsumerId consumer, ConsumerLimits limits) {
    accounts_.SetLimits(consumer, limits);
  }
  struct Detached {
    std::vector<Decision> decisions;  // begun
    std::vector<Sequence> lost;       // with the stream, and counted as nothing so far
  };
  // Its leases become ready, but for those being decided; what was alone with a consumer that is
  // lost has failed.
  Detached Detach(ConsumerId consumer, Departure departure, Moment now);
  bool attached(ConsumerId consumer) const { return accounts_.attached(consumer); }
  // Whether it may hold one event more, of that many bytes at least.
  bool HasCredit(ConsumerId consumer, int64_t bytes = 1) const {
    return accounts_.HasCredit(consumer, bytes);
  }

  // --- handing out

  enum class From { kFresh, kReady, kSuspect };
  struct Next {
    Sequence sequence = 0;
    From from = From::kFresh;
  };
  // What `consumer` is to get next, when the newest event is `last`; nothing if nothing is owed
  // that it may have. May reserve the consumer for a suspect: it gets nothing then until it holds
  // nothing.
  std::optional<Next> ChooseNext(Sequence last, ConsumerId consumer, Moment now);
  struct Handed {
    LeaseNumber lease = 0;
    int32_t attempt = 1;
    v1::Delivery::RedeliveryReason reason = v1::Delivery::REDELIVERY_REASON_UNSPECIFIED;
    absl::Duration ack_deadline;
  };
  // Hands out what ChooseNext gave; nothing else was called since. `bytes`: the event's size.
  Handed Lease(const Next& next, ConsumerId consumer, int64_t bytes, Moment now);
  // The event has been written to its consumer. Only from here on its deadline counts, and its
  // failures: what never left is as good as never handed out.
  void MarkWritten(Sequence sequence, ConsumerId consumer, Moment now);
  // The filter excludes a fresh event, the one at next_fresh(): settled at once. Its dead letter
  // stays.
  void Exclude(Sequence sequence);
  // The event cannot be read: begins to park it.
  Decision BeginParkingCorrupt(const Next& next, Moment now);
  // Whether some consumer could be handed something.
  bool OwesSomething(Sequence last) const;
  // Whether nothing waits to be handed out, now or later, but what is to come behind `last`.
  bool AtTail(Sequence last) const {
    return next_fresh_ > last && ready_.empty() && suspects_.empty() && HasRoom();
  }
  // Whether max_unacked_events allows another event to be handed out for the first time. What it
  // bounds is what must be remembered: unsettled events, and runs of settled ones between them.
  bool HasRoom() const {
    const int64_t most = rules_.max_unacked_events;
    if (static_cast<int64_t>(records_.size()) >= most) return false;
    // What lies between the runs closes gaps: a limit that was lowered must not shut it out.
    return static_cast<int64_t>(settled_.run_count()) < most ||
           next_fresh_ < settled_.runs().rbegin()->first;
  }
  // The lowest sequence that was never handed out.
  Sequence next_fresh() const { return next_fresh_; }

  // --- where several gateways share the subscription. Each sees what all of them settle, so they
  // agree on the floor, what is settled above it, and dead letters; who hands out which event is
  // decided elsewhere. There is no fresh event then: `last` is to be given as 0.

  // This gateway is to hand the event out, which failed as `trials` say. False: it is settled.
  bool Arrive(Sequence sequence, const Trials& trials, Moment now);
  // It is not this gateway's any more, whoever holds it here. What is being decided stays until
  // that is done. Returns the consumer whose credit came back, 0 if none's.
  ConsumerId GiveUp(Sequence sequence);
  // Events that have arrived, are with nobody and not being decided, in order, and how long each is
  // to rest still.
  std::vector<std::pair<Sequence, absl::Duration>> Idle(Moment now) const;
  // A decision that another gateway, or this one long ago, made durable in the epoch of that number
  // (see epoch()). Returns the consumer whose credit came back, 0 if none's. False in `changed`:
  // the event was settled already, so nothing became of it.
  ConsumerId ApplyElsewhere(Sequence sequence, Outcome outcome, int64_t epoch, bool* changed);
  // Up to here an event comes again because of a seek, wherever it was handed out before.
  void SetReplayedThrough(Sequence sequence) { replayed_through_ = sequence; }
  // Settles what was dropped or excluded elsewhere.
  void SettleSpared(const SequenceSet& sequences, std::vector<ConsumerId>* freed);

  // --- time

  // Ends leases that are over and makes ready what has waited long enough. The decisions are begun;
  // there is none for what was not written.
  std::vector<Decision> Advance(Moment now);
  // When Advance has something to do; InfiniteDuration: never.
  absl::Duration NextDue() const;
  // False: not leased by that number, so not extended.
  bool Extend(Sequence sequence, LeaseNumber lease, absl::Duration ack_deadline, Moment now);

  // --- deciding. Sequences must be at most the newest event's. Finish must be called once for each
  // decision that was begun.

  // Acks, by whichever lease. An event that has been parked loses its dead letter: it was
  // processed. Nothing: it is settled already.
  std::optional<Decision> BeginAck(Sequence sequence);
  // Settles unprocessed. Nothing: as for BeginNack.
  std::optional<Decision> BeginSkip(Sequence sequence, LeaseNumber lease);
  // kRetry (parks if the attempts are used up) or kPark. Nothing: the lease is not the latest, or
  // is over.
  std::optional<Decision> BeginNack(Sequence sequence, LeaseNumber lease,
                                    SettleRequest::Action action,
                                    std::optional<absl::Duration> delay, Moment now);
  // `committed`: it is durable. A nack that is not leaves the event as it was; any other failure
  // takes effect all the same. Returns the consumer whose credit came back, 0 if none's.
  ConsumerId Finish(const Decision& decision, bool committed, Moment now);
  // Makes the event ready at once, and writes nothing. Returns the consumer whose credit came back,
  // 0 if none's. Nothing: as for BeginNack.
  std::optional<ConsumerId> ReleaseLease(Sequence sequence, LeaseNumber lease, Moment now);
  // Whether such a number has been given.
  bool KnowsLease(LeaseNumber lease) const { return shared_ || lease < next_lease_; }

  // Settles what is owed up to `through` and with nobody; says what that was.
  SequenceSet Drop(Sequence through);

  // --- dead letters

  bool HasDeadLetter(Sequence sequence) const { return dead_letters_.Contains(sequence); }
  // Owes events again that have a dead letter.
  void Redrive(Sequence sequence);
  void Discard(Sequence sequence) { dead_letters_.Remove({sequence, sequence}); }
  // What is behind `last` are other events than before: none of them has a dead letter, or is
  // redriven. To be followed by Seek.
  void ForgetLettersBehind(Sequence last);

  // --- moving

  // Owes everything behind `after`. Decisions that are under way change nothing any more but their
  // dead letters.
  void Seek(Sequence after);
  int64_t epoch() const { return epoch_; }
  // What a seek passes over if it goes to `after`.
  SequenceSet Unsettled(Sequence after) const;

  // --- what there is

  // Everything up to here is settled.
  Sequence floor() const { return floor_; }
  // What is settled above the floor.
  const SequenceSet& settled() const { return settled_; }
  bool IsSettled(Sequence sequence) const;
  const SequenceSet& dead_letters() const { return dead_letters_; }
  const SequenceSet& redriven() const { return redriven_; }
  // Up to here a fresh event comes again because of a seek.
  Sequence replayed_through() const { return replayed_through_; }
  // Unsettled events, when the newest is `last`.
  int64_t Backlog(Sequence last) const;
  // The lowest of them; 0: none.
  Sequence OldestUnsettled(Sequence last) const;
  // Events with consumers.
  int64_t outstanding() const { return accounts_.outstanding(); }
  // Hand-outs beyond an event's first.
  int64_t redeliveries() const { return redeliveries_; }
  // Who has the event; 0: nobody.
  ConsumerId HolderOf(Sequence sequence) const;
  // Events that are not fresh and not settled, plus redriven ones: what memory is spent on.
  size_t record_count() const { return records_.size(); }

  // The longest that an event rests, whatever the clock says of when it may come again: by a
  // restart or in a commit the time of day may have jumped back by a year.
  static constexpr absl::Duration kLongestRest = absl::Hours(1);
  // An event that was with so many consumers that were lost goes alone.
  static constexpr int32_t kLossesBeforeAlone = 3;

 private:
  // For what could not be parked, and for a lease that is over while it is decided about.
  static constexpr absl::Duration kAgain = absl::Seconds(1);
  // How long an event is kept for a consumer other than its last.
  static constexpr absl::Duration kAvoidance = absl::Seconds(1);

  enum class Phase {
    kNone,     // being decided, or about to get another phase
    kReady,    // in ready_ or suspects_
    kLeased,   // in timers_ with its deadline
    kWaiting,  // in timers_ with its return
  };
  struct Record {
    Phase phase = Phase::kNone;
    bool alone = false;    // leased alone
    bool written = false;  // to its consumer
    bool settled = false;  // while other decisions are under way
    bool parking = false;  // a decision to park is under way
    bool here = false;     // of a shared subscription: this gateway's to hand out
    int32_t losses = 0;    // of streams, not counted as attempts
    int32_t deciding = 0;  // decisions under way
    ConsumerId holder = 0;
    ConsumerId avoid = 0;  // released it just now, or let its deadline pass
    int64_t bytes = 0;
    LeaseNumber lease = 0;    // newest in this process; 0: none
    absl::Duration due;       // of its timer, or when it may be handed out again
    absl::Duration deadline;  // of its lease; its timer may be set for earlier
    absl::Duration patience;  // the deadline, counted from its writing
    absl::Duration avoid_until;
    Trials trials;
    v1::Delivery::RedeliveryReason reason = v1::Delivery::REDELIVERY_REASON_UNSPECIFIED;
  };
  using Records = absl::flat_hash_map<Sequence, Record>;

  std::optional<Decision> BeginSettling(Sequence sequence, v1::TimelineEntry::Kind kind);
  // Reserves the consumer if it holds something.
  std::optional<Next> ChooseSuspect(ConsumerId consumer);
  std::optional<Next> ChooseOrdinary(Sequence last, ConsumerId consumer, Moment now);
  // Moves next_fresh_ over what is not fresh.
  void SkipKnown();
  // The event leaves ready, waiting or fresh, for a decision about it.
  Record& Take(Sequence sequence);
  void SetTimer(Sequence sequence, Record& record, Phase phase, absl::Duration due);
  void ClearTimer(Sequence sequence, Record& record);
  void MakeReady(Sequence sequence, Record& record);
  // What is in no phase and undecided becomes ready, or waits.
  void Settle(Sequence sequence, Record& record, Moment now);
  // How long an event with these trials is to rest from now on.
  static absl::Duration RestOf(const Trials& trials, Moment now) {
    return std::clamp(trials.retry_at - now.wall, absl::ZeroDuration(), kLongestRest);
  }
  // For a moment, once it may be handed out again, the event is kept for others than its holder.
  void KeepFromHolder(Record& record, absl::Duration from);
  // Takes a lease off its holder's account; says who it was.
  ConsumerId EndLease(Sequence sequence, Record& record);
  // An attempt has failed, for `kind`: what is to become of it.
  Decision Failed(Sequence sequence, Record& record, v1::TimelineEntry::Kind kind,
                  std::optional<absl::Duration> delay, Moment now);
  bool IsSettledInLog(Sequence sequence) const {
    return sequence <= floor_ || settled_.Contains(sequence);
  }
  void MarkSettled(Sequence sequence, bool parked);
  void SettleInLog(Sequence sequence);
  void AddRedriven(Sequence sequence);
  void RemoveRedriven(Sequence sequence);
  bool IsLatest(Sequence sequence, LeaseNumber lease) const;
  void FinishFromBeforeSeek(const Decision& decision, bool committed);
  std::vector<Sequence> RecordsWithin(SequenceRange range) const;

  SubscriptionRules rules_;
  RedeliveryBackoff backoff_;
  const bool shared_;
  const LeaseNumber first_lease_;
  LeaseNumber next_lease_;
  bool paused_;
  int64_t epoch_ = 0;
  Sequence floor_;
  SequenceSet settled_;
  Sequence next_fresh_;
  Sequence replayed_through_;
  SequenceSet dead_letters_;
  // Owed, whatever floor_ and settled_ say. What has no record is ready.
  SequenceSet redriven_;
  int64_t redriven_settled_ = 0;  // those of them that are settled in the log
  int64_t redeliveries_ = 0;
  Records records_;
  SequenceSet ready_;
  SequenceSet suspects_;
  int ordinary_left_ = 0;  // events that go out before the next suspect, if there are any
  // By when they are due: what goes out together is due together. None is empty.
  absl::btree_map<absl::Duration, SequenceSet> timers_;
  ConsumerAccounts accounts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_
