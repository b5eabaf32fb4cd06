#ifndef ONHOOK_GATEWAY_STORE_STORE_H_
#define ONHOOK_GATEWAY_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/backup.h"
#include "gateway/store/event_log.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/store_limits.h"
#include "gateway/store/subscription_queue.h"
#include "onhook/v1/release_event.pb.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// A subscription, beside its deliveries.
struct SubscriptionInfo {
  std::string name;
  v1::SubscriptionSpec spec;
  bool declared = false;  // in the settings, now
  bool paused = false;    // hands out nothing
  absl::Time created_at;
};

// What a store holds and takes, beside its subscriptions.
struct StoreStats {
  int64_t events = 0;                // in the log
  int64_t bytes = 0;                 // that it takes where it is kept
  std::optional<int64_t> free_disk;  // bytes; unset: there is no disk, or it cannot be told
  int64_t minimum_free_disk = 0;     // bytes, below which nothing new is stored
  // By their limits, since the store was opened.
  int64_t dead_letters_removed_by_age = 0;
  int64_t dead_letters_removed_by_size = 0;
};

// A subscription as the settings declare it.
struct Declaration {
  std::string name;
  v1::SubscriptionSpec spec;
};

// An engine, opened: one log and the queues of its subscriptions.
//
// Subscriptions are changed here, and used through their queues. A queue outlives its
// subscription's deletion for as long as somebody holds it, and the store must outlive them all.
//
// Threads: any. Blocking: the methods that change or list subscriptions may wait for the disk.
// Errors of all that change something: kUnavailable, kResourceExhausted (no room); then nothing was
// changed.
class Store {
 public:
  // Closes the store if that has not been done.
  virtual ~Store() = default;

  // Identifies this store, 16 lower-case hexadecimal digits, chosen when it was created. Cursors
  // and delivery ids of another store mean nothing here. Empty: it has not been reached yet since
  // the gateway started; it looks empty, and what is asked of it is kUnavailable.
  virtual const std::string& store_id() const = 0;

  // The stores that this one was restored from, the newest last. Ids and cursors of these are
  // refused as any other store's; but what became of them is known.
  virtual std::vector<StoreAncestor> ancestors() const { return {}; }

  virtual v1::DurabilityClass durability_class() const = 0;

  virtual EventLog& log() = 0;

  // Does `work`, within which this thread appends what is to share one commit, as far as that can
  // be: it is begun by the end of `work` at the latest. Blocking: for commits.
  virtual void Together(absl::FunctionRef<void()> work) { work(); }

  // Callbacks that were refused and kept.
  virtual Quarantine& quarantine() = 0;

  // Whether something new may be stored now, as far as that is known without trying. Never blocks.
  // kResourceExhausted: too little room is left; what is stored is still delivered and settled.
  virtual absl::Status CheckRoom() const = 0;

  // Blocking: asks the file system for sizes.
  virtual StoreStats Stats() const = 0;

  // Copies everything as it is at one moment, not before this is called, while all goes on; one
  // copy at a time. Blocking: for as long as that takes, for the disk. Errors: what `go_on` says;
  // kResourceExhausted (there is a copy already, or it would bring the disk below
  // minimum_free_disk), kUnavailable (not now, closing), kDataLoss (what was copied is damaged),
  // kUnimplemented (this engine has nothing to copy).
  virtual absl::StatusOr<std::unique_ptr<BackupCopy>> MakeBackup(const BackupGoOn&) {
    return absl::UnimplementedError("this engine makes no backups");
  }

  // The queues of all subscriptions, by name. Never blocks.
  virtual std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const = 0;

  // Other limits hold from now on. What is over them goes in the course of housekeeping, as if the
  // store had been opened with them; nothing that was removed comes back. Never blocks.
  virtual void SetLimits(const StoreLimits& limits) = 0;

  // The queue of a subscription; the same object every time. Errors: kNotFound.
  virtual absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const = 0;

  // The queue of a subscription, created durably if there is none of that name.
  // Errors: kFailedPrecondition (it exists with another specification), and those of
  // CreateSubscription but kAlreadyExists.
  virtual absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) = 0;

  // Makes the settings' subscriptions exist as they are declared; those that were declared before
  // and are no more stay, as if created by API, but never expire. To be called once, before the
  // first event. Errors: kInvalidArgument, naming the subscription.
  virtual absl::Status Declare(const std::vector<Declaration>& declarations) = 0;

  // Errors: kInvalidArgument (a bad name or specification), kAlreadyExists, kResourceExhausted (too
  // many subscriptions), kUnimplemented (the specification asks for what this engine cannot do).
  virtual absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string& name,
                                                              const v1::SubscriptionSpec& spec) = 0;

  // Errors: kNotFound.
  virtual absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string& name) const = 0;

  // All of them, by name.
  virtual std::vector<SubscriptionInfo> ListSubscriptions() const = 0;

  // Changes what a subscription is set to; its position and deliveries stay. What a filter has
  // excluded already stays settled. Errors: kNotFound, kInvalidArgument, kFailedPrecondition
  // (declared in the settings, or another start_position), kUnimplemented.
  virtual absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string& name,
                                                              const v1::SubscriptionSpec& spec) = 0;

  // Deletes a subscription with its position and dead letters, and tells its consumers.
  // Errors: kNotFound, kFailedPrecondition (declared in the settings).
  virtual absl::Status DeleteSubscription(const std::string& name) = 0;

  // Sends a subscription to a place: it owes everything behind `after`, as if it had never seen it.
  // Dead letters stay. Deliveries from before become unknown. Errors: kNotFound, kOutOfRange
  // (events behind `after` are no longer kept, or it is beyond the newest).
  virtual absl::Status Seek(const std::string& name, Sequence after) = 0;

  // Stops handing out, or goes on. Lasts over restarts. Errors: kNotFound.
  virtual absl::Status SetPaused(const std::string& name, bool paused) = 0;

  // --- for receipts

  // Calls `listener` after each commit in which a subscription settled events by acks, skips or
  // parking. To be called while the gateway is being put together, before the first Append.
  using SettledListener =
      std::function<void(const std::string& subscription, const SequenceSet& sequences)>;
  virtual void AddSettledListener(SettledListener listener) = 0;

  // Whether some subscription has settled the event by ack, skip or parking. Never blocks.
  // Errors: kUnavailable, kInternal.
  virtual void FindProcessed(Sequence sequence, std::function<void(absl::StatusOr<bool>)> done) = 0;

  // Which of `subscriptions` have settled the event by ack, skip or parking, ever: not those that
  // were done with it without having received it, because it lies before their start, or a filter,
  // a seek or the backlog limit kept it from them. Never blocks. Errors as FindProcessed.
  virtual void FindProcessedBy(
      Sequence sequence, std::vector<std::string> subscriptions,
      std::function<void(absl::StatusOr<std::vector<std::string>>)> done) = 0;

  // Whether there are subscriptions and the filter of every one excludes the event. Never blocks.
  virtual bool ExcludedByAll(const v1::ReleaseEvent& event) const = 0;

  // Finishes what is being written, answers everything else kUnavailable, and leaves the data in
  // one file where the engine has files. Blocks. Afterwards only the destructor may be called.
  virtual absl::Status Close() = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_STORE_H_
