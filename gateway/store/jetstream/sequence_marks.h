#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SEQUENCE_MARKS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SEQUENCE_MARKS_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace onhook {

// When messages of a stream were stored: of the newest, and of ever fewer the older they are. By
// them is found out from where on a stream that has lost its end has other messages than before.
//
// Threads: one at a time. Blocking: never.
class SequenceMarks {
 public:
  struct Mark {
    int64_t sequence = 0;
    absl::Time stored_at;
  };

  // Of the next message: greater than all before.
  void Add(const Mark& mark);
  // The newest first; of n messages some 2 log n.
  std::vector<Mark> NewestFirst() const;
  void ForgetBehind(int64_t sequence);

 private:
  int64_t count_ = 0;
  Mark first_;
  // The newest two of every second, every fourth message, and so on; beginning with all.
  struct Level {
    Mark newest;
    Mark older;
  };
  std::vector<Level> levels_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SEQUENCE_MARKS_H_
