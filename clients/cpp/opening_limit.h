#ifndef ONHOOK_CLIENTS_CPP_OPENING_LIMIT_H_
#define ONHOOK_CLIENTS_CPP_OPENING_LIMIT_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/deadline.h"

namespace onhook::client {

// Ends a call that has waited for a connection for long enough, so that another can begin with what
// the files hold by then: a channel keeps the certificate that it was made with.
//
// Threads: one, but for gRPC's, which ends the call. Blocking: never.
class OpeningLimit {
 public:
  // Cancels `context` after `limit`, unless `channel` is connected by then, and what is asked over
  // it on its way.
  OpeningLimit(std::shared_ptr<grpc::Channel> channel, grpc::ClientContext* context,
               absl::Duration limit)
      : waiting_(std::make_shared<Waiting>()) {
    waiting_->context = context;
    alarm_.Set(DeadlineAfter(limit),
               [waiting = waiting_, channel = std::move(channel)](bool is_over) {
                 if (!is_over || channel->GetState(false) == GRPC_CHANNEL_READY) return;
                 absl::MutexLock lock(&waiting->mutex);
                 if (waiting->context == nullptr) return;
                 waiting->context->TryCancel();
                 waiting->passed = true;
               });
  }

  // `context` may go after this.
  ~OpeningLimit() { Forget(); }

  OpeningLimit(const OpeningLimit&) = delete;
  OpeningLimit& operator=(const OpeningLimit&) = delete;

  // The call has been answered, or is over: it is not cancelled from now on.
  void Forget() {
    absl::MutexLock lock(&waiting_->mutex);
    waiting_->context = nullptr;
  }

  // Whether it was cancelled here.
  bool passed() const {
    absl::MutexLock lock(&waiting_->mutex);
    return waiting_->passed;
  }

 private:
  // Outlives this object with gRPC's thread.
  struct Waiting {
    absl::Mutex mutex;
    grpc::ClientContext* context ABSL_GUARDED_BY(mutex) = nullptr;
    bool passed ABSL_GUARDED_BY(mutex) = false;
  };

  const std::shared_ptr<Waiting> waiting_;
  grpc::Alarm alarm_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_OPENING_LIMIT_H_
