#ifndef ONHOOK_GATEWAY_INGRESS_CALLBACK_SOURCE_H_
#define ONHOOK_GATEWAY_INGRESS_CALLBACK_SOURCE_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gateway/config/settings.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/ingress/authenticator.h"

namespace onhook {

// Somebody who sends callbacks, made ready from the settings.
struct CallbackSource {
  std::string name = "default";  // what events call it
  std::unique_ptr<const Authenticator> authenticator;
  // The zone of the vendor's times, and its IANA name.
  absl::TimeZone time_zone = absl::UTCTimeZone();
  std::string time_zone_name = "UTC";
  AcknowledgePolicy acknowledge;
  bool always_200 = false;  // every answer has HTTP status 200
  bool enforced = true;     // false: what does not verify is accepted, marked and counted
  // For the header WWW-Authenticate of a refusal.
  std::string challenge = "None";
  Settings::CallbackLimits limits;
  bool keep_raw_body = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CALLBACK_SOURCE_H_
