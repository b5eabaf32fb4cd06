#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_MESSAGE_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_MESSAGE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {

// How an event lies in a message. Pure functions. Threads: any. Blocking: never.

// The identity of an event's content, 32 hexadecimal digits: of source, call_serial_no and digest.
// It is the message's id.
std::string IdentityOf(const NewEvent& event);
std::string IdentityOf(const jetstream::StoredEvent& stored);

jetstream::StoredEvent EncodeEvent(const NewEvent& event);

// As the log gives it; `corrupt` if the message is none of ours, or does not fit its checksum.
LogEventPtr DecodeEvent(absl::string_view data, Sequence sequence, absl::Time stored_at);
LogEventPtr DecodeEvent(jetstream::StoredEvent stored, Sequence sequence, absl::Time stored_at);

// Nothing if it has none. Errors: kDataLoss (it does not fit its checksum).
absl::StatusOr<std::optional<std::string>> RawBodyOf(const jetstream::StoredEvent& stored);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_MESSAGE_H_
