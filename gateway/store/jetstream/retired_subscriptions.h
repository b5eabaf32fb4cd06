#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_RETIRED_SUBSCRIPTIONS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_RETIRED_SUBSCRIPTIONS_H_

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/nats_connection.h"

namespace onhook {

// Subscriptions that were drained, until what was on its way has come.
//
// Why not destroyed at once: that would wait for a call of their handler. Threads: any. Blocking:
// only the destructor and RemoveAll, for a call under way; RemoveOld as long as no call takes as
// long as they stay.
class RetiredSubscriptions {
 public:
  // Null is nothing. `now` is of Clock::Elapsed().
  void Add(std::unique_ptr<NatsSubscription> subscription, absl::Duration now) {
    if (subscription == nullptr) return;
    subscription->Drain();
    absl::MutexLock lock(&mutex_);
    retired_.emplace_back(now, std::move(subscription));
  }
  void RemoveOld(absl::Duration now) {
    std::vector<std::unique_ptr<NatsSubscription>> old;
    absl::MutexLock lock(&mutex_);
    while (!retired_.empty() && now - retired_.front().first >= absl::Seconds(5)) {
      old.push_back(std::move(retired_.front().second));
      retired_.pop_front();
    }
  }
  void RemoveAll() { RemoveOld(absl::InfiniteDuration()); }

 private:
  absl::Mutex mutex_;
  std::deque<std::pair<absl::Duration, std::unique_ptr<NatsSubscription>>> retired_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_RETIRED_SUBSCRIPTIONS_H_
