#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_MESSAGE_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_MESSAGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// How a callback that was refused lies in a message. Pure functions. Threads: any. Blocking: never.

// 32 hexadecimal digits that tell its body and reason from all others.
std::string RejectedHash(const NewRejectedCallback& callback);

std::string EncodeRejected(const NewRejectedCallback& callback);

// Errors: kDataLoss (the message is none of ours, or does not fit its checksum).
absl::StatusOr<NewRejectedCallback> DecodeRejected(absl::string_view data);

// What a listing tells of a message. Of one that cannot be read that is its source as its subject
// has it, when it was stored and how large it is: so it can be found and discarded.
RejectedCallback DescribeRejected(const StreamMessage& message);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_REJECTED_MESSAGE_H_
