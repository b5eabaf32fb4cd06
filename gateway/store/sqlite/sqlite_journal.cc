#include "gateway/store/sqlite/sqlite_journal.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace onhook {
namespace {

#define ONHOOK_DEAD_LETTER_COLUMNS                                                 \
  "subscription_id, sequence, reason, detail, attempts, parked_us, consumer_name," \
  " redriven, received_us, stored_us, end_offset, checksum, digest, event"

std::string EpochText(uint64_t epoch) { return absl::StrCat(absl::Hex(epoch, absl::kZeroPad16)); }

}  // namespace

absl::StatusOr<SqliteJournal> SqliteJournal::Prepare(SqliteDatabase* database) {
  SqliteJournal journal(database);
  if (absl::Status status = journal.PrepareAll(); !status.ok()) return status;
  return journal;
}

absl::Status SqliteJournal::PrepareAll() {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&save_progress_,
       "UPDATE subscriptions SET floor = ?, last_used_us = ?, dropped_by_limit = ?"
       " WHERE id = ? AND epoch_number = ?"},
      {&insert_settlement_, "INSERT OR REPLACE INTO settlements VALUES (?, ?, ?, ?, ?, ?, ?)"},
      {&insert_history_,
       "INSERT OR REPLACE INTO history VALUES (?1, ?2,"
       " (SELECT min(coalesce(max(entry), 0) + 1, ?3) FROM history"
       "  WHERE subscription_id = ?1 AND sequence = ?2),"
       " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
      {&park_again_,
       "INSERT OR REPLACE INTO dead_letters (" ONHOOK_DEAD_LETTER_COLUMNS
       ") SELECT subscription_id, sequence, ?3, ?4, ?5, ?6, ?7, 0, received_us, stored_us,"
       " end_offset, checksum, digest, event FROM dead_letters"
       " WHERE subscription_id = ?1 AND sequence = ?2"},
      {&park_from_log_,
       "INSERT INTO dead_letters (" ONHOOK_DEAD_LETTER_COLUMNS
       ") SELECT ?1, sequence, ?3, ?4, ?5, ?6, ?7, 0, received_us, stored_us, end_offset,"
       " checksum, digest, event FROM events WHERE sequence = ?2"},
      {&park_unreadable_, "INSERT INTO dead_letters (" ONHOOK_DEAD_LETTER_COLUMNS
                          ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0, 0, x'', x'')"},
      {&mark_redriven_,
       "UPDATE dead_letters SET redriven = 1 WHERE subscription_id = ? AND sequence = ?"},
      {&delete_dead_letter_, "DELETE FROM dead_letters WHERE subscription_id = ? AND sequence = ?"},
      {&trim_settlements_,
       "DELETE FROM settlements WHERE subscription_id = ?1 AND epoch_number = ?2 AND first IN"
       " (SELECT first FROM settlements WHERE subscription_id = ?1 AND epoch_number = ?2"
       "  AND first <= ?3 AND last <= ?3 ORDER BY first LIMIT ?4)"},
      {&oldest_epoch_, "SELECT min(epoch_number) FROM settlements WHERE subscription_id = ?"},
      // What is owed again needs its history, whatever the log keeps.
      {&trim_history_,
       "DELETE FROM history WHERE subscription_id = ?1 AND sequence BETWEEN ?2 AND ?3"
       " AND NOT EXISTS (SELECT 1 FROM dead_letters AS d"
       "  WHERE d.subscription_id = ?1 AND d.sequence = history.sequence)"},
      {&delete_old_history_,
       "DELETE FROM history WHERE subscription_id = ?1 AND sequence = ?2"
       " AND ?2 < (SELECT coalesce(min(sequence), 0) FROM events)"},
      {&oldest_dead_letters_,
       "SELECT subscription_id, sequence, parked_us, length(event) FROM dead_letters"
       " WHERE redriven = 0 ORDER BY id LIMIT ?"},
      {&dead_letter_bytes_, "SELECT value FROM counters WHERE key = 'dead_letter_bytes'"},
      {&first_orphan_, "SELECT subscription_id FROM orphans LIMIT 1"},
  };
  return PrepareStatements(*database_, statements);
}

// -------------------------------------------------------------------------------- subscriptions

