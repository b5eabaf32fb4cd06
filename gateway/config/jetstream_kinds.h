#ifndef ONHOOK_GATEWAY_CONFIG_JETSTREAM_KINDS_H_
#define ONHOOK_GATEWAY_CONFIG_JETSTREAM_KINDS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_values.h"

namespace onhook {

// Kinds of values that only the JetStream engine's settings have. Pure. Threads: any.

// Where a NATS server is, and how it is spoken to.
struct NatsServer {
  bool is_tls = false;
  HostPort address;
};

// "nats://HOST:PORT" or "tls://HOST:PORT". Nothing else: a user or password is set beside it, where
// it can be kept from being shown. kInvalidArgument completes "the value ...".
absl::StatusOr<NatsServer> ParseNatsServer(absl::string_view text);

// One at least.
Kind<std::vector<std::string>> NatsServersKind();
// Name of a stream.
Kind<std::string> StreamNameKind();
// What subjects begin with: words, with dots between them.
Kind<std::string> SubjectPrefixKind();
Kind<int> ReplicasKind();
// Text on one line, or none.
Kind<std::string> UserKind();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_JETSTREAM_KINDS_H_
