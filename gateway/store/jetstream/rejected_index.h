#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_INDEX_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// What a gateway knows of the callbacks that a stream keeps: all but their bodies.
//
// Why: the stream finds a message by its sequence or subject only; listing, and the choice of what
// has to go, need all of them at hand. It is a pure state, so that the rules can be tested alone.
//
// Each is in one of three states: kept; leaving, since somebody is about to delete it, and no
// longer counted or listed; gone. What is gone stays so, whoever tells of it later: a reader of the
// stream may be behind whoever deletes. The ids of the last 65,536 that went are remembered for it.
// Threads: one at a time. Blocking: never. Errors: none.
class RejectedIndex {
 public:
  // It is kept, unless it is known already, in whatever state. Its body is dropped.
  void Add(RejectedCallback callback);
  // It is gone.
  void Remove(int64_t id);
  // The stream has none of this id: it is gone, unless its time is yet to come.
  void NoteAbsent(int64_t id);

  // What lies behind `last` are others than before: nothing is known of them.
  void ForgetBehind(int64_t last);

  // So many of those received before `before` leave, the oldest first.
  std::vector<int64_t> TakeOld(absl::Time before, size_t most);
  // As long as what is kept takes more than `max_bytes`, the oldest of the source that takes most
  // leaves (of equal ones the first by name), but never the newest of all; so many at most.
  std::vector<int64_t> TakeOverflow(int64_t max_bytes, size_t most);
  // This one leaves, if it is kept.
  void Take(int64_t id);
  // One that was to leave stays.
  void PutBack(int64_t id);

  std::vector<RejectedCallback> List(const RejectedCallbackQuery& query) const;
  // Of those that are kept.
  QuarantineSize size() const { return {static_cast<int64_t>(kept_.size()), bytes_}; }
  // The ids of those, up to `through`.
  std::vector<int64_t> IdsThrough(int64_t through) const;
  // How many leave.
  int64_t leaving() const { return static_cast<int64_t>(leaving_.size()); }
  bool IsGone(int64_t id) const { return gone_.contains(id); }
  // Grows with every change.
  int64_t changes() const { return changes_; }

 private:
  struct Source {
    int64_t bytes = 0;
    std::set<int64_t> ids;
  };
  using Kept = std::map<int64_t, RejectedCallback>;

  void Insert(RejectedCallback callback);
  // Takes one out of what is kept.
  RejectedCallback Extract(Kept::iterator it);
  int64_t OldestOfMost() const;

  Kept kept_;
  std::map<std::string, Source> sources_;             // of those kept
  std::set<std::pair<absl::Time, int64_t>> by_time_;  // likewise
  int64_t bytes_ = 0;                                 // likewise
  Kept leaving_;
  absl::flat_hash_set<int64_t> gone_;
  std::deque<int64_t> gone_in_order_;
  int64_t newest_ = 0;  // of all that were ever known
  int64_t changes_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_INDEX_H_
