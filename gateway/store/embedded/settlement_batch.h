#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_SETTLEMENT_BATCH_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_SETTLEMENT_BATCH_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/subscription_state.h"

namespace onhook {

// What one commit writes of one subscription's deliveries: settled events as runs, one row for each
// consumer, kind and run; and rows of their own for whatever failed, was skipped or parked.
//
// Threads: one at a time. Blocking: Write.
class SettlementBatch {
 public:
  // Epochs of decisions count the seeks since the store was opened, behind this number.
  SettlementBatch(int64_t subscription_id, int64_t first_epoch_number, absl::Time now)
      : subscription_id_(subscription_id), first_epoch_number_(first_epoch_number), now_(now) {}
  SettlementBatch(const SettlementBatch&) = delete;
  SettlementBatch& operator=(const SettlementBatch&) = delete;

  // `reason`: the consumer's words, or empty. `settled`: by an earlier commit; then an ack ends its
  // dead letter, and nothing else is written.
  void Add(const SubscriptionState::Decision& decision, const std::string& consumer_name,
           const std::string& reason, bool settled);
  // Runs that were settled without anybody's request, in this epoch.
  void AddRuns(int64_t epoch, const SequenceSet& runs, SettlementRow::Kind kind);

  absl::Status Write(Storage& storage) const;

  // What consumers have settled, by acks, skips and parking.
  const SequenceSet& processed() const { return processed_; }

 private:
  using Key = std::pair<std::pair<int64_t, SettlementRow::Kind>, std::string>;  // epoch, consumer

  // The runs of one row's kind. Whoever settles goes on settling: the last one is found at once.
  SequenceSet& RunsOf(int64_t epoch, SettlementRow::Kind kind, const std::string& consumer_name);
  void AddHistory(const SubscriptionState::Decision& decision, v1::TimelineEntry::Kind kind,
                  const std::string& consumer_name, const std::string& reason);
  void AddDeadLetter(const SubscriptionState::Decision& decision, const std::string& consumer_name,
                     const std::string& reason);

  const int64_t subscription_id_;
  const int64_t first_epoch_number_;
  const absl::Time now_;
  std::map<Key, SequenceSet> settled_;
  std::map<Key, SequenceSet>::iterator last_runs_ = settled_.end();  // that RunsOf gave
  std::map<int64_t, SequenceSet> written_;                           // by epoch
  SequenceSet processed_;
  std::vector<HistoryRow> history_;
  std::vector<DeadLetterRow> dead_letters_;
  std::vector<Sequence> ended_dead_letters_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_SETTLEMENT_BATCH_H_
