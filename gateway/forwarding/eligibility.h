#ifndef ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_
#define ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// Whether there is, or was a moment ago, a stream that could take an event at once: of any
// receiver, of any subscription, of a certain one.
//
// Threads: any. Blocking: never; no locks, since every write to every stream passes here twice.
class Eligibility {
 public:
  // `named`: receivers that are watched one by one. All are taken to have been eligible just now.
  Eligibility(const Clock* clock, const std::vector<std::string>& named);

  void Began(const std::string& receiver);
  void Ended(const std::string& receiver);

  bool AnybodyWithin(absl::Duration time) const {
    return Within(anybody_, time) || Within(subscriptions_, time);
  }
  bool AnySubscriptionWithin(absl::Duration time) const { return Within(subscriptions_, time); }
  // `receiver` must be one of the named.
  bool Within(const std::string& receiver, absl::Duration time) const;

 private:
  struct Streams {
    std::atomic<int64_t> count{0};
    std::atomic<int64_t> last_ns{0};  // Clock::Elapsed() when the last one ceased to be
  };

  bool Within(const Streams& streams, absl::Duration time) const;
  Streams& OfKind(const std::string& receiver);

  const Clock* const clock_;
  Streams anybody_;  // but subscriptions
  Streams subscriptions_;
  std::map<std::string, Streams> named_;  // its keys are constant
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_ELIGIBILITY_H_
