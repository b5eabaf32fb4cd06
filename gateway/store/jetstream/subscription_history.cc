#include "gateway/store/jetstream/subscription_history.h"

#include <utility>

namespace onhook {

void SubscriptionHistory::Add(SettlementRow row) {
  settlements_.push_back(std::move(row));
  if (settlements_.size() > kMost) settlements_.pop_front();
}

void SubscriptionHistory::Add(HistoryRow row) {
  history_.push_back(std::move(row));
  if (history_.size() > kMost) history_.pop_front();
}

EventRows SubscriptionHistory::Find(Sequence sequence) const {
  EventRows rows;
  for (const SettlementRow& row : settlements_) {
    if (row.range.first <= sequence && sequence <= row.range.last) rows.settlements.push_back(row);
  }
  for (const HistoryRow& row : history_) {
    if (row.sequence == sequence) rows.history.push_back(row);
  }
  return rows;
}

}  // namespace onhook
