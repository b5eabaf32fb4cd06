#ifndef ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_
#define ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/http/http_message.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// Somebody who sends callbacks, and how the gateway takes them.
struct CallbackSource {
  std::string name = "default";          // what events call it
  std::string path = "/release-events";  // where it posts to
  v1::Authentication authentication = v1::AUTHENTICATION_NONE;
  // The zone of the vendor's times, and its IANA name.
  absl::TimeZone time_zone = absl::UTCTimeZone();
  std::string time_zone_name = "UTC";
  AcknowledgePolicy acknowledge;
};

// Takes a callback from its bytes to its acknowledgment; the HTTP server calls it for each request.
//
// Promises: answers success only if the event is stored and its source's policy is met. What it
// refuses is not stored. Every answer is in the vendor's format. Logs nothing that the callback
// said but the event's identity.
// Threads: any. Blocking: Handle, while the event is stored and for up to the policy's timeout.
// Errors: none; they are answers.
class CallbackHandler {
 public:
  // `clock`, `log` and `desk` must outlive the handler.
  CallbackHandler(CallbackSource source, const Clock* clock, const Log* log, ReceiptDesk* desk);

  HttpResponse Handle(const HttpRequest& request) const;

 private:
  // Bytes -> words -> event -> receipt. `event_id` is set once there is one.
  absl::Status Accept(const HttpRequest& request, std::string& event_id) const;
  // One line at debug, and now and then one for the operator when what is valid meets no success. A
  // refusal's message may hold the sender's words and is left out.
  void LogOutcome(absl::string_view event_id, const absl::Status& status) const;

  const CallbackSource source_;
  const Clock* clock_;
  const Log* log_;
  ReceiptDesk* desk_;
  mutable LogThrottle not_forwarded_;
  mutable LogThrottle not_stored_;
  mutable LogThrottle refused_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CALLBACK_HANDLER_H_
