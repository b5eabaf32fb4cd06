#ifndef ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_
#define ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/forwarding/eligible_stream.h"

namespace onhook {

// Whether there is, or was a moment ago, a stream that could take a certain event at once: of any
// receiver, of any subscription, of one subscription.
//
// Threads: any. Blocking: never.
class Eligibility {
 public:
  // `clock` must outlive this. Every receiver is taken to have been eligible just now.
  explicit Eligibility(const Clock* clock);

  // Adds a stream, which has to Leave. Streams of one subscription want the same: `wants` of any of
  // them speaks for all. A stream that left counts for a minute at most, however long
  // a time is asked for: its receiver did not come back.
  std::shared_ptr<EligibleStream> Add(std::string receiver, EligibleStream::Wants wants);

  bool AnybodyWithin(absl::Duration time, const v1::ReleaseEvent& event) const;
  bool AnySubscriptionWithin(absl::Duration time, const v1::ReleaseEvent& event) const;
  bool Within(const std::string& receiver, absl::Duration time,
              const v1::ReleaseEvent& event) const;

  // All receivers that have such a stream, or had it, whatever they want; each once.
  std::vector<std::string> ReceiversWithin(absl::Duration time) const;

 private:
  using Streams = std::vector<std::shared_ptr<EligibleStream>>;
  // Those that want the same: of one subscription, or a single one.
  struct Group {
    std::string receiver;
    bool is_subscription;
    Streams streams;  // in the order of their coming
  };
  using Groups = std::vector<Group>;

  std::shared_ptr<const Groups> Snapshot() const;
  bool AnyWithin(absl::Duration time, const v1::ReleaseEvent& event,
                 absl::FunctionRef<bool(const Group& group)> counts) const;
  static bool IsWithin(const Group& group, absl::Duration time, const v1::ReleaseEvent& event);

  const Clock* const clock_;
  const absl::Duration started_;  // Clock::Elapsed()
  mutable absl::Mutex mutex_;
  // Replaced as a whole, so that it is looked through without the lock.
  std::shared_ptr<const Groups> groups_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Groups>();
  // Where the last one that was asked about was found: most likely the next one's too, so that what
  // a callback costs does not grow with the streams that wait for others.
  mutable std::atomic<size_t> found_at_{0};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_
