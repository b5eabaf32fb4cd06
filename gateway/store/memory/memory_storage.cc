#include "gateway/store/memory/memory_storage.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "gateway/store/embedded/random_bits.h"

namespace onhook {
namespace {

bool Matches(const EventQuery& query, const NewEvent& event) {
  return (query.call_serial_no.empty() || query.call_serial_no == event.call_serial_no) &&
         (query.source.empty() || query.source == event.source) &&
         (query.digest.empty() || query.digest == event.digest) &&
         event.received_at >= query.received_from && event.received_at < query.received_before;
}

MemoryRows::Identity IdentityOf(const NewEvent& event) {
  return {event.call_serial_no, event.source, event.digest};
}

// Fills in what a subscription's other rows say of it.
void Gather(const MemoryRows& rows, SubscriptionRecord& record) {
  for (const auto& [key, row] : rows.settlements) {
    const bool current =
        row.subscription_id == record.id && row.epoch_number == record.epoch_number;
    if (current && row.range.last > record.floor) record.settled.Add(row.range);
  }
  for (const auto& [key, letter] : rows.dead_letters) {
    if (key.first == record.id) {
      (letter.redriven ? record.redriven : record.dead_letters).Add(key.second);
    }
  }
  for (const auto& [key, entries] : rows.history) {
    if (key.first != record.id || entries.empty()) continue;
    if (key.second <= record.floor && !record.redriven.Contains(key.second)) continue;
    const HistoryRow& latest = entries.back();
    if (latest.epoch_number == record.epoch_number) record.tried[key.second] = latest.trials;
  }
}

}  // namespace

absl::StatusOr<RecoveredState> MemoryStorage::Recover() {
  absl::MutexLock lock(&mutex_);
  if (rows_->store_id.empty()) {
    rows_->store_id = absl::StrCat(absl::Hex(RandomBits(), absl::kZeroPad16));
  }
  RecoveredState state;
  state.store_id = rows_->store_id;
  state.openings = ++rows_->openings;
  state.first = rows_->first;
  state.last = rows_->first + static_cast<Sequence>(rows_->events.size()) - 1;
  if (!rows_->events.empty()) state.last_offset = rows_->events.back().stored->end_offset;
  state.forwarded = rows_->forwarded;
  for (const auto& [id, record] : rows_->subscriptions) {
    state.subscriptions.push_back(record);
    Gather(*rows_, state.subscriptions.back());
  }
  return state;
}

// ------------------------------------------------------------------------------ the transaction

absl::Status MemoryStorage::Begin() {
  Rollback();
  return absl::OkStatus();
}

absl::Status MemoryStorage::Commit() {
  absl::MutexLock lock(&mutex_);
  for (const MemoryWrite& write : writes_) write(*rows_);
  return absl::OkStatus();
}

void MemoryStorage::Rollback() {
  writes_.clear();
  new_identities_.clear();
  new_subscriptions_ = 0;
  nonces_.BeginAnew();
  quarantine_.BeginAnew();
}

absl::Status MemoryStorage::Stage(MemoryWrite write) {
  writes_.push_back(std::move(write));
  return absl::OkStatus();
}

absl::StatusOr<AppendResult> MemoryStorage::InsertEvent(const NewEvent& event, LogPlace place,
                                                        absl::Time stored_at) {
  const absl::StatusOr<Sequence> known = FindIdentity(event);
  if (!known.ok()) return known.status();
  if (*known != 0) return AppendResult{*known, true};
  const MemoryRows::Identity identity = IdentityOf(event);
  new_identities_.emplace(identity, place.sequence);
  auto stored = std::make_shared<LogEvent>();
  stored->sequence = place.sequence;
  stored->received_at = event.received_at;
  stored->stored_at = stored_at;
  stored->end_offset = place.end_offset;
  stored->event = event.event;
  writes_.emplace_back([event, stored, identity](MemoryRows& rows) {
    rows.events.push_back({event, stored});
    rows.sequence_by_identity.emplace(identity, stored->sequence);
  });
  return AppendResult{place.sequence, false};
}

absl::StatusOr<Sequence> MemoryStorage::FindIdentity(const NewEvent& event) {
  const MemoryRows::Identity identity = IdentityOf(event);
  const auto of_transaction = new_identities_.find(identity);
  if (of_transaction != new_identities_.end()) return of_transaction->second;
  absl::MutexLock lock(&mutex_);
  const auto it = rows_->sequence_by_identity.find(identity);
  return it == rows_->sequence_by_identity.end() ? 0 : it->second;
}

absl::Status MemoryStorage::RemoveEvents(Sequence through, absl::Time now) {
  return Stage([=](MemoryRows& rows) {
    for (; rows.first <= through && !rows.events.empty(); ++rows.first) {
      rows.removed_identities[IdentityOf(rows.events.front().event)] = now;
      rows.events.pop_front();
    }
  });
}

absl::Status MemoryStorage::ForgetIdentities(absl::Time before, int64_t) {
  return Stage([=](MemoryRows& rows) {
    for (auto it = rows.removed_identities.begin(); it != rows.removed_identities.end();) {
      if (it->second < before) rows.sequence_by_identity.erase(it->first);
      it = it->second < before ? rows.removed_identities.erase(it) : std::next(it);
    }
  });
}

absl::Status MemoryStorage::SaveForwarded(const std::string& receiver, SequenceRange range) {
  return Stage([=](MemoryRows& rows) { rows.forwarded[receiver].Add(range); });
}

absl::Status MemoryStorage::TrimForwarded(const std::string& receiver, Sequence through) {
  return Stage([=](MemoryRows& rows) { rows.forwarded[receiver].RemoveThrough(through); });
}

absl::StatusOr<int64_t> MemoryStorage::InsertSubscription(const SubscriptionRecord& subscription) {
  SubscriptionRecord record = subscription;
  {
    absl::MutexLock lock(&mutex_);
    record.id = rows_->last_subscription_id + ++new_subscriptions_;
  }
  writes_.emplace_back([record](MemoryRows& rows) {
    rows.last_subscription_id = record.id;
    rows.subscriptions[record.id] = record;
  });
  return record.id;
}

absl::Status MemoryStorage::UpdateSubscription(const SubscriptionRecord& subscription) {
  return Stage([subscription](MemoryRows& rows) {
    SubscriptionRecord& kept = rows.subscriptions[subscription.id];
    const bool moved = kept.epoch_number != subscription.epoch_number;
    const Sequence floor = moved ? subscription.floor : kept.floor;
    kept = subscription;
    kept.floor = floor;
  });
}

absl::Status MemoryStorage::DeleteSubscription(int64_t id) {
  return Stage([id](MemoryRows& rows) { rows.subscriptions.erase(id); });
}

absl::Status MemoryStorage::SaveProgress(const SubscriptionProgress& progress) {
  return Stage([progress](MemoryRows& rows) {
    const auto it = rows.subscriptions.find(progress.subscription_id);
    if (it == rows.subscriptions.end() || it->second.epoch_number != progress.epoch_number) return;
    it->second.floor = progress.floor;
    it->second.last_used_at = progress.last_used_at;
    it->second.dropped_by_limit = progress.dropped_by_limit;
  });
}

absl::Status MemoryStorage::InsertSettlement(const SettlementRow& row) {
  return Stage([row](MemoryRows& rows) {
    rows.settlements[{row.subscription_id, row.epoch_number, row.range.first}] = row;
  });
}

absl::Status MemoryStorage::InsertHistory(const HistoryRow& row) {
  return Stage([row](MemoryRows& rows) {
    std::vector<HistoryRow>& entries = rows.history[{row.subscription_id, row.sequence}];
    if (entries.size() >= static_cast<size_t>(kMostHistoryEntries)) entries.pop_back();
    entries.push_back(row);
  });
}

absl::Status MemoryStorage::InsertDeadLetter(const DeadLetterRow& row) {
  return Stage([row](MemoryRows& rows) {
    MemoryRows::KeptDeadLetter& letter = rows.dead_letters[{row.subscription_id, row.sequence}];
    letter.id = ++rows.last_dead_letter_id;
    letter.row = row;
    letter.redriven = false;
    if (letter.event == nullptr) letter.event = rows.At(row.sequence).stored;
  });
}

absl::Status MemoryStorage::MarkRedriven(int64_t subscription_id, Sequence sequence) {
  return Stage([=](MemoryRows& rows) {
    const auto it = rows.dead_letters.find({subscription_id, sequence});
    if (it != rows.dead_letters.end()) it->second.redriven = true;
  });
}

absl::Status MemoryStorage::DeleteDeadLetter(int64_t subscription_id, Sequence sequence) {
  return Stage([=](MemoryRows& rows) {
    rows.dead_letters.erase({subscription_id, sequence});
    if (sequence < rows.first) rows.history.erase({subscription_id, sequence});
  });
}

// --------------------------------------------------------------------------------- housekeeping

absl::StatusOr<bool> MemoryStorage::TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                                SequenceRange removed, int64_t) {
  writes_.emplace_back([=](MemoryRows& rows) {
    for (auto it = rows.settlements.begin(); it != rows.settlements.end();) {
      const bool old = it->second.subscription_id == subscription_id &&
                       it->second.epoch_number <= epoch_number &&
                       it->second.range.last <= removed.last;
      it = old ? rows.settlements.erase(it) : std::next(it);
    }
    for (Sequence sequence = removed.first; sequence <= removed.last; ++sequence) {
      const MemoryRows::EventKey key{subscription_id, sequence};
      if (rows.dead_letters.count(key) == 0) rows.history.erase(key);
    }
  });
  return false;
}

