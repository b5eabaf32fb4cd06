#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/store/sequence.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// What one subscription owes, to whom it has handed what, and what is settled: the rules of a
// queue as a pure state machine, without threads, clock, disk or events; only their sequences.
//
// A sequence above the floor is in one of these states:
//   fresh      never handed out since the start; at or above next_fresh()
//   leased     with a consumer
//   returned   its consumer went; waits to be handed out again
//   settling   somebody asked to settle it; the commit is under way (its consumer may hold it
//              still)
//   settled    durably done; never to be handed out again
//
// Threads: one at a time. Errors: none; what a caller may not do is a CHECK.
class SubscriptionState {
 public:
  // Everything up to `floor`, and the members of `settled`, is settled.
  // `max_unsettled_span`: how far above the floor events are handed out.
  SubscriptionState(Sequence floor, SequenceSet settled, int64_t max_unsettled_span);

  // --- consumers

  void Attach(ConsumerId consumer, ConsumerLimits limits);
  void SetLimits(ConsumerId consumer, ConsumerLimits limits);
  // Its leases are returned, but for those being settled. Says how many were returned.
  size_t Detach(ConsumerId consumer);
  bool attached(ConsumerId consumer) const { return consumers_.contains(consumer); }
  // Whether it may hold one event more, of that many bytes at least.
  bool HasCredit(ConsumerId consumer, int64_t bytes = 1) const;

  // --- handing out

  struct Next {
    Sequence sequence;
    bool returned;  // it was handed out before
  };
  // What is to be handed out next, when the newest event is `last`; nothing if nothing is owed that
  // nobody holds.
  std::optional<Next> PeekNext(Sequence last) const;
  // Hands out what PeekNext gave. The consumer must be attached. `bytes`: the event's size.
  void LeaseNext(const Next& next, ConsumerId consumer, int64_t bytes);
  // Puts a fresh event that cannot be delivered aside: owed still, handed out to nobody.
  void SetAside(const Next& next);
  // The lowest sequence that was never handed out.
  Sequence next_fresh() const { return next_fresh_; }

  // --- settling

  enum class Settling {
    kStarted,  // call Settled or SettlingFailed for it, once
    kAlready,  // it is settled; nothing to do
  };
  // `sequence` must be at most the newest event's.
  Settling BeginSettling(Sequence sequence);
  // It is durable. Says who held it, 0 if nobody.
  ConsumerId Settled(Sequence sequence);
  // It could not be made durable: it stays with its consumer, or is returned.
  void SettlingFailed(Sequence sequence);

  // --- what there is

  // Everything up to here is settled.
  Sequence floor() const { return floor_; }
  // What is settled above the floor.
  const SequenceSet& settled() const { return settled_; }
  // Unsettled events, when the newest is `last`.
  int64_t Backlog(Sequence last) const { return last - floor_ - settled_.size(); }
  // Events with consumers.
  int64_t outstanding() const { return outstanding_; }

 private:
  struct Consumer {
    ConsumerLimits limits;
    int64_t events = 0;
    int64_t bytes = 0;
  };
  struct Record {
    ConsumerId holder = 0;  // 0: nobody
    int64_t bytes = 0;
    int32_t settling = 0;  // requests under way
  };

  // Moves next_fresh_ over what is not fresh.
  void SkipKnown();
  // Takes a lease off its holder's account.
  void Release(Record& record);

  const int64_t max_unsettled_span_;
  Sequence floor_;
  SequenceSet settled_;
  Sequence next_fresh_;
  int64_t outstanding_ = 0;
  absl::flat_hash_map<Sequence, Record> records_;  // leased, settling or set aside
  std::set<Sequence> returned_;
  absl::flat_hash_map<ConsumerId, Consumer> consumers_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_STATE_H_
