#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_STORE_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_STORE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/store.h"

namespace onhook {

// Opens the store that lies in a JetStream of NATS servers, creating its streams if there are none.
// Several gateways may have it open at a time.
//
// `replaced` is called when its streams were removed, and another store's made in their place, as a
// gateway does that finds none: what this one knows is of the old. It should end the process.
// Blocking: until the servers answered, for at most some multiples of request_timeout. Errors:
// kInvalidArgument (the options name what cannot be used), kFailedPrecondition (the streams are
// there, but not as this engine needs them: what is wrong is said; or JetStream is not enabled),
// kUnavailable (no server answers, or none can serve now).
absl::StatusOr<std::unique_ptr<Store>> OpenJetStreamStore(
    const JetStreamOptions& options, const Clock* clock, const Log* log,
    std::function<void(const absl::Status&)> replaced);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_STORE_H_
