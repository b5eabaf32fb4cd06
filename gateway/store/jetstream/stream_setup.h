#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_SETUP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_SETUP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// The streams of a store, found or made.
struct StoreStreams {
  std::string store_id;  // 16 hexadecimal digits
  StreamInfo events;
  StreamInfo state;
  StreamInfo dead;
  StreamInfo rejected;
  StreamInfo nonces;
};

// Finds the streams of a store, makes those that are missing, and looks whether all of them are as
// the engine needs them. The stream of events tells the store's identity in its description, which
// the others repeat, so that none is taken for another store's.
//
// Blocking: for some answers of the servers. Errors: kFailedPrecondition (a stream is there, but is
// not as it must be, or is another store's, or cannot be made as the options say: what is wrong is
// said, beginning with the setting that can mend it, and the stream's name), kUnavailable (the
// servers do not answer, or cannot serve now).
absl::StatusOr<StoreStreams> SetUpStreams(JetStreamApi* api, const Subjects& subjects,
                                          const JetStreamOptions& options);

// The id that a stream's description tells; empty: none.
std::string StoreIdOf(absl::string_view description);

// Whether the stream of events is as its gateways need it, and has this deduplication window:
// another one would be the servers', whatever the settings promise. kFailedPrecondition: what to
// do, beginning with the setting if it is one's.
absl::Status CheckEventsStream(const StreamInfo& events, absl::Duration window);

// Changes the deduplication window of the stream of events, for all gateways on it. The window that
// it had. Blocking. Errors: as of the servers.
absl::StatusOr<absl::Duration> ChangeWindow(JetStreamApi* api, const std::string& events_stream,
                                            absl::Duration window);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_SETUP_H_
