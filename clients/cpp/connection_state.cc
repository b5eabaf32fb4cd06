#include "onhook/connection_state.h"

namespace onhook::client {

absl::string_view NameOf(ConnectionState state) {
  switch (state) {
    case ConnectionState::kConnecting:
      return "connecting";
    case ConnectionState::kStreaming:
      return "streaming";
    case ConnectionState::kBackingOff:
      return "backing_off";
    case ConnectionState::kStopped:
      return "stopped";
  }
  return "";
}

}  // namespace onhook::client
