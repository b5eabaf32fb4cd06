#ifndef ONHOOK_GATEWAY_DELIVERY_RESUME_ADVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_RESUME_ADVICE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "gateway/store/store.h"

namespace onhook {

// Makes more of the error that a cursor was refused with: if it is of a store that this one was
// restored from, the time to resume from, so that nothing which is stored here is missed. Any other
// error, and any other cursor, stays as it is.
//
// Up to the newest event of the backup, the events are the same: reading goes on with the receipt
// of the event that the cursor stands behind, which may come once more. Beyond it, what the reader
// has seen last is not here: reading goes on with what came after the backup was taken. The time
// stands in the message and, by RFC 3339, in the ErrorInfo's `resume_from`.
//
// Threads: any. Blocking: never; `done` may be called before this returns. `store` must outlive
// that.
void AdviseResuming(const absl::Status& refused, const std::string& cursor, Store& store,
                    std::function<void(absl::Status)> done);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_RESUME_ADVICE_H_
