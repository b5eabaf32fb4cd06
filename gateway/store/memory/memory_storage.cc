#include "gateway/store/memory/memory_storage.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

LogEventPtr ToLogEvent(Sequence sequence, const MemoryRows::Event& row) {
  auto event = std::make_shared<LogEvent>();
  event->sequence = sequence;
  event->received_at = row.event.received_at;
  event->stored_at = row.stored_at;
  event->event = row.event.event;
  return event;
}

bool Matches(const EventQuery& query, const NewEvent& event) {
  return (query.call_serial_no.empty() || query.call_serial_no == event.call_serial_no) &&
         (query.source.empty() || query.source == event.source) &&
         (query.digest.empty() || query.digest == event.digest) &&
         event.received_at >= query.received_from && event.received_at < query.received_before;
}

}  // namespace

absl::StatusOr<RecoveredState> MemoryStorage::Recover() {
  absl::MutexLock lock(&mutex_);
  if (rows_->store_id.empty()) {
    std::random_device device;
    const uint64_t id = (uint64_t{device()} << 32) | device();
    rows_->store_id = absl::StrCat(absl::Hex(id, absl::kZeroPad16));
  }
  RecoveredState state;
  state.store_id = rows_->store_id;
  state.last = static_cast<Sequence>(rows_->events.size());
  state.forwarded = rows_->forwarded;
  state.subscriptions = rows_->subscriptions;
  for (const SettlementRow& row : rows_->settlements) {
    ApplySettlement(row, state.subscriptions[static_cast<size_t>(row.subscription_id - 1)]);
  }
  return state;
}

absl::Status MemoryStorage::Begin() {
  staged_ = MemoryRows();
  absl::MutexLock lock(&mutex_);
  subscriptions_before_ = rows_->subscriptions.size();
  return absl::OkStatus();
}

absl::StatusOr<AppendResult> MemoryStorage::InsertEvent(const NewEvent& event, Sequence next,
                                                        absl::Time stored_at) {
  MemoryRows::Identity identity(event.call_serial_no, event.source, event.digest);
  {
    absl::MutexLock lock(&mutex_);
    const auto it = rows_->sequence_by_identity.find(identity);
    if (it != rows_->sequence_by_identity.end()) return AppendResult{it->second, true};
  }
  const auto [it, inserted] = staged_.sequence_by_identity.emplace(std::move(identity), next);
  if (!inserted) return AppendResult{it->second, true};
  staged_.events.push_back({event, stored_at});
  return AppendResult{next, false};
}

absl::Status MemoryStorage::InsertSettlement(const SettlementRow& row) {
  staged_.settlements.push_back(row);
  return absl::OkStatus();
}

absl::Status MemoryStorage::SaveState(const SubscriptionRecord&) {
  return absl::OkStatus();  // the journal is kept whole
}

absl::StatusOr<int64_t> MemoryStorage::InsertSubscription(const SubscriptionRecord& subscription) {
  staged_.subscriptions.push_back(subscription);
  const auto id = static_cast<int64_t>(subscriptions_before_ + staged_.subscriptions.size());
  staged_.subscriptions.back().id = id;
  return id;
}

absl::Status MemoryStorage::SaveForwarded(const std::string& receiver, SequenceRange range) {
  staged_.forwarded[receiver].Add(range);
  return absl::OkStatus();
}

absl::Status MemoryStorage::Commit() {
  absl::MutexLock lock(&mutex_);
  const auto move_rows = [](auto& from, auto& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_rows(staged_.events, rows_->events);
  move_rows(staged_.subscriptions, rows_->subscriptions);
  move_rows(staged_.settlements, rows_->settlements);
  rows_->sequence_by_identity.merge(staged_.sequence_by_identity);
  for (const auto& [receiver, sequences] : staged_.forwarded) {
    for (const auto& [first, last] : sequences.runs()) {
      rows_->forwarded[receiver].Add({first, last});
    }
  }
  return absl::OkStatus();
}

void MemoryStorage::Rollback() { staged_ = MemoryRows(); }

absl::StatusOr<std::vector<LogEventPtr>> MemoryStorage::Read(Sequence after, Sequence last,
                                                             ReadLimits limits) {
  absl::MutexLock lock(&mutex_);
  std::vector<LogEventPtr> events;
  size_t bytes = 0;
  for (Sequence sequence = after + 1; sequence <= last; ++sequence) {
    const MemoryRows::Event& row = rows_->events[static_cast<size_t>(sequence - 1)];
    bytes += row.event.event.size();
    const bool full = events.size() >= limits.max_events || bytes > limits.max_bytes;
    if (full && !events.empty()) break;
    events.push_back(ToLogEvent(sequence, row));
  }
  return events;
}

absl::StatusOr<std::vector<LogEventPtr>> MemoryStorage::Find(const EventQuery& query,
                                                             Sequence last) {
  absl::MutexLock lock(&mutex_);
  std::vector<LogEventPtr> found;
  for (Sequence sequence = query.after + 1; sequence <= last; ++sequence) {
    if (found.size() >= query.max_events) break;
    const MemoryRows::Event& row = rows_->events[static_cast<size_t>(sequence - 1)];
    if (Matches(query, row.event)) found.push_back(ToLogEvent(sequence, row));
  }
  return found;
}

absl::StatusOr<Sequence> MemoryStorage::FindPlace(absl::Time time, Sequence last) {
  absl::MutexLock lock(&mutex_);
  for (Sequence sequence = last; sequence > 0; --sequence) {
    if (rows_->events[static_cast<size_t>(sequence - 1)].event.received_at < time) return sequence;
  }
  return 0;
}

}  // namespace onhook
