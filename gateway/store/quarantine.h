#ifndef ONHOOK_GATEWAY_STORE_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_QUARANTINE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "onhook/v1/rejected_callback_service.pb.h"

namespace onhook {

// A callback that was refused, as ingress hands it over.
struct NewRejectedCallback {
  std::string source;
  absl::Time received_at;  // microseconds are kept
  v1::RejectedCallback::Reason reason = v1::RejectedCallback::REASON_UNSPECIFIED;
  std::string detail;        // at most 1,024 bytes of UTF-8; names fields, repeats no values
  std::string content_type;  // at most 128 bytes of printable ASCII
  std::string raw_body;      // bounded by http.max_body_bytes
};

// One that is kept.
struct RejectedCallback {
  int64_t id = 0;                // grows; never used again
  NewRejectedCallback callback;  // of a listing: without its raw_body
  int64_t body_bytes = 0;
};

struct RejectedCallbackQuery {
  std::string source;  // empty: of all
  int64_t after = 0;   // only those with a greater id
  int max_callbacks = 100;
};

// How much is kept.
struct QuarantineSize {
  int64_t callbacks = 0;
  int64_t bytes = 0;  // as the limit counts them
};

// Callbacks that were refused and are kept, until somebody deals with them or their time is over.
//
// Why: a refusal tells the vendor never to repeat. If it was our fault (a key not yet rotated, a
// form not foreseen) this copy is all there is of the call.
//
// Promises
//   R1 durable   What Keep reported is on disk, byte for byte.
//   R2 once      An equal body of the same source with the same reason, kept already, is not kept
//                again: what is there is reported.
//   R3 bounded   Bodies take no more than the size limit: as long as they do, the source that takes
//                most loses its oldest, so that who floods one source pushes out nothing of others
//                that take less. What goes is counted. One Keep removes some hundreds; what a
//                lowered limit leaves to be done, housekeeping and the next ones do. None stays
//                longer than the age limit, about.
//   R4 gone      What Discard reported comes back in no listing, before a crash and after.
// Threads: any. Callbacks come from the caller's thread or one of the engine's; they must not
// block. Blocking: as EventLog::Append: a writer may do the commit on its own thread. Errors of
// all: kUnavailable (closing, or the engine cannot now), kInternal (it cannot read).
class Quarantine {
 public:
  template <typename Result>
  using Done = std::function<void(absl::StatusOr<Result>)>;

  virtual ~Quarantine() = default;

  // Keeps one; the result is its id. Also, with nothing kept, kResourceExhausted (no room on the
  // disk, or it is larger than the whole quarantine may be) and kOutOfRange (larger than the engine
  // ever stores: see largest_body).
  virtual void Keep(NewRejectedCallback callback, Done<int64_t> done) = 0;

  // By id, without bodies.
  virtual void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) = 0;

  // With its body. Also kNotFound, kDataLoss (its bytes do not fit their checksum).
  virtual void Get(int64_t id, Done<RejectedCallback> done) = 0;

  // Removes those that are there; the result is the ids that are not. At most 1,000 ids, else
  // kInvalidArgument.
  virtual void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) = 0;

  virtual void Measure(Done<QuarantineSize> done) = 0;

  // How many bytes a body may take that is kept whatever stands beside it. 0: no limit of the
  // engine, or none that is known yet.
  virtual int64_t largest_body() const { return 0; }

  // How many the limits of size and age have removed, since it was opened; and how many of them for
  // their age. Blocking: never.
  virtual int64_t removed_by_limit() const { return 0; }
  virtual int64_t removed_by_age() const { return 0; }
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_QUARANTINE_H_
