#ifndef ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_
#define ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gateway/store/store.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// What SubscriptionService does with dead letters, free of gRPC. Reading is as SubscriptionCalls.
// Changing never blocks: many dead letters take many commits, and nobody else is to wait for them.
class DeadLetterCalls {
 public:
  using Done = std::function<void(absl::Status)>;

  // `store` must outlive this. `max_changes` may be under way; more are told kUnavailable.
  DeadLetterCalls(Store* store, int max_changes) : store_(store), max_changes_(max_changes) {}

  // So many may be under way from now on. Threads: any, here and below.
  void SetMaxChanges(int max_changes) { max_changes_ = max_changes; }

  absl::Status List(const v1::ListDeadLettersRequest& request,
                    v1::ListDeadLettersResponse& response);
  absl::Status Get(const v1::GetDeadLetterRequest& request, v1::GetDeadLetterResponse& response);
  // `done` comes from the caller's thread or the engine's, with the complete `response`, which must
  // live until then.
  void Redrive(const v1::RedriveDeadLettersRequest& request,
               v1::RedriveDeadLettersResponse* response, Done done);
  void Discard(const v1::DiscardDeadLettersRequest& request,
               v1::DiscardDeadLettersResponse* response, Done done);

 private:
  using Change = void (SubscriptionQueue::*)(DeadLetterSelection,
                                             SubscriptionQueue::Done<DeadLetterOutcome>);
  // How many were changed, and the ids that name none.
  using Changed = std::function<void(int64_t count, const std::vector<std::string>& unknown)>;

  // Redrives or discards, which ask and answer alike.
  template <typename Request>
  void Run(const Request& request, Change change, Changed changed, Done done);

  void Fill(const DeadLetter& letter, v1::DeadLetter& told) const;

  Store* const store_;
  std::atomic<int> max_changes_;
  std::atomic<int> changes_{0};  // under way
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_
