#ifndef ONHOOK_GATEWAY_INGRESS_CALLBACK_READER_H_
#define ONHOOK_GATEWAY_INGRESS_CALLBACK_READER_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gateway/ingress/authenticator.h"
#include "gateway/ingress/callback_source.h"
#include "gateway/ingress/rejection.h"
#include "gateway/store/event_log.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// What is known of a callback beside its body.
struct CallbackContext {
  absl::Time received_at;
  absl::string_view traceparent;
  // It comes from the quarantine: no header is left that could prove anything, so unless its
  // signature does, or its source asks for nothing, it is unverified. The replay window is past.
  bool reparsed = false;
  // Of one that is reparsed: its nonce is no longer known, so nobody can tell whether it came with
  // another content before. It is taken unverified.
  bool nonce_may_be_forgotten = false;
  // It was found out already that it does not verify, and its source only reports that.
  absl::optional<Distrust> tolerated;
};

// A callback that may be stored.
struct AdmittedCallback {
  NewEvent new_event;
  // Why it would not have been admitted, where the source only reports that.
  absl::optional<Distrust> tolerated;
};

// Turns a body into an event: read, proved, mapped, in this order. `event` must be empty; on an
// arena it costs one allocation. Fills `admitted`, or says why the callback is rejected.
//
// Threads: any. Blocking: as SecretFile::Get.
absl::optional<Rejection> ReadCallback(const CallbackSource& source, absl::string_view body,
                                       const CallbackContext& context, v1::ReleaseEvent& event,
                                       AdmittedCallback& admitted);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CALLBACK_READER_H_