absl::StatusOr<bool> MemoryStorage::RemoveOrphans(int64_t) {
  writes_.emplace_back([](MemoryRows& rows) {
    const auto remove = [&rows](auto& table, auto subscription_of) {
      for (auto it = table.begin(); it != table.end();) {
        const bool orphan = rows.subscriptions.count(subscription_of(it->first)) == 0;
        it = orphan ? table.erase(it) : std::next(it);
      }
    };
    remove(rows.settlements, [](const auto& key) { return std::get<0>(key); });
    remove(rows.history, [](const auto& key) { return key.first; });
    remove(rows.dead_letters, [](const auto& key) { return key.first; });
  });
  return false;
}

absl::StatusOr<std::vector<DeadLetterName>> MemoryStorage::TrimDeadLetters(absl::Time before,
                                                                           int64_t max_bytes,
                                                                           int64_t max_rows) {
  std::vector<DeadLetterName> removed;
  {
    absl::MutexLock lock(&mutex_);
    int64_t bytes = 0;
    std::map<int64_t, const MemoryRows::KeptDeadLetter*> by_id;
    for (const auto& [key, letter] : rows_->dead_letters) {
      if (letter.redriven) continue;
      bytes += static_cast<int64_t>(letter.event->event.size());
      by_id[letter.id] = &letter;
    }
    for (const auto& [id, letter] : by_id) {
      const bool old = letter->row.parked_at < before;
      if ((!old && bytes <= max_bytes) || static_cast<int64_t>(removed.size()) >= max_rows) break;
      bytes -= static_cast<int64_t>(letter->event->event.size());
      removed.push_back({letter->row.subscription_id, letter->row.sequence, old});
    }
  }
  for (const DeadLetterName& name : removed) {
    DeleteDeadLetter(name.subscription_id, name.sequence).IgnoreError();
  }
  return removed;
}

