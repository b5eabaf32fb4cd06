#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_CONNECTION_STATE_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_CONNECTION_STATE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook::client {

// How a subscription or a watch stands with its gateway.
enum class ConnectionState {
  kConnecting,  // a stream is being opened
  kStreaming,   // a stream is open
  kBackingOff,  // there is none, and another will be opened after a wait
  kStopped,     // for good
};

// "connecting", "streaming", "backing_off", "stopped".
absl::string_view NameOf(ConnectionState state);

// Told of each change. `why` is not OK for what kBackingOff waits over, and for an error that
// ended it all.
using StateHook = std::function<void(ConnectionState state, const absl::Status& why)>;

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_CONNECTION_STATE_H_
