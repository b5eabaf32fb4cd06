#include "gateway/store/sqlite/sqlite_repeats.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/store/sqlite/sqlite_reader.h"
#include "gateway/store/store_damage.h"

namespace onhook {

absl::Status RunInsert(SqliteStatement& insert, const NewEvent& event, LogPlace place,
                       int64_t stored_us) {
  const int64_t received_us = absl::ToUnixMicros(event.received_at);
  return insert.Bind(place.sequence)
      .BindText(event.call_serial_no)
      .BindText(event.source)
      .BindBlob(event.digest)
      .Bind(received_us)
      .Bind(stored_us)
      .Bind(place.end_offset)
      .Bind(EventChecksum(place.sequence, received_us, stored_us, place.end_offset, event.digest,
                          event.event))
      .BindBlob(event.event)
      .Run();
}

absl::StatusOr<std::unique_ptr<SqliteRepeats>> SqliteRepeats::Prepare(SqliteDatabase* database) {
  std::unique_ptr<SqliteRepeats> repeats(new SqliteRepeats(database));
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&repeats->find_identity_,
       "SELECT sequence FROM events WHERE call_serial_no = ? AND source = ? AND digest = ?"},
      // As the reading connection looks for it: by the table, from the event before.
      {&repeats->find_row_,
       "SELECT " ONHOOK_EVENT_COLUMNS ", call_serial_no FROM events NOT INDEXED"
       " WHERE sequence > ?1 - 1 AND sequence <= ?1 ORDER BY sequence LIMIT 1"},
      {&repeats->find_place_,
       "SELECT ?1 >= (SELECT min(sequence) FROM events)"
       " AND ?1 <= (SELECT max(sequence) FROM events),"
       " coalesce((SELECT max(end_offset) FROM events WHERE sequence = ?1 - 1), 0)"},
      {&repeats->insert_anew_,
       "INSERT OR REPLACE INTO events (sequence, call_serial_no, source, digest, received_us,"
       " stored_us, end_offset, checksum, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
  };
  if (absl::Status status = PrepareStatements(*database, statements); !status.ok()) return status;
  return repeats;
}

absl::StatusOr<Sequence> SqliteRepeats::FindKept(const NewEvent& event) {
  find_identity_.BindText(event.call_serial_no).BindText(event.source).BindBlob(event.digest);
  const absl::StatusOr<Sequence> known = find_identity_.FirstInteger(0);
  if (!known.ok() || *known == 0) return known;
  const absl::StatusOr<Found> found = LookAt(event, *known);
  if (!found.ok()) return found.status();
  if (*found == Found::kAnother) {
    return absl::AbortedError("the index of identities leads to another event");
  }
  if (*found == Found::kNothing) {
    if (absl::Status status = WriteAnew(event, *known); !status.ok()) return status;
  }
  return *known;
}

absl::StatusOr<SqliteRepeats::Found> SqliteRepeats::LookAt(const NewEvent& event,
                                                           Sequence sequence) {
  find_row_.Bind(sequence);
  const absl::StatusOr<bool> row = find_row_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return Found::kNothing;
  const bool is_whole = EventFits(find_row_) && find_row_.Integer(0) == sequence;
  const bool is_it =
      find_row_.Bytes(5) == event.digest && find_row_.Bytes(7) == event.call_serial_no;
  find_row_.Reset();
  if (!is_whole) return Found::kNothing;
  return is_it ? Found::kIt : Found::kAnother;
}

absl::Status SqliteRepeats::WriteAnew(const NewEvent& event, Sequence sequence) {
  find_place_.Bind(sequence);
  const absl::StatusOr<bool> row = find_place_.Step();
  if (!row.ok()) return row.status();
  const bool is_in_log = *row && find_place_.Integer(0) != 0;
  const int64_t begins_behind = *row ? find_place_.Integer(1) : 0;
  if (*row) find_place_.Reset();
  if (!is_in_log) return absl::AbortedError("the index of identities leads out of the log");
  const auto size = static_cast<int64_t>(event.event.size());
  absl::Status status = database_->Execute("SAVEPOINT anew");
  if (!status.ok()) return status;
  status = RunInsert(insert_anew_, event, {sequence, begins_behind + size},
                     absl::ToUnixMicros(event.received_at));
  if (!status.ok() && !IsStoreDamage(status)) return status;
  // In a page that is damaged as a whole what was written may not be found again; and a row whose
  // identity is altered too cannot be taken out of the index.
  const absl::StatusOr<Found> found =
      status.ok() ? LookAt(event, sequence) : absl::StatusOr<Found>(Found::kNothing);
  if (found.ok() && *found == Found::kIt) return database_->Execute("RELEASE anew");
  status = database_->Execute("ROLLBACK TO anew; RELEASE anew");
  return status.ok() ? absl::AbortedError("it cannot take its damaged row's place") : status;
}

}  // namespace onhook