absl::StatusOr<int64_t> SqliteJournal::InsertSubscription(const SubscriptionRecord& subscription) {
  absl::StatusOr<SqliteStatement> insert = database_->Prepare(
      "INSERT INTO subscriptions (name, spec, origin, paused, created_us, last_used_us, epoch,"
      " epoch_number, start, floor, replayed_through, dropped_by_limit)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
  if (!insert.ok()) return insert.status();
  const std::string spec = subscription.spec.SerializeAsString();
  const std::string epoch = EpochText(subscription.epoch);
  insert->BindText(subscription.name)
      .BindBlob(spec)
      .Bind(static_cast<int64_t>(subscription.origin))
      .Bind(subscription.paused ? 1 : 0)
      .Bind(absl::ToUnixMicros(subscription.created_at))
      .Bind(absl::ToUnixMicros(subscription.last_used_at))
      .BindText(epoch)
      .Bind(subscription.epoch_number)
      .Bind(subscription.start)
      .Bind(subscription.floor)
      .Bind(subscription.replayed_through)
      .Bind(subscription.dropped_by_limit);
  return insert->FirstInteger(0);
}

absl::Status SqliteJournal::UpdateSubscription(const SubscriptionRecord& subscription) {
  absl::StatusOr<SqliteStatement> update = database_->Prepare(
      "UPDATE subscriptions SET spec = ?2, origin = ?3, paused = ?4, last_used_us = ?5, epoch = ?6,"
      " floor = iif(epoch_number = ?7, floor, ?9), epoch_number = ?7, start = ?8,"
      " replayed_through = ?10, dropped_by_limit = ?11 WHERE id = ?1");
  if (!update.ok()) return update.status();
  const std::string spec = subscription.spec.SerializeAsString();
  const std::string epoch = EpochText(subscription.epoch);
  return update->Bind(subscription.id)
      .BindBlob(spec)
      .Bind(static_cast<int64_t>(subscription.origin))
      .Bind(subscription.paused ? 1 : 0)
      .Bind(absl::ToUnixMicros(subscription.last_used_at))
      .BindText(epoch)
      .Bind(subscription.epoch_number)
      .Bind(subscription.start)
      .Bind(subscription.floor)
      .Bind(subscription.replayed_through)
      .Bind(subscription.dropped_by_limit)
      .Run();
}

absl::Status SqliteJournal::DeleteSubscription(int64_t id) {
  return database_->Execute(absl::StrCat("DELETE FROM subscriptions WHERE id = ", id,
                                         "; INSERT OR IGNORE INTO orphans VALUES (", id, ")"));
}

absl::Status SqliteJournal::SaveProgress(const SubscriptionProgress& progress) {
  return save_progress_.Bind(progress.floor)
      .Bind(absl::ToUnixMicros(progress.last_used_at))
      .Bind(progress.dropped_by_limit)
      .Bind(progress.subscription_id)
      .Bind(progress.epoch_number)
      .Run();
}

// ----------------------------------------------------------------------------------- deliveries

absl::Status SqliteJournal::InsertSettlement(const SettlementRow& row) {
  return insert_settlement_.Bind(row.subscription_id)
      .Bind(row.epoch_number)
      .Bind(row.range.first)
      .Bind(row.range.last)
      .Bind(static_cast<int64_t>(row.kind))
      .BindText(row.consumer_name)
      .Bind(absl::ToUnixMicros(row.settled_at))
      .Run();
}

absl::Status SqliteJournal::InsertHistory(const HistoryRow& row) {
  return insert_history_.Bind(row.subscription_id)
      .Bind(row.sequence)
      .Bind(Storage::kMostHistoryEntries)
      .Bind(row.epoch_number)
      .Bind(row.kind)
      .Bind(absl::ToUnixMicros(row.at))
      .BindText(row.consumer_name)
      .Bind(row.attempt)
      .BindText(row.reason)
      .Bind(row.trials.attempts)
      .Bind(absl::ToUnixMicros(row.trials.first_attempt_at))
      .Bind(absl::ToUnixMicros(row.trials.retry_at))
      .Bind(static_cast<int64_t>(row.trials.last_ended))
      .Run();
}

absl::Status SqliteJournal::RunWith(const DeadLetterRow& row, SqliteStatement& statement) {
  return statement.Bind(row.subscription_id)
      .Bind(row.sequence)
      .Bind(row.reason)
      .BindText(row.detail)
      .Bind(row.attempts)
      .Bind(absl::ToUnixMicros(row.parked_at))
      .BindText(row.consumer_name)
      .Run();
}

absl::Status SqliteJournal::InsertDeadLetter(const DeadLetterRow& row) {
  // Where it comes from: its dead letter from before, the log, or nowhere, if the disk has lost it.
  for (SqliteStatement* statement : {&park_again_, &park_from_log_, &park_unreadable_}) {
    const absl::Status status = RunWith(row, *statement);
    if (!status.ok()) return status;
    if (database_->Changes() > 0) break;
  }
  return absl::OkStatus();
}

absl::Status SqliteJournal::MarkRedriven(int64_t subscription_id, Sequence sequence) {
  return mark_redriven_.Bind(subscription_id).Bind(sequence).Run();
}

absl::Status SqliteJournal::DeleteDeadLetter(int64_t subscription_id, Sequence sequence) {
  absl::Status status = delete_dead_letter_.Bind(subscription_id).Bind(sequence).Run();
  if (!status.ok()) return status;
  return delete_old_history_.Bind(subscription_id).Bind(sequence).Run();
}

// --------------------------------------------------------------------------------- housekeeping

absl::StatusOr<bool> SqliteJournal::TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                                SequenceRange removed, int64_t max_rows) {
  const absl::StatusOr<int64_t> oldest =
      oldest_epoch_.Bind(subscription_id).FirstInteger(epoch_number);
  if (!oldest.ok()) return oldest.status();
  bool more = false;
  for (const int64_t epoch : std::set<int64_t>{*oldest, epoch_number}) {
    trim_settlements_.Bind(subscription_id).Bind(epoch).Bind(removed.last).Bind(max_rows);
    if (absl::Status status = trim_settlements_.Run(); !status.ok()) return status;
    more = more || database_->Changes() >= max_rows;
  }
  trim_history_.Bind(subscription_id).Bind(removed.first).Bind(removed.last);
  if (absl::Status status = trim_history_.Run(); !status.ok()) return status;
  return more;
}

