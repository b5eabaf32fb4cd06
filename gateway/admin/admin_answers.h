#ifndef ONHOOK_GATEWAY_ADMIN_ADMIN_ANSWERS_H_
#define ONHOOK_GATEWAY_ADMIN_ADMIN_ANSWERS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/http/http_message.h"

namespace onhook {

// How the admin port words what it says: a line of text. Pure.
HttpResponse TextAnswer(int status, absl::string_view text);

// The same, of a moment: no cache keeps it.
HttpResponse FreshAnswer(int status, absl::string_view text);

// Of one of AdminGate's errors: 401 and how to show who one is, or 403.
HttpResponse RefusalAnswer(const absl::Status& status);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_ADMIN_ANSWERS_H_
