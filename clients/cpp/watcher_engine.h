#ifndef ONHOOK_CLIENTS_CPP_WATCHER_ENGINE_H_
#define ONHOOK_CLIENTS_CPP_WATCHER_ENGINE_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "clients/cpp/gateway_connection.h"
#include "clients/cpp/reconnect_backoff.h"
#include "clients/cpp/steady_condition.h"
#include "clients/cpp/stream_ends.h"
#include "onhook/watcher.h"

namespace onhook::client {

// What a Watcher does: one thread that reads, calls the handler, and after a loss reads on behind
// the last event handled. No lock is held while the handler or a callback is called.
class Watcher::Engine {
 public:
  Engine(std::shared_ptr<const GatewayConnection> connection, WatchOptions options,
         Handler handler);
  ~Engine();

  std::string cursor() const;
  void RequestStop();
  absl::Status Wait();

 private:
  // How one stream ended.
  struct End {
    StreamEnd stream;
    bool asked_for;  // by a stop, by the handler, or by stop_at_end: the watch is over with it
    absl::Duration lived;  // zero: it was never opened
    bool was_of_use = false;
  };

  absl::Status Run();
  // Opens a stream and reads it to its end.
  End ReadStream();
  // The same for one that is to be opened over `stubs`.
  End ReadStream(grpc::ClientContext& context, const std::shared_ptr<const GatewayStubs>& stubs,
                 const v1::WatchRequest& request);
  // What the first message tells, and each that tells an interval.
  void NoteOpened(const v1::WatchResponse& response, End& end);
  void TellState(ConnectionState state, const absl::Status& why);
  // OK unless the handler refused an event.
  absl::Status Handle(const v1::WatchResponse& response);
  void Advance(const std::string& cursor);
  bool stopping() const;

  const std::shared_ptr<const GatewayConnection> connection_;
  const WatchOptions options_;
  const Handler handler_;
  ReconnectBackoff backoff_;  // the thread's own, as is what follows
  StreamEnds ends_;
  // The next stream waits for a connection.
  bool wait_for_connection_ = false;
  std::optional<ConnectionState> state_;

  mutable absl::Mutex mutex_;
  SteadyCondition stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::string cursor_ ABSL_GUARDED_BY(mutex_);
  // Of the stream that is being read, to be cancelled; null between streams.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;

  absl::Status status_;  // set before done_
  absl::Notification done_;
  std::thread thread_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_WATCHER_ENGINE_H_
