#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_WATCHER_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_WATCHER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "onhook/connection_state.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

struct WatchOptions {
  // Where to begin, which events, whether to follow or to stop at the end, whether only to observe:
  // as in the proto. After a reconnection the place is the last cursor instead.
  v1::WatchRequest request;

  // All optional; called from the watcher's thread, and must not call Wait or Stop.
  //
  // How it stands with the gateway.
  StateHook on_state;
  // Reading begins, or goes on after a reconnection, behind `cursor`.
  std::function<void(absl::string_view cursor)> on_opened;
  // The stream was lost and will be opened again behind the last event handled; or could not be
  // opened, which for want of a connection is told once for each cause.
  std::function<void(const absl::Status& why)> on_disconnected;
};

// Reads the log in order, from a place that the reader keeps; acknowledges nothing.
//
// Promises: every event behind the place is handled once, in order, over reconnections too; when
// the gateway no longer keeps what would come next, the watcher ends with kOutOfRange (GapOf in
// status.h says how much is lost) and never leaves a gap in silence. Unless `observe_only` is set,
// the gateway counts an event as forwarded when it was written here, whatever the handler does with
// it. Threads: one thread of the watcher calls handler and callbacks. All methods may be called
// from any thread, but only RequestStop and cursor from the handler and the callbacks. Errors: ends
// by itself with kOutOfRange, kInvalidArgument (a malformed cursor), kFailedPrecondition (a cursor
// of another store, or Client's), kPermissionDenied, kUnauthenticated (as a Subscriber), or with
// whatever the handler returned.
class Watcher {
 public:
  // Called once for each event. Anything but OK ends the watcher with that status; the event then
  // counts as not handled.
  using Handler = std::function<absl::Status(const v1::WatchedEvent& event)>;

  // As Stop.
  ~Watcher();

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // The place to go on from: behind the last event handled. Empty before the first answer. Keep it
  // and pass it as `after_cursor` to go on in another process. Never blocks.
  std::string cursor() const;

  // Begins to stop: no further event is handled. Never blocks.
  void RequestStop();

  // Waits until the watcher has ended and returns why: OK after a stop or, with `stop_at_end`, at
  // the end; else as Errors above. Blocking: without bound until a stop is requested.
  absl::Status Wait();

  // RequestStop, then Wait. May be called again; the answer stays the same.
  absl::Status Stop();

 private:
  friend class Client;
  class Engine;

  explicit Watcher(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_WATCHER_H_
