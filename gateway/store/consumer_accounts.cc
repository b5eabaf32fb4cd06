#include "gateway/store/consumer_accounts.h"

namespace onhook {

void ConsumerAccounts::Attach(ConsumerId consumer, ConsumerLimits limits,
                              std::optional<absl::Duration> deadline) {
  Account& account = accounts_[consumer];
  account.limits = limits;
  account.deadline = deadline;
}

void ConsumerAccounts::SetLimits(ConsumerId consumer, ConsumerLimits limits) {
  const auto it = accounts_.find(consumer);
  if (it == accounts_.end()) return;
  it->second.limits = limits;
  // Who takes nothing is of no use to an event that waits for it.
  if (limits.paused && reserved_ == consumer) reserved_ = 0;
}

void ConsumerAccounts::Detach(ConsumerId consumer) {
  accounts_.erase(consumer);
  if (reserved_ == consumer) reserved_ = 0;
  if (alone_ == consumer) alone_ = 0;
}

bool ConsumerAccounts::HasCredit(ConsumerId consumer, int64_t bytes) const {
  const auto it = accounts_.find(consumer);
  if (it == accounts_.end() || it->second.limits.paused || alone_ == consumer) return false;
  const Account& account = it->second;
  if (account.events == 0) return true;
  return reserved_ != consumer && account.events < account.limits.max_outstanding_events &&
         account.bytes + bytes <= account.limits.max_outstanding_bytes;
}

std::optional<absl::Duration> ConsumerAccounts::DeadlineOf(ConsumerId consumer) const {
  const auto it = accounts_.find(consumer);
  return it == accounts_.end() ? std::nullopt : it->second.deadline;
}

int64_t ConsumerAccounts::EventsOf(ConsumerId consumer) const {
  const auto it = accounts_.find(consumer);
  return it == accounts_.end() ? 0 : it->second.events;
}

bool ConsumerAccounts::HasOther(ConsumerId consumer) const {
  for (const auto& [id, account] : accounts_) {
    if (id != consumer && HasCredit(id, 1)) return true;
  }
  return false;
}

void ConsumerAccounts::Add(ConsumerId consumer, int64_t bytes) {
  Account& account = accounts_.at(consumer);
  ++account.events;
  account.bytes += bytes;
  ++outstanding_;
}

void ConsumerAccounts::Remove(ConsumerId consumer, int64_t bytes) {
  Account& account = accounts_.at(consumer);
  --account.events;
  account.bytes -= bytes;
  --outstanding_;
}

void ConsumerAccounts::Clear() {
  for (auto& [id, account] : accounts_) account.events = account.bytes = 0;
  outstanding_ = 0;
  reserved_ = alone_ = 0;
}

}  // namespace onhook
