#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/sequence.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// A subscription as it lies in storage.
struct SubscriptionRecord {
  int64_t id = 0;  // chosen by the storage
  std::string name;
  v1::SubscriptionSpec spec;
  uint64_t epoch = 0;  // see delivery_id.h
  absl::Time created_at;
  Sequence start = 0;      // it never owed what lies up to here
  Sequence floor = 0;      // everything up to here is settled
  SequenceSet settled;     // what is settled above it
  int64_t journal_id = 0;  // number of its newest journal row
};

// One row of a subscription's journal: what one consumer settled in one commit.
struct SettlementRow {
  int64_t subscription_id = 0;
  int64_t journal_id = 0;  // one more than the row before
  SequenceSet sequences;
  std::string consumer_name;
  absl::Time settled_at;
};

// Replays one row on the state of its subscription, if it is newer than that.
void ApplySettlement(const SettlementRow& row, SubscriptionRecord& subscription);

// What a storage holds when it is opened.
struct RecoveredState {
  std::string store_id;  // 16 lower-case hexadecimal digits
  Sequence last = 0;     // newest event
  std::vector<SubscriptionRecord> subscriptions;
  std::map<std::string, SequenceSet> forwarded;  // by receiver
};

// The rows underneath an embedded store, without any rule of their own: memory for tests, SQLite
// for a machine. Everything above it (group commit, the tail in memory, queues) is the same code.
//
// Threads: the methods of a transaction, Maintain and Close from one thread at a time; those that
// read from one other thread at a time, beside them.
// Errors: kResourceExhausted (no room), kUnavailable (cannot now): the transaction is to be rolled
// back and nothing of it will ever be seen. kDataLoss: what became of the transaction is not known,
// or the storage is damaged: nothing may be answered any more; the process must end and open the
// storage anew.
class Storage {
 public:
  virtual ~Storage() = default;

  // Called once, first. When it returns, everything it tells of is durable.
  virtual absl::StatusOr<RecoveredState> Recover() = 0;

  // --- a transaction: Begin, any number of writes, then Commit or Rollback

  virtual absl::Status Begin() = 0;
  // Inserts the event as `next`, or finds the event of the same identity.
  virtual absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, Sequence next,
                                                   absl::Time stored_at) = 0;
  virtual absl::Status InsertSettlement(const SettlementRow& row) = 0;
  // Replaces what is kept as the subscription's state as of `subscription.journal_id`.
  virtual absl::Status SaveState(const SubscriptionRecord& subscription) = 0;
  // Inserts a new subscription and returns its id.
  virtual absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) = 0;
  // Keeps a run of events that were forwarded; it replaces one of the same receiver and `first`.
  virtual absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) = 0;
  // OK: durable. After any error the transaction is gone.
  virtual absl::Status Commit() = 0;
  virtual void Rollback() = 0;

  // --- between transactions

  // Whether Maintain is worth calling.
  virtual bool NeedsMaintenance() const = 0;
  // Does what keeps the storage quick and small, in a bounded time. kDataLoss as above; other
  // errors mean only that it was not done.
  virtual absl::Status Maintain() = 0;
  virtual absl::Status Close() = 0;

  // --- reading, up to and including `last`

  virtual absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                        ReadLimits limits) = 0;
  virtual absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) = 0;
  virtual absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence last) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_
