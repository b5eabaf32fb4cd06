#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_WATCH_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_WATCH_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/jetstream/jetstream_api.h"

namespace onhook {

// Looks every 5 s whether streams are still those of the store that was opened: what is remembered
// of places in them means something else in another.
//
// Promises: `another` is called at most once, on the connection's threads. A stream that is not
// there is not another: it may come back. Threads: Tick one at a time. Blocking: never.
class StreamWatch {
 public:
  using Another = std::function<void(const std::string& stream)>;

  // All must outlive it, and the connection be closed before it goes.
  StreamWatch(JetStreamApi* api, std::vector<std::string> streams, std::string store_id,
              const Clock* clock, Another another);

  void Tick();

 private:
  void Look(const std::string& stream);

  JetStreamApi* const api_;
  const std::vector<std::string> streams_;
  const std::string store_id_;
  const Clock* const clock_;
  const Another another_;
  absl::Duration looked_at_;
  std::atomic<bool> told_{false};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_WATCH_H_
