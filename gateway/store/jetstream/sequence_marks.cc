#include "gateway/store/jetstream/sequence_marks.h"

#include <algorithm>
#include <cstddef>

namespace onhook {

void SequenceMarks::Add(const Mark& mark) {
  const int64_t count = count_++;
  for (size_t level = 0; level < 62; ++level) {
    if (count % (int64_t{1} << level) != 0) return;
    if (level == levels_.size()) {
      // The very first is of every level.
      if (count == 0) first_ = mark;
      levels_.push_back({mark, first_});
      return;
    }
    levels_[level].older = levels_[level].newest;
    levels_[level].newest = mark;
  }
}

std::vector<SequenceMarks::Mark> SequenceMarks::NewestFirst() const {
  std::vector<Mark> marks;
  for (const Level& level : levels_) {
    for (const Mark& mark : {level.newest, level.older}) {
      if (mark.sequence > 0) marks.push_back(mark);
    }
  }
  std::sort(marks.begin(), marks.end(),
            [](const Mark& a, const Mark& b) { return a.sequence > b.sequence; });
  marks.erase(std::unique(marks.begin(), marks.end(),
                          [](const Mark& a, const Mark& b) { return a.sequence == b.sequence; }),
              marks.end());
  return marks;
}

void SequenceMarks::ForgetBehind(int64_t sequence) {
  if (first_.sequence > sequence) first_ = {};
  for (Level& level : levels_) {
    if (level.newest.sequence > sequence) level.newest = {};
    if (level.older.sequence > sequence) level.older = {};
  }
}

}  // namespace onhook