absl::StatusOr<bool> SqliteJournal::RemoveOrphans(int64_t max_rows) {
  const absl::StatusOr<int64_t> orphan = first_orphan_.FirstInteger(0);
  if (!orphan.ok()) return orphan.status();
  if (*orphan == 0) return false;
  int64_t removed = 0;
  for (const char* table_and_key :
       {"settlements WHERE subscription_id = $ AND (epoch_number, first) IN (SELECT epoch_number,"
        " first FROM settlements WHERE subscription_id = $ LIMIT #)",
        "history WHERE subscription_id = $ AND (sequence, entry) IN (SELECT sequence, entry FROM"
        " history WHERE subscription_id = $ LIMIT #)",
        "dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE subscription_id = $ LIMIT "
        "#)"}) {
    const std::string sql = absl::StrReplaceAll(
        table_and_key, {{"$", absl::StrCat(*orphan)}, {"#", absl::StrCat(max_rows)}});
    if (absl::Status status = database_->Execute("DELETE FROM " + sql); !status.ok()) return status;
    removed += database_->Changes();
  }
  if (removed == 0) {
    absl::Status status =
        database_->Execute(absl::StrCat("DELETE FROM orphans WHERE subscription_id = ", *orphan));
    if (!status.ok()) return status;
  }
  return true;
}

absl::StatusOr<std::vector<DeadLetterName>> SqliteJournal::TrimDeadLetters(absl::Time before,
                                                                           int64_t max_bytes,
                                                                           int64_t max_rows) {
  absl::StatusOr<int64_t> bytes = dead_letter_bytes_.FirstInteger(0);
  if (!bytes.ok()) return bytes.status();
  std::vector<DeadLetterName> removed;
  oldest_dead_letters_.Bind(max_rows);
  while (true) {
    const absl::StatusOr<bool> row = oldest_dead_letters_.Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    const bool old = oldest_dead_letters_.Integer(2) < absl::ToUnixMicros(before);
    if (!old && *bytes <= max_bytes) {
      oldest_dead_letters_.Reset();
      break;
    }
    *bytes -= oldest_dead_letters_.Integer(3);
    removed.push_back({oldest_dead_letters_.Integer(0), oldest_dead_letters_.Integer(1), old});
  }
  for (const DeadLetterName& name : removed) {
    const absl::Status status = DeleteDeadLetter(name.subscription_id, name.sequence);
    if (!status.ok()) return status;
  }
  return removed;
}

}  // namespace onhook
