#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_GUARDED_HANDLER_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_GUARDED_HANDLER_H_

#include <cstdint>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/jetstream/nats_connection.h"

namespace onhook {

// A subscription's handler, which messages of several connections, one after the other, come to,
// and which somebody may end.
//
// Promises: one call at a time; none for a message of a connection that another has replaced.
// Threads: any. Blocking: Call for a call under way, End for one of another thread.
class GuardedHandler {
 public:
  explicit GuardedHandler(NatsConnection::Handler handler) : handler_(std::move(handler)) {}

  // From now on only messages of that connection count. False: they did already, or those of a
  // later one do, or it has ended.
  bool Follow(int64_t connection);

  void Call(int64_t connection, NatsMessage message);

  // No call begins any more. What the handler holds is destroyed, at the latest when the call under
  // way has returned.
  void End();
  bool ended() const;

 private:
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !calling_; }

  mutable absl::Mutex mutex_;
  int64_t connection_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_by_itself_ ABSL_GUARDED_BY(mutex_) = false;  // from within a call
  bool calling_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id caller_ ABSL_GUARDED_BY(mutex_);
  NatsConnection::Handler handler_;  // of whoever set calling_; nobody's once it has ended
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_GUARDED_HANDLER_H_
