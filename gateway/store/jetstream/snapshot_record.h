#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_

#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// What a record of the journal says, in the words of the other engines. Blocking: never.

// Without its name, which the record's subject says.
SubscriptionRecord RecordOf(const jetstream::SubscriptionChange::Snapshot& snapshot);

Trials TrialsOf(const jetstream::SubscriptionChange::Failed& failed);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SNAPSHOT_RECORD_H_
