#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_REGISTRY_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/loss_doubt.h"
#include "gateway/store/store.h"

namespace onhook {

// The subscriptions of a JetStream store: what the journal says there are, and the calls that
// change them, each of which is a record of the journal. Of two gateways that change the same thing
// at the same time the record that comes first counts, and the other's call is told what came of
// its own.
//
// Threads: any. Blocking: what changes something waits until its record is applied; never call it
// on one of the connection's threads. Errors: as those of the same names in Store; kUnavailable
// also when the outcome is not known: it may have been changed all the same.
class SubscriptionRegistry {
 public:
  using QueuePtr = std::shared_ptr<JetStreamQueue>;
  // How long a change may take, in the time of a request: the servers may choose a leader
  // meanwhile.
  static constexpr int kMostRequestTimes = 4;

  explicit SubscriptionRegistry(const JetStreamQueueEnvironment& environment)
      : environment_(environment) {}

  std::vector<QueuePtr> Queues() const;
  absl::StatusOr<QueuePtr> Find(const std::string& name) const;
  absl::StatusOr<SubscriptionInfo> Get(const std::string& name) const;
  std::vector<SubscriptionInfo> List() const;
  bool ExcludedByAll(const v1::ReleaseEvent& event) const;

  absl::StatusOr<QueuePtr> FindOrCreateQueue(const std::string& name,
                                             const v1::SubscriptionSpec& spec);
  absl::StatusOr<SubscriptionInfo> Create(const std::string& name,
                                          const v1::SubscriptionSpec& spec);
  absl::StatusOr<SubscriptionInfo> Update(const std::string& name,
                                          const v1::SubscriptionSpec& spec);
  absl::Status Delete(const std::string& name);
  absl::Status Seek(const std::string& name, Sequence after);
  absl::Status SetPaused(const std::string& name, bool paused);
  absl::Status Declare(const std::vector<Declaration>& declarations);
  // Those that nobody has used for longer than they may be.
  void DeleteUnused();
  // Removes what is left among the dead letters of subscriptions that are no more: after a start,
  // and after another gateway deleted one, which may have ended since. To be called by one thread,
  // again and again.
  void RemoveOrphans();

  // --- for the store
  void Apply(int64_t place, const jetstream::SubscriptionChanges& changes, int64_t number);
  // The journal's beginning is applied: the queues may ask for events.
  void Open();
  void Tick();
  // The stream of events seems to have lost what lay behind `kept`, `lost` for one: what the
  // journal says of these sequences is not about the events that get them now. Blocking: never.
  void NoteLoss(Sequence kept, const SequenceMarks::Mark& lost);
  // Looks whether there was a loss while no gateway saw it, and notes it. To be called with the
  // journal's beginning applied, before this gateway appends anything. Errors: kUnavailable.
  absl::Status LookForLoss();
  // Sends every subscription back to what is kept, if a loss was noted some seconds ago and is one
  // still, and no gateway has done so since. To be called every second or so.
  void RecoverFromLoss();
  void Doubt();
  void Close();

 private:
  using Origin = SubscriptionRecord::Origin;

  absl::StatusOr<QueuePtr> Make(const std::string& name, const v1::SubscriptionSpec& spec,
                                Origin origin) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  absl::Status Respecify(const QueuePtr& queue, const v1::SubscriptionSpec& spec, Origin origin)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  // `lost_behind`: because of a loss.
  absl::Status Move(const QueuePtr& queue, Sequence after, std::optional<Sequence> lost_behind)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  absl::Status Remove(const QueuePtr& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mutex_);
  // Writes one change of a subscription, and waits until it is applied.
  absl::Status Write(const std::string& name,
                     const std::function<void(jetstream::SubscriptionChange&)>& fill);
  // Whether all of it is gone. Blocking.
  bool PurgeDead(const std::vector<std::string>& subjects, int64_t through);
  void NoteOrphans();
  absl::Status MakeConsumer(const std::string& stream, const ConsumerConfig& config);
  void RemoveConsumer(const std::string& stream, const std::string& consumer);
  void Tell(absl::string_view what, const std::string& name) const;

  // Whether nobody has to do it any more.
  bool SendBack(const LossDoubt::Loss& loss);

  const JetStreamQueueEnvironment environment_;
  absl::Mutex changing_mutex_;  // one change of this gateway at a time
  mutable absl::Mutex mutex_;
  std::map<std::string, QueuePtr> queues_ ABSL_GUARDED_BY(mutex_);
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool may_be_orphans_ ABSL_GUARDED_BY(mutex_) = true;
  LossDoubt loss_doubt_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SUBSCRIPTION_REGISTRY_H_
