#include "gateway/store/sqlite/sqlite_recovery.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/sqlite/sqlite_lineage.h"
#include "gateway/store/sqlite/sqlite_reader.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

// Rows between two reports of them.
constexpr int64_t kRowsTold = 4096;

using TakeRow = std::function<absl::Status(const SqliteStatement& row)>;

// What reads, and tells how far it is.
struct Recovery {
  SqliteDatabase& database;
  RecoveryProgress& progress;
};

// Calls `take` for each row of a query that has its parameters.
absl::Status ForEachRow(Recovery& recovery, SqliteStatement& query, const TakeRow& take) {
  for (int64_t rows = 1; true; ++rows) {
    const absl::StatusOr<bool> row = query.Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    if (absl::Status status = take(query); !status.ok()) {
      query.Reset();
      return status;
    }
    if (rows % kRowsTold == 0) recovery.progress.CountRows(kRowsTold);
  }
}

// The same of a query whose only parameters are these numbers.
absl::Status ForEachRow(Recovery& recovery, absl::string_view sql,
                        std::initializer_list<int64_t> parameters, const TakeRow& take) {
  absl::StatusOr<SqliteStatement> query = recovery.database.Prepare(sql);
  if (!query.ok()) return query.status();
  for (const int64_t parameter : parameters) query->Bind(parameter);
  return ForEachRow(recovery, *query, take);
}

