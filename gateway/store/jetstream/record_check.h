#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_RECORD_CHECK_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_RECORD_CHECK_H_

#include "absl/status/status.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {

// Whether a gateway can have written this record of the journal: its numbers are such as sequences,
// places and counts may be, so whoever applies it need not doubt them. Errors: kDataLoss, naming
// the field. Rules are never made stricter than what some version wrote: all gateways must agree
// on what they pass over.
absl::Status CheckRecord(const jetstream::SubscriptionChanges& changes);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_RECORD_CHECK_H_
