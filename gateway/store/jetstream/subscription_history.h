#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_HISTORY_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_HISTORY_H_

#include <cstddef>
#include <deque>

#include "gateway/store/embedded/subscription_rows.h"

namespace onhook {

// What became of a subscription's events, as its journal told it: the newest of that, in memory. A
// snapshot of the journal forgets it, so it is what was written since the last one.
//
// Threads: one at a time. Blocking: never. Errors: none; what is forgotten is not told.
class SubscriptionHistory {
 public:
  void Add(SettlementRow row);
  void Add(HistoryRow row);

  // What is known of one event.
  EventRows Find(Sequence sequence) const;

  static constexpr size_t kMost = 20000;  // of each kind

 private:
  std::deque<SettlementRow> settlements_;
  std::deque<HistoryRow> history_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_HISTORY_H_
