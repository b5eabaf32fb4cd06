#ifndef ONHOOK_CLIENTS_CPP_SILENCE_LIMIT_H_
#define ONHOOK_CLIENTS_CPP_SILENCE_LIMIT_H_

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook::client {

// Ends a call over which nothing has come for too long: its connection may be dead without anybody
// having been told.
//
// Why not gRPC's keepalive alone: it asks the other machine's kernel and gRPC, not the gateway, and
// no more often than the gateway allows.
//
// Threads: one, but for gRPC's, which ends the call. Blocking: never.
class SilenceLimit {
 public:
  // Cancels `context` when reading has waited for `limit`. Nothing is counted before Listen.
  SilenceLimit(grpc::ClientContext* context, absl::Duration limit);
  // `context` may go after this.
  ~SilenceLimit();

  SilenceLimit(const SilenceLimit&) = delete;
  SilenceLimit& operator=(const SilenceLimit&) = delete;

  // Reading begins to wait for a message.
  void Listen();
  // One came, or the end: until Listen, silence is this side's own.
  void Heard();
  // From now on so much silence is too much.
  void SetLimit(absl::Duration limit);

  // Whether the call was cancelled here.
  bool passed() const;

 private:
  // Outlives this object with gRPC's thread.
  struct Watch : std::enable_shared_from_this<Watch> {
    // Looks again in `left`. What it returns is to be destroyed without the lock.
    std::unique_ptr<grpc::Alarm> Arm(absl::Duration left) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // The time of an alarm has come.
    void Look();

    absl::Mutex mutex;
    grpc::ClientContext* context ABSL_GUARDED_BY(mutex) = nullptr;  // null: it is over
    absl::Duration limit ABSL_GUARDED_BY(mutex);
    absl::Time listening_since ABSL_GUARDED_BY(mutex) = absl::InfiniteFuture();
    bool passed ABSL_GUARDED_BY(mutex) = false;
    std::unique_ptr<grpc::Alarm> alarm ABSL_GUARDED_BY(mutex);
  };

  const std::shared_ptr<Watch> watch_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_SILENCE_LIMIT_H_
