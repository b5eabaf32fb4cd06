#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_PAGES_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_PAGES_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "gateway/store/event_log.h"

namespace onhook {

// The events that a queue has at hand: a page or two of what is handed out for the first time, read
// ahead, and one page of what is handed out again. So a queue's memory does not grow with what its
// consumers hold or with what waits.
//
// Threads: one at a time. Blocking: never. Errors: none.
class QueuePages {
 public:
  // The event, or null if it is not at hand. It stays for as long as nothing else is called. Fresh
  // events before it are dropped.
  const LogEventPtr* Fresh(Sequence sequence);
  const LogEventPtr* Again(Sequence sequence) const;

  // Adds a page read behind the ones that are there, or instead of them.
  void PutFresh(std::vector<LogEventPtr> page);
  void PutAgain(std::vector<LogEventPtr> page) { again_ = std::move(page); }
  void Clear();

  // The newest fresh event at hand; 0: none.
  Sequence last_fresh() const { return fresh_.empty() ? 0 : fresh_.back()->sequence; }
  size_t fresh_count() const { return fresh_.size(); }

 private:
  std::deque<LogEventPtr> fresh_;   // without gaps
  std::vector<LogEventPtr> again_;  // in order
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_PAGES_H_
