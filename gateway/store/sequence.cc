#include "gateway/store/sequence.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace onhook {

void SequenceSet::Add(SequenceRange range) {
  // The run that begins at or before the new one, if it reaches it, and all runs that the new one
  // reaches become one.
  auto it = last_by_first_.upper_bound(range.first);
  if (it != last_by_first_.begin() && std::prev(it)->second >= range.first - 1) {
    const auto before = std::prev(it);
    if (range.last <= before->second) return;
    if (it == last_by_first_.end() || it->first > range.last + 1) {
      // The usual case: a run grows at its end.
      size_ += range.last - before->second;
      before->second = range.last;
      return;
    }
    it = before;
  }
  while (it != last_by_first_.end() && it->first <= range.last + 1) {
    range.first = std::min(range.first, it->first);
    range.last = std::max(range.last, it->second);
    size_ -= it->second - it->first + 1;
    it = last_by_first_.erase(it);
  }
  last_by_first_.emplace_hint(it, range.first, range.last);
  size_ += range.last - range.first + 1;
}

void SequenceSet::Remove(SequenceRange range) {
  auto it = last_by_first_.upper_bound(range.first);
  if (it != last_by_first_.begin() && std::prev(it)->second >= range.first) --it;
  if (it != last_by_first_.end() && it->first == range.first && it->second > range.last) {
    // The usual case: a run shrinks at its beginning. Its memory is kept.
    const auto next = std::next(it);
    auto run = last_by_first_.extract(it);
    run.key() = range.last + 1;
    last_by_first_.insert(next, std::move(run));
    size_ -= range.last - range.first + 1;
    return;
  }
  while (it != last_by_first_.end() && it->first <= range.last) {
    const SequenceRange run{it->first, it->second};
    it = last_by_first_.erase(it);
    size_ -= run.last - run.first + 1;
    if (run.first < range.first) {
      last_by_first_.emplace_hint(it, run.first, range.first - 1);
      size_ += range.first - run.first;
    }
    if (run.last > range.last) {
      last_by_first_.emplace_hint(it, range.last + 1, run.last);
      size_ += run.last - range.last;
    }
  }
}

SequenceSet SequenceSet::Missing(SequenceRange range) const {
  SequenceSet missing;
  for (Sequence first = NextMissing(range.first - 1); first <= range.last;) {
    const Sequence member = NextMember(first);
    const Sequence last = member == 0 ? range.last : std::min(range.last, member - 1);
    missing.Add({first, last});
    first = NextMissing(last);
  }
  return missing;
}

Sequence SequenceSet::NextMember(Sequence after) const {
  const auto it = last_by_first_.upper_bound(after);
  if (it != last_by_first_.begin() && std::prev(it)->second > after) return after + 1;
  return it == last_by_first_.end() ? 0 : it->first;
}

void SequenceSet::RemoveThrough(Sequence last) {
  auto it = last_by_first_.begin();
  while (it != last_by_first_.end() && it->first <= last) {
    const SequenceRange run{it->first, it->second};
    it = last_by_first_.erase(it);
    size_ -= run.last - run.first + 1;
    if (run.last > last) {
      last_by_first_.emplace_hint(it, last + 1, run.last);
      size_ += run.last - last;
    }
  }
}

bool SequenceSet::Contains(Sequence sequence) const {
  const auto it = last_by_first_.upper_bound(sequence);
  return it != last_by_first_.begin() && std::prev(it)->second >= sequence;
}

Sequence SequenceSet::NextMissing(Sequence after) const {
  const auto it = last_by_first_.upper_bound(after + 1);
  if (it == last_by_first_.begin()) return after + 1;
  return std::max(after, std::prev(it)->second) + 1;
}

std::string SequenceSet::ToText() const {
  std::string text;
  for (const auto& [first, last] : last_by_first_) {
    absl::StrAppend(&text, text.empty() ? "" : ",", first);
    if (last != first) absl::StrAppend(&text, "-", last);
  }
  return text;
}

absl::StatusOr<SequenceSet> SequenceSet::FromText(absl::string_view text) {
  SequenceSet set;
  if (text.empty()) return set;
  Sequence previous = -1;  // so that runs are in order and none touches the next
  for (const absl::string_view run : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(run, absl::MaxSplits('-', 1));
    SequenceRange range;
    if (!absl::SimpleAtoi(ends.first, &range.first)) return absl::DataLossError("not a run");
    range.last = range.first;
    if (ends.first.size() != run.size() && !absl::SimpleAtoi(ends.second, &range.last)) {
      return absl::DataLossError("not a run");
    }
    if (range.first <= previous + 1 || range.last < range.first ||
        range.last == std::numeric_limits<Sequence>::max()) {
      return absl::DataLossError("runs out of order");
    }
    previous = range.last;
    set.Add(range);
  }
  if (set.ToText() != text) return absl::DataLossError("runs not in their usual form");
  return set;
}

}  // namespace onhook
