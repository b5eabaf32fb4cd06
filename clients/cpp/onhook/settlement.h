#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace onhook::client {

// What a handler makes of one delivery.
//
// A `reason` goes to the gateway, where it is shown and logged: no personal data; the first 1,024
// characters count.
struct Settlement {
  enum class Action {
    kAck,      // done; the event does not come again
    kRetry,    // not now: again after `delay`, or after the subscription's backoff; counts as a try
    kPark,     // never like this: straight to the dead letters
    kSkip,     // done with, without having been processed
    kRelease,  // not here: to another consumer at once; counts as no try
    kLeave,    // nothing is said: it comes again after its deadline, or when this stream has ended
  };

  static Settlement Ack() { return {Action::kAck, {}, {}}; }
  static Settlement Retry(std::string reason, std::optional<absl::Duration> delay = {}) {
    return {Action::kRetry, std::move(reason), delay};
  }
  static Settlement Park(std::string reason) { return {Action::kPark, std::move(reason), {}}; }
  static Settlement Skip(std::string reason) { return {Action::kSkip, std::move(reason), {}}; }
  static Settlement Release(std::string reason) {
    return {Action::kRelease, std::move(reason), {}};
  }
  static Settlement Leave() { return {Action::kLeave, {}, {}}; }

  Settlement() = default;
  Settlement(Action the_action, std::string the_reason, std::optional<absl::Duration> the_delay)
      : action(the_action), reason(std::move(the_reason)), delay(the_delay) {}
  // As a handler's status says: OK acknowledges; an error asks for a retry, with its words as the
  // reason.
  // NOLINTNEXTLINE(google-explicit-constructor): so that a handler can return the status itself
  Settlement(const absl::Status& status)
      : action(status.ok() ? Action::kAck : Action::kRetry),
        reason(status.message().empty() && !status.ok() ? status.ToString()
                                                        : std::string(status.message())) {}

  Action action = Action::kLeave;
  std::string reason;
  std::optional<absl::Duration> delay;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_
