#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_

#include <optional>
#include <string>
#include <utility>

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

  Action action;
  std::string reason;
  std::optional<absl::Duration> delay;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SETTLEMENT_H_