int64_t MemoryStorage::SizeInBytes() const {
  absl::MutexLock lock(&mutex_);
  int64_t bytes = 0;
  for (const MemoryRows::Event& row : rows_->events) {
    bytes += static_cast<int64_t>(row.event.event.size());
  }
  return bytes;
}

// -------------------------------------------------------------------------------------- reading

absl::StatusOr<std::vector<LogEventPtr>> MemoryStorage::Read(Sequence after, Sequence last,
                                                             ReadLimits limits) {
  absl::MutexLock lock(&mutex_);
  std::vector<LogEventPtr> events;
  size_t bytes = 0;
  for (Sequence sequence = std::max(after + 1, rows_->first); sequence <= last; ++sequence) {
    const MemoryRows::Event& row = rows_->At(sequence);
    bytes += row.event.event.size();
    const bool full = events.size() >= limits.max_events || bytes > limits.max_bytes;
    if (full && !events.empty()) break;
    events.push_back(row.stored);
  }
  return events;
}

absl::StatusOr<std::vector<LogEventPtr>> MemoryStorage::Find(const EventQuery& query,
                                                             Sequence last) {
  absl::MutexLock lock(&mutex_);
  std::vector<LogEventPtr> found;
  size_t bytes = 0;
  for (Sequence sequence = std::max(query.after + 1, rows_->first); sequence <= last; ++sequence) {
    if (found.size() >= query.max_events || bytes > query.max_bytes) break;
    const MemoryRows::Event& row = rows_->At(sequence);
    if (!Matches(query, row.event)) continue;
    found.push_back(row.stored);
    bytes += row.stored->event.size();
  }
  return found;
}

