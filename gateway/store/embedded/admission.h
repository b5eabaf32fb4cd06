#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_ADMISSION_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_ADMISSION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/embedded/storage.h"

namespace onhook {

// What became of one event in a transaction.
struct Admission {
  // kPermissionDenied, kNotFound: as of EventLog::Append; nothing was written. Its batch goes on.
  absl::Status refusal;
  AppendResult result;  // if it was not refused
};

// Inserts an event at `place`, or finds it, and keeps its nonce; unless its nonce or only_if_known
// forbid that. Writes in the transaction of `storage`. Errors: as Storage.
//
// Why a nonce that was seen can never store anything again, whatever the clock does: as long as it
// is kept, it admits repeats only. It is forgotten `nonce_memory` after it was seen and after its
// own time, whichever is later. So it is forgotten at a moment later than its timestamp, and its
// source's horizon has risen at least to that: from then on everything as old admits repeats only.
// The horizon stands still when the clock goes back, and what is newer than it was not forgotten.
// Where no replay window is kept (refuse_forgotten is false), none of this holds for a timestamp
// more than kMostAhead ahead: a sender with a wrong unit of time must not fill the disk.
absl::StatusOr<Admission> Admit(const NewEvent& event, LogPlace place, absl::Time stored_at,
                                absl::Duration nonce_memory, Storage& storage);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_ADMISSION_H_
