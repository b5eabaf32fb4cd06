#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_HORIZONS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_HORIZONS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// Up to which timestamp nonces of each source may have been forgotten, as all gateways know it.
// See jetstream_nonces.h for what that is good for.
//
// One message tells all of them, and each that raises some replaces it, so that the newest of its
// subject is all there is to know: a server finds that at once, however many nonces lie around it,
// whereas looking for what came since it would go through all of these.
//
// Threads: any. Blocking: Begin only.
class NonceHorizons {
 public:
  // No look that began longer ago says what the horizons are.
  static constexpr absl::Duration kTrusted = absl::Seconds(30);
  // By the source's token in subjects.
  using Horizons = std::map<std::string, int64_t>;
  // The horizon of a source that has none.
  static constexpr int64_t kNothingForgotten = std::numeric_limits<int64_t>::min();

  // All must outlive it, and the connection be closed before it goes.
  NonceHorizons(JetStreamApi* api, const Subjects& subjects, const Clock* clock)
      : api_(api), subjects_(subjects), clock_(clock) {}

  // Waits until they are known. Errors: kUnavailable (not within `most`).
  absl::Status Begin(absl::Duration most);

  // Nothing: they are not known well enough now; a look at them is on its way.
  std::optional<int64_t> Of(const std::string& source);
  // Whether Of would answer.
  bool known() const;

  // Raises horizons, on all gateways; those that are that high stay. OK: all are at least that
  // high. Errors: kAborted (another gateway changed them; to be tried again once they are known),
  // kUnavailable, kInternal, kResourceExhausted: it is not known whether they were raised.
  void Raise(const Horizons& to, std::function<void(const absl::Status&)> done);

  void Tick();

 private:
  void Look();
  void Learn(const StreamMessage& message);
  void Learn(const Horizons& horizons, int64_t sequence);

  JetStreamApi* const api_;
  const Subjects subjects_;
  const Clock* const clock_;

  mutable absl::Mutex mutex_;
  Horizons horizons_ ABSL_GUARDED_BY(mutex_);
  bool damaged_ ABSL_GUARDED_BY(mutex_) = false;  // the newest cannot be read: all counts as old
  int64_t newest_ ABSL_GUARDED_BY(mutex_) = 0;    // sequence of the newest that is known
  std::optional<absl::Duration> known_since_ ABSL_GUARDED_BY(mutex_);  // when that look began
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyCondition learnt_;
  absl::Duration looked_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // began last
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_NONCE_HORIZONS_H_