absl::StatusOr<Sequence> MemoryStorage::FindPlace(absl::Time time, Sequence first, Sequence last) {
  absl::MutexLock lock(&mutex_);
  for (Sequence sequence = last; sequence >= first; --sequence) {
    if (rows_->At(sequence).event.received_at < time) return sequence;
  }
  return first - 1;
}

absl::StatusOr<Sequence> MemoryStorage::FindOffset(int64_t offset, Sequence first, Sequence last) {
  absl::MutexLock lock(&mutex_);
  while (first < last && rows_->At(first).stored->end_offset < offset) ++first;
  return first;
}

absl::StatusOr<std::optional<std::string>> MemoryStorage::FindRawBody(Sequence sequence) {
  absl::MutexLock lock(&mutex_);
  const Sequence behind_last = rows_->first + static_cast<Sequence>(rows_->events.size());
  if (sequence < rows_->first || sequence >= behind_last) return std::nullopt;
  const std::string& body = rows_->At(sequence).event.raw_body;
  return body.empty() ? std::nullopt : std::make_optional(body);
}

absl::StatusOr<EventRows> MemoryStorage::FindEventRows(int64_t subscription_id, Sequence sequence) {
  absl::MutexLock lock(&mutex_);
  EventRows found;
  for (const auto& [key, row] : rows_->settlements) {
    const bool covers = row.range.first <= sequence && sequence <= row.range.last;
    if (row.subscription_id == subscription_id && covers) found.settlements.push_back(row);
  }
  const auto history = rows_->history.find({subscription_id, sequence});
  if (history != rows_->history.end()) found.history = history->second;
  return found;
}

absl::StatusOr<std::vector<DeadLetter>> MemoryStorage::ListDeadLetters(int64_t subscription_id,
                                                                       int64_t after,
                                                                       ReadLimits limits) {
  absl::MutexLock lock(&mutex_);
  std::map<int64_t, const MemoryRows::KeptDeadLetter*> by_id;
  for (const auto& [key, letter] : rows_->dead_letters) {
    if (key.first == subscription_id && !letter.redriven && letter.id > after) {
      by_id[letter.id] = &letter;
    }
  }
  std::vector<DeadLetter> listed;
  for (const auto& [id, letter] : by_id) {
    if (listed.size() >= limits.max_events) break;
    const DeadLetterRow& row = letter->row;
    listed.push_back({id, letter->event, row.reason, row.detail, row.attempts, row.parked_at,
                      row.consumer_name});
  }
  return listed;
}

absl::StatusOr<LogEventPtr> MemoryStorage::ReadDeadLetter(int64_t subscription_id,
                                                          Sequence sequence) {
  absl::MutexLock lock(&mutex_);
  const auto it = rows_->dead_letters.find({subscription_id, sequence});
  return it == rows_->dead_letters.end() ? nullptr : it->second.event;
}

absl::StatusOr<std::map<int64_t, Sequence>> MemoryStorage::FindDeadLetters(
    int64_t subscription_id, const std::vector<int64_t>& ids) {
  absl::MutexLock lock(&mutex_);
  std::map<int64_t, Sequence> found;
  const std::set<int64_t> wanted(ids.begin(), ids.end());
  for (const auto& [key, letter] : rows_->dead_letters) {
    if (key.first == subscription_id && !letter.redriven && wanted.count(letter.id) > 0) {
      found[letter.id] = key.second;
    }
  }
  return found;
}

}  // namespace onhook
