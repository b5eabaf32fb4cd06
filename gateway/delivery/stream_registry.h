#ifndef ONHOOK_GATEWAY_DELIVERY_STREAM_REGISTRY_H_
#define ONHOOK_GATEWAY_DELIVERY_STREAM_REGISTRY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/base/steady_condition.h"
#include "gateway/config/delivery_options.h"
#include "gateway/delivery/delivery_stream.h"

namespace onhook {

// All open streams: their number is limited, their deadlines are watched over by one thread, and a
// shutdown finds every one of them.
//
// Threads: any. A stream is never called while the registry holds its lock.
// Blocking: Drain and Stop.
class StreamRegistry {
 public:
  // `clock` must outlive the registry.
  StreamRegistry(const DeliveryOptions& options, const Clock* clock);
  ~StreamRegistry();  // stops

  // Other numbers of streams hold from now on; those that are open stay.
  void SetLimits(const DeliveryOptions& options);

  // Keeps `stream` until Remove, and gives it its id. Errors, with the stream not kept:
  // kResourceExhausted (too many, of all or of its identity: the ErrorInfo says whose limit),
  // kUnavailable (draining).
  absl::Status Add(const std::shared_ptr<DeliveryStream>& stream);
  void Remove(uint64_t id);

  // Tells all streams that the log has grown, on the calling thread.
  void TailGrew();

  // `stream` has opened: older ones of the same successor_key that are to go need deliver no more.
  void Opened(const DeliveryStream& stream);

  // Takes no more streams, tells those there are that the gateway shuts down, and waits until they
  // have ended, which they do after `drain` at the latest but for those that are stuck. Returns the
  // number of streams that are left.
  size_t Drain(absl::Duration drain);

  // Ends the watching over deadlines.
  void Stop();

  size_t size() const;

 private:
  using Streams = std::vector<std::shared_ptr<DeliveryStream>>;
  struct Entry {
    std::shared_ptr<DeliveryStream> stream;
    std::string identity;  // under which it is counted; "": nobody's
  };

  std::shared_ptr<const Streams> Snapshot() const;
  void Tick() const;

  const absl::Duration tick_interval_;
  const Clock* const clock_;

  mutable absl::Mutex mutex_;
  int max_streams_ ABSL_GUARDED_BY(mutex_);
  int max_streams_per_identity_ ABSL_GUARDED_BY(mutex_);
  SteadyCondition changed_;
  std::map<uint64_t, Entry> streams_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> per_identity_ ABSL_GUARDED_BY(mutex_);  // those that have any
  // `streams_` as a list; made when first asked for after a change.
  mutable std::shared_ptr<const Streams> snapshot_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  PeriodicThread ticking_;  // last: it uses the rest
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_STREAM_REGISTRY_H_