// The newest runs of each receiver. Older ones, of which there may be as many as events, are left
// where they lie; and so is the table's rest, which is why receivers are found one by one.
absl::Status ReadForwarded(Recovery& recovery, RecoveredState& state) {
  absl::Status status = ForEachRow(
      recovery,
      "WITH RECURSIVE receivers (name) AS (SELECT min(receiver) FROM forwarded UNION ALL"
      " SELECT (SELECT min(receiver) FROM forwarded WHERE receiver > name) FROM receivers"
      " WHERE name IS NOT NULL) SELECT name FROM receivers WHERE name IS NOT NULL",
      {}, [&state](const SqliteStatement& row) {
        state.forwarded[std::string(row.Bytes(0))];
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  absl::StatusOr<SqliteStatement> newest = recovery.database.Prepare(
      "SELECT first, last FROM forwarded WHERE receiver = ? ORDER BY first DESC LIMIT ?");
  if (!newest.ok()) return newest.status();
  for (auto& [receiver, runs] : state.forwarded) {
    newest->BindText(receiver).Bind(static_cast<int64_t>(Storage::kMostForwardedRuns));
    status = ForEachRow(recovery, *newest, [&runs = runs](const SqliteStatement& row) {
      runs.Add({row.Integer(0), row.Integer(1)});
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Looks at one end of the log, whose sequence decides what is owed and what comes next: it must be
// that of a whole event, or of one that follows its neighbour. Of the newest end also reads where
// the events end, by the newest that is whole.
absl::Status CheckEnd(Recovery& recovery, absl::string_view order, Sequence step,
                      RecoveredState& state) {
  absl::StatusOr<SqliteStatement> query = recovery.database.Prepare(
      absl::StrCat("SELECT " ONHOOK_EVENT_COLUMNS " FROM events ORDER BY sequence ", order));
  if (!query.ok()) return query.status();
  const Sequence end = step < 0 ? state.last : state.first;
  for (int rows = 1; true; ++rows) {
    const absl::StatusOr<bool> row = query->Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    if (rows == 2 && query->Integer(0) != end + step) {
      return StoreDamage(absl::StrCat(step < 0 ? "the newest" : "the oldest",
                                      " event is damaged, and its sequence too"));
    }
    if (!EventFits(*query)) continue;
    if (step < 0) state.last_offset = query->Integer(3);
    return absl::OkStatus();
  }
}

absl::Status ReadLog(Recovery& recovery, RecoveredState& state) {
  absl::Status status = ForEachRow(
      recovery,
      "SELECT (SELECT value FROM store WHERE key = 'store_id'),"
      " (SELECT value FROM counters WHERE key = 'openings'),"
      " (SELECT min(sequence) FROM events), (SELECT coalesce(max(sequence), 0) FROM events)",
      {}, [&state](const SqliteStatement& row) {
        state.store_id = std::string(row.Bytes(0));
        state.openings = row.Integer(1);
        state.last = row.Integer(3);
        state.first = state.last == 0 ? 1 : row.Integer(2);
        return state.store_id.empty() ? StoreDamage("the store has no store_id") : absl::OkStatus();
      });
  if (!status.ok()) return status;
  // Damage seldom takes more of an end.
  status = CheckEnd(recovery, "DESC LIMIT 64", -1, state);
  if (!status.ok()) return status;
  return CheckEnd(recovery, "LIMIT 2", 1, state);
}

absl::Status ReadSubscription(const SqliteStatement& row, Sequence last,
                              SubscriptionRecord& record) {
  record.id = row.Integer(0);
  record.name = std::string(row.Bytes(1));
  const absl::string_view spec = row.Bytes(2);
  if (!record.spec.ParseFromArray(spec.data(), static_cast<int>(spec.size())) ||
      !absl::SimpleHexAtoi(row.Bytes(7), &record.epoch)) {
    return StoreDamage(absl::StrCat("subscription '", record.name, "' is damaged"));
  }
  record.origin = static_cast<SubscriptionRecord::Origin>(row.Integer(3));
  record.paused = row.Integer(4) != 0;
  record.created_at = absl::FromUnixMicros(row.Integer(5));
  record.last_used_at = absl::FromUnixMicros(row.Integer(6));
  record.epoch_number = row.Integer(8);
  record.start = row.Integer(9);
  record.floor = row.Integer(10);
  record.replayed_through = row.Integer(11);
  record.dropped_by_limit = row.Integer(12);
  if (record.start < 0 || record.start > last || record.floor < 0 || record.floor > last) {
    return StoreDamage(
        absl::StrCat("subscription '", record.name, "' stands where there are no events"));
  }
  return absl::OkStatus();
}

// The settled runs above the floor. Runs are disjoint, so at most one reaches over it.
absl::Status ReadSettled(Recovery& recovery, SubscriptionRecord& record) {
  return ForEachRow(
      recovery,
      "SELECT first, last FROM settlements WHERE subscription_id = ?1 AND epoch_number = ?2"
      " AND first >= coalesce((SELECT max(first) FROM settlements WHERE subscription_id = ?1"
      "   AND epoch_number = ?2 AND first <= ?3), 0) AND last > ?3",
      {record.id, record.epoch_number, record.floor}, [&record](const SqliteStatement& row) {
        if (row.Integer(1) < row.Integer(0)) return StoreDamage("a run ends before it begins");
        record.settled.Add({row.Integer(0), row.Integer(1)});
        return absl::OkStatus();
      });
}

// Of the events above the floor, and of those that are owed again.
absl::Status ReadTried(Recovery& recovery, SubscriptionRecord& record) {
  const auto take = [&record](const SqliteStatement& row) {
    // In the order of their insertion, so that the newest of each event is what stays.
    Trials& trials = record.tried[row.Integer(0)];
    trials.attempts = static_cast<int32_t>(row.Integer(1));
    trials.first_attempt_at = absl::FromUnixMicros(row.Integer(2));
    trials.retry_at = absl::FromUnixMicros(row.Integer(3));
    trials.last_ended = static_cast<LeaseNumber>(row.Integer(4));
    return absl::OkStatus();
  };
  absl::Status status = ForEachRow(
      recovery,
      "SELECT sequence, attempts, first_attempt_us, retry_us, last_ended FROM history"
      " WHERE subscription_id = ? AND epoch_number = ? AND sequence > ? ORDER BY sequence, entry",
      {record.id, record.epoch_number, record.floor}, take);
  if (!status.ok()) return status;
  // CROSS: in this order of the tables. The other one would read the history of all there ever was.
  return ForEachRow(recovery,
                    "SELECT h.sequence, h.attempts, h.first_attempt_us, h.retry_us, h.last_ended"
                    " FROM dead_letters AS d CROSS JOIN history AS h"
                    " ON h.subscription_id = d.subscription_id AND h.sequence = d.sequence"
                    " WHERE d.subscription_id = ? AND d.redriven = 1 AND h.epoch_number = ?"
                    " ORDER BY d.sequence, h.entry",
                    {record.id, record.epoch_number}, take);
}

absl::Status ReadDeadLetters(Recovery& recovery, SubscriptionRecord& record) {
  return ForEachRow(
      recovery, "SELECT sequence, redriven FROM dead_letters WHERE subscription_id = ?",
      {record.id}, [&record](const SqliteStatement& row) {
        (row.Integer(1) != 0 ? record.redriven : record.dead_letters).Add(row.Integer(0));
        return absl::OkStatus();
      });
}

}  // namespace

absl::StatusOr<RecoveredState> RecoverState(SqliteDatabase& database, RecoveryProgress& progress) {
  RecoveredState state;
  Recovery recovery{database, progress};
  progress.Begin("reads the log's ends and what was forwarded");
  absl::Status status = ReadLog(recovery, state);
  if (status.ok()) status = ReadForwarded(recovery, state);
  if (!status.ok()) return status;
  absl::StatusOr<std::vector<StoreAncestor>> ancestors = ReadAncestors(database);
  if (!ancestors.ok()) return ancestors.status();
  state.ancestors = *std::move(ancestors);
  status = ForEachRow(
      recovery,
      "SELECT id, name, spec, origin, paused, created_us, last_used_us, epoch, epoch_number, start,"
      " floor, replayed_through, dropped_by_limit FROM subscriptions",
      {}, [&state](const SqliteStatement& row) {
        state.subscriptions.emplace_back();
        return ReadSubscription(row, state.last, state.subscriptions.back());
      });
  if (!status.ok()) return status;
  size_t number = 0;
  for (SubscriptionRecord& record : state.subscriptions) {
    progress.Begin(absl::StrCat("reads what subscription ", ++number, " of ",
                                state.subscriptions.size(), " has settled and tried"));
    status = ReadSettled(recovery, record);
    if (status.ok()) status = ReadTried(recovery, record);
    if (status.ok()) status = ReadDeadLetters(recovery, record);
    if (!status.ok()) return status;
  }
  return state;
}

}  // namespace onhook
