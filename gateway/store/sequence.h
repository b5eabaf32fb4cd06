#ifndef ONHOOK_GATEWAY_STORE_SEQUENCE_H_
#define ONHOOK_GATEWAY_STORE_SEQUENCE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook {

// An event's place in the log: 1 for the first event stored, one more for each further one. 0
// stands for the place before the first.
using Sequence = int64_t;

// A run of sequences, both ends included.
struct SequenceRange {
  Sequence first = 0;
  Sequence last = 0;

  friend bool operator==(const SequenceRange& a, const SequenceRange& b) {
    return a.first == b.first && a.last == b.last;
  }
};

// A set of sequences kept as runs, so that what is dense costs little however much it holds.
//
// Threads: one at a time. Errors: none.
class SequenceSet {
 public:
  SequenceSet() = default;
  SequenceSet(const SequenceSet&) = default;
  SequenceSet& operator=(const SequenceSet&) = default;
  // What was moved from is empty.
  SequenceSet(SequenceSet&& other) noexcept
      : last_by_first_(std::exchange(other.last_by_first_, {})),
        size_(std::exchange(other.size_, 0)) {}
  SequenceSet& operator=(SequenceSet&& other) noexcept {
    last_by_first_ = std::exchange(other.last_by_first_, {});
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~SequenceSet() = default;

  // Adds a run, `first <= last`; members may be there already.
  void Add(SequenceRange range);
  void Add(Sequence sequence) { Add({sequence, sequence}); }

  // Removes a run, `first <= last`; members may be absent.
  void Remove(SequenceRange range);

  // Removes the runs, or parts of runs, up to and including `last`.
  void RemoveThrough(Sequence last);

  // Everything of `range` that is not in the set.
  SequenceSet Missing(SequenceRange range) const;

  // The smallest member greater than `after`; 0 if there is none.
  Sequence NextMember(Sequence after) const;

  bool Contains(Sequence sequence) const;

  // The smallest sequence greater than `after` that is not in the set.
  Sequence NextMissing(Sequence after) const;

  bool empty() const { return last_by_first_.empty(); }
  size_t run_count() const { return last_by_first_.size(); }
  // How many sequences the set holds.
  int64_t size() const { return size_; }

  // The runs in order, as (first, last); none touches the next.
  const std::map<Sequence, Sequence>& runs() const { return last_by_first_; }

  // "1-5,7,9-12"; empty for the empty set. FromText takes exactly what ToText gives, and anything
  // else is kDataLoss.
  std::string ToText() const;
  static absl::StatusOr<SequenceSet> FromText(absl::string_view text);

 private:
  std::map<Sequence, Sequence> last_by_first_;
  int64_t size_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SEQUENCE_H_
