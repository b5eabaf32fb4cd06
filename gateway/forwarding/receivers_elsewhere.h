#ifndef ONHOOK_GATEWAY_FORWARDING_RECEIVERS_ELSEWHERE_H_
#define ONHOOK_GATEWAY_FORWARDING_RECEIVERS_ELSEWHERE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/steady_condition.h"
#include "gateway/forwarding/eligibility.h"
#include "gateway/store/event_log.h"

namespace onhook {

// Whose streams there are at other gateways on the same log; and the telling of ours to them.
//
// Why: a callback comes to any gateway, and its subscriber is connected to another one. The first
// has to know that waiting is worth while.
//
// Promises: what is heard counts for a quarter of a second longer than what is here, since it is
// said every 100 ms and takes its time. A stream that comes is told of within some milliseconds;
// while there is none, nothing is told. At most so many receivers are known as there may be
// subscriptions.
// Threads: Heard from one at a time, the rest from any; one of its own tells. Blocking: the
// destructor, for a telling under way.
class ReceiversElsewhere {
 public:
  // Which events a receiver wants, as far as that is known here. Null: all.
  using WantsOf = std::function<EligibleStream::Wants(const std::string& receiver)>;

  // `here`: the streams of this gateway. All must outlive it.
  ReceiversElsewhere(const Clock* clock, EventLog* log, const Eligibility* here, WantsOf wants_of);
  ~ReceiversElsewhere();

  // Another gateway has streams of these.
  void Heard(const std::vector<std::string>& receivers);

  // A stream has come here.
  void TellSoon();

  // As Eligibility has them.
  bool AnybodyWithin(absl::Duration time, const v1::ReleaseEvent& event) const;
  bool AnySubscriptionWithin(absl::Duration time, const v1::ReleaseEvent& event) const;
  bool Within(const std::string& receiver, absl::Duration time,
              const v1::ReleaseEvent& event) const;

 private:
  struct Known {
    std::shared_ptr<EligibleStream> stream;
    absl::Duration heard;  // Clock::Elapsed()
  };

  // Drops those that have not been heard of for long.
  void Forget(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();

  const Clock* const clock_;
  EventLog* const log_;
  const Eligibility* const here_;
  const WantsOf wants_of_;
  Eligibility there_;

  absl::Mutex mutex_;
  std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
  absl::Duration forgot_ ABSL_GUARDED_BY(mutex_);  // Clock::Elapsed()

  // By this clock, since nobody turns the waits' own.
  const SystemClock waits_clock_;
  absl::Duration next_turn_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyCondition sooner_;
  std::thread telling_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_RECEIVERS_ELSEWHERE_H_
