#include "gateway/store/embedded/storage.h"

namespace onhook {

void ApplySettlement(const SettlementRow& row, SubscriptionRecord& subscription) {
  if (row.journal_id <= subscription.journal_id) return;
  subscription.journal_id = row.journal_id;
  for (const auto& [first, last] : row.sequences.runs()) subscription.settled.Add({first, last});
  subscription.floor = subscription.settled.NextMissing(subscription.floor) - 1;
  subscription.settled.RemoveThrough(subscription.floor);
}

}  // namespace onhook
