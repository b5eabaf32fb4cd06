#ifndef ONHOOK_GATEWAY_STORE_STORE_H_
#define ONHOOK_GATEWAY_STORE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/store/event_log.h"
#include "gateway/store/subscription_queue.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// An engine, opened: one log and the queues of its subscriptions.
//
// Lifetime: the queues and the log live as long as the store. Threads: any.
class Store {
 public:
  // Closes the store if that has not been done.
  virtual ~Store() = default;

  // Identifies this store, 16 lower-case hexadecimal digits, chosen when it was created. Cursors
  // and delivery ids of another store mean nothing here.
  virtual const std::string& store_id() const = 0;

  virtual v1::DurabilityClass durability_class() const = 0;

  virtual EventLog& log() = 0;

  // The queue of a subscription; the same object every time. May block on the disk.
  // Errors: kNotFound.
  virtual absl::StatusOr<SubscriptionQueue*> FindQueue(const std::string& name) = 0;

  // The queue of a subscription, created durably if there is none of that name. May block on the
  // disk. Errors: kInvalidArgument (a bad name, or a specification out of its bounds),
  // kFailedPrecondition (it exists with another specification), kUnimplemented (the specification
  // asks for what this engine cannot do), kUnavailable.
  virtual absl::StatusOr<SubscriptionQueue*> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) = 0;

  // Finishes what is being written, answers everything else kUnavailable, and leaves the data in
  // one file where the engine has files. Blocks. Afterwards only the destructor may be called.
  virtual absl::Status Close() = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_STORE_H_
