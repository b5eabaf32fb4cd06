#ifndef ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_ROWS_H_
#define ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/event_log.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// What a memory storage keeps from one opening to the next.
struct MemoryRows {
  using Identity = std::tuple<std::string, std::string, std::string>;  // call, source, digest
  using EventKey = std::pair<int64_t, Sequence>;                       // of a subscription
  struct Event {
    NewEvent event;
    LogEventPtr stored;
  };
  struct KeptDeadLetter {
    int64_t id = 0;
    DeadLetterRow row;
    LogEventPtr event;
    bool redriven = false;
  };

  // Source, timestamp and nonce.
  using NonceKey = std::tuple<std::string, int64_t, std::string>;
  struct KeptNonce {
    std::string digest;
    absl::Time forget_at;
  };
  struct RejectedCallbacks {
    int64_t last_id = 0;
    int64_t bytes = 0;                               // as the limit counts them
    std::map<std::string, int64_t> bytes_by_source;  // of sources that have some
    std::map<int64_t, std::shared_ptr<const NewRejectedCallback>> kept;
  };

  std::string store_id;
  int64_t openings = 0;
  Sequence first = 1;
  std::deque<Event> events;  // of sequence first, first + 1, ...
  std::map<Identity, Sequence> sequence_by_identity;
  std::map<Identity, absl::Time> removed_identities;
  std::map<NonceKey, KeptNonce> nonces;
  std::map<std::string, int64_t> nonce_horizons;  // by source
  RejectedCallbacks rejected_callbacks;
  int64_t last_subscription_id = 0;
  std::map<int64_t, SubscriptionRecord> subscriptions;
  // By subscription, epoch and first sequence.
  std::map<std::tuple<int64_t, int64_t, Sequence>, SettlementRow> settlements;
  std::map<EventKey, std::vector<HistoryRow>> history;
  int64_t last_dead_letter_id = 0;
  std::map<EventKey, KeptDeadLetter> dead_letters;
  std::map<std::string, SequenceSet> forwarded;

  const Event& At(Sequence sequence) const { return events[static_cast<size_t>(sequence - first)]; }
};

// Where they lie. Threads: any, with the lock.
struct MemoryDisk {
  absl::Mutex mutex;
  MemoryRows rows ABSL_GUARDED_BY(mutex);

  // What a process that is killed now leaves behind.
  std::shared_ptr<MemoryDisk> Copy() {
    auto copy = std::make_shared<MemoryDisk>();
    absl::MutexLock lock(&mutex);
    absl::MutexLock copy_lock(&copy->mutex);
    copy->rows = rows;
    return copy;
  }
};

// Something to be done to the rows when the transaction commits.
using MemoryWrite = std::function<void(MemoryRows& rows)>;

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_MEMORY_MEMORY_ROWS_H_
