#ifndef ONHOOK_GATEWAY_STORE_CONSUMER_ACCOUNTS_H_
#define ONHOOK_GATEWAY_STORE_CONSUMER_ACCOUNTS_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// What each consumer of a subscription holds, against what it may hold; and which of them is kept
// for an event that is to be alone with its consumer.
//
// At most one consumer at a time is kept: first reserved (it holds other events, and gets nothing
// more until they are settled), then alone with the event. So one suspicious event costs a
// subscription one consumer, never all.
//
// Threads: one at a time. Errors: none.
class ConsumerAccounts {
 public:
  void Attach(ConsumerId consumer, ConsumerLimits limits, std::optional<absl::Duration> deadline);
  void SetLimits(ConsumerId consumer, ConsumerLimits limits);
  // What it holds must have been taken off.
  void Detach(ConsumerId consumer);

  bool attached(ConsumerId consumer) const { return accounts_.contains(consumer); }
  // Whether it may hold one event more, of that many bytes at least.
  bool HasCredit(ConsumerId consumer, int64_t bytes) const;
  // The deadline it asked for itself.
  std::optional<absl::Duration> DeadlineOf(ConsumerId consumer) const;
  int64_t EventsOf(ConsumerId consumer) const;
  // Whether any other consumer could take an event that this one does not want.
  bool HasOther(ConsumerId consumer) const;

  void Add(ConsumerId consumer, int64_t bytes);
  void Remove(ConsumerId consumer, int64_t bytes);
  // All accounts become empty, and nobody is kept.
  void Clear();

  // Who is reserved, or alone with an event; 0: nobody.
  ConsumerId reserved() const { return reserved_; }
  ConsumerId alone() const { return alone_; }
  void SetReserved(ConsumerId consumer) { reserved_ = consumer; }
  void SetAlone(ConsumerId consumer) { alone_ = consumer; }

  // Events with consumers.
  int64_t outstanding() const { return outstanding_; }

 private:
  struct Account {
    ConsumerLimits limits;
    std::optional<absl::Duration> deadline;
    int64_t events = 0;
    int64_t bytes = 0;
  };

  absl::flat_hash_map<ConsumerId, Account> accounts_;
  ConsumerId reserved_ = 0;
  ConsumerId alone_ = 0;
  int64_t outstanding_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_CONSUMER_ACCOUNTS_H_
