#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EVENT_TAIL_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EVENT_TAIL_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/event_log.h"

namespace onhook {

// The newest events of the log, in memory, so that whoever keeps up never reads the disk.
//
// Promises: events are added in order; a sequence that is passed over does not exist. The oldest go
// when `max_bytes` is exceeded, but never the newest one. Threads: any. Blocking: never. Errors:
// none.
class EventTail {
 public:
  // `last`: the newest event of the log, which is not in the tail.
  EventTail(Sequence last, size_t max_bytes) : max_bytes_(max_bytes), last_(last), floor_(last) {}

  // `event->sequence` must be greater than last().
  void Add(LogEventPtr event);

  // The log ends at `last` after all.
  void ForgetBehind(Sequence last);

  // The events behind `after`, as far as `limits` allow; nothing if they are not in memory.
  std::optional<LogPage> Read(Sequence after, ReadLimits limits) const;

  Sequence last() const { return last_.load(std::memory_order_acquire); }

 private:
  const size_t max_bytes_;
  std::atomic<Sequence> last_;
  mutable absl::Mutex mutex_;
  Sequence floor_ ABSL_GUARDED_BY(mutex_);  // all there is behind this one is in memory
  std::deque<LogEventPtr> events_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EVENT_TAIL_H_
