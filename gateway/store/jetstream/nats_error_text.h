#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_ERROR_TEXT_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_ERROR_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// What libnats says of a connection that failed or broke, for who runs a gateway: `kind` is the
// name of the error, `detail` what it adds. Where in libnats it was found is left out, and the
// settings that can be wrong are named, where a server answered and let nobody in: that does not
// pass like an outage. Threads: any. Blocking: never. Errors: none.
std::string NatsErrorText(absl::string_view kind, absl::string_view detail);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_ERROR_TEXT_H_
