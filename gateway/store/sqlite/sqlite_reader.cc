#include "gateway/store/sqlite/sqlite_reader.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace onhook {
namespace {

// Events are stored about in the order of their receipt: a request takes seconds at most. A look-up
// by time searches this much further on either side.
constexpr absl::Duration kDisorder = absl::Minutes(1);

// The columns that MakeEvent reads, in its order.
#define ONHOOK_EVENT_COLUMNS "sequence, received_us, stored_us, checksum, digest, event"

LogEventPtr MakeEvent(const SqliteStatement& row) {
  auto event = std::make_shared<LogEvent>();
  event->sequence = row.Integer(0);
  event->received_at = absl::FromUnixMicros(row.Integer(1));
  event->stored_at = absl::FromUnixMicros(row.Integer(2));
  const absl::string_view bytes = row.Bytes(5);
  event->corrupt = row.Integer(3) != EventChecksum(row.Integer(0), row.Integer(1), row.Integer(2),
                                                   row.Bytes(4), bytes);
  if (!event->corrupt) event->event.assign(bytes.data(), bytes.size());
  return event;
}

}  // namespace

int64_t EventChecksum(Sequence sequence, int64_t received_us, int64_t stored_us,
                      absl::string_view digest, absl::string_view event) {
  const int64_t numbers[] = {sequence, received_us, stored_us};
  const uint64_t head = XXH3_64bits(numbers, sizeof numbers);
  const uint64_t identity = XXH3_64bits_withSeed(digest.data(), digest.size(), head);
  return static_cast<int64_t>(XXH3_64bits_withSeed(event.data(), event.size(), identity));
}

absl::StatusOr<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path) {
  absl::StatusOr<SqliteDatabase> database = SqliteDatabase::Open(path, /*read_only=*/true);
  if (!database.ok()) return database.status();
  std::unique_ptr<SqliteReader> reader(new SqliteReader(*std::move(database)));
  if (absl::Status status = reader->PrepareStatements(); !status.ok()) return status;
  return reader;
}

absl::Status SqliteReader::PrepareStatements() {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&read_, "SELECT " ONHOOK_EVENT_COLUMNS
               " FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"},
      {&find_call_, "SELECT " ONHOOK_EVENT_COLUMNS
                    " FROM events WHERE call_serial_no = ?1 AND (?2 = '' OR source = ?2)"
                    " AND (?3 = x'' OR digest = ?3) AND received_us >= ?4 AND received_us < ?5"
                    " AND sequence > ?6 AND sequence <= ?7 ORDER BY sequence LIMIT ?8"},
      {&find_range_, "SELECT " ONHOOK_EVENT_COLUMNS
                     " FROM events WHERE (?1 = '' OR source = ?1) AND (?2 = x'' OR digest = ?2)"
                     " AND received_us >= ?3 AND received_us < ?4"
                     " AND sequence > ?5 AND sequence <= ?6 ORDER BY sequence LIMIT ?7"},
      {&received_at_, "SELECT received_us FROM events WHERE sequence = ?"},
  };
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<SqliteStatement> prepared = database_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteReader::Read(Sequence after, Sequence last,
                                                            ReadLimits limits) {
  std::vector<LogEventPtr> events;
  size_t bytes = 0;
  read_.Bind(after).Bind(last).Bind(static_cast<int64_t>(std::max<size_t>(limits.max_events, 1)));
  while (true) {
    const absl::StatusOr<bool> row = read_.Step();
    if (!row.ok()) return row.status();
    if (!*row) return events;
    bytes += read_.Bytes(5).size();
    if (bytes > limits.max_bytes && !events.empty()) break;
    events.push_back(MakeEvent(read_));
  }
  read_.Reset();
  return events;
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteReader::Find(const EventQuery& query,
                                                            Sequence last) {
  Sequence after = query.after;
  const bool by_call = !query.call_serial_no.empty();
  if (!by_call && query.received_from != absl::InfinitePast()) {
    const absl::StatusOr<Sequence> place = FindPlace(query.received_from - kDisorder, last);
    if (!place.ok()) return place.status();
    after = std::max(after, *place);
  }
  if (!by_call && query.received_before != absl::InfiniteFuture()) {
    const absl::StatusOr<Sequence> place = FindPlace(query.received_before + kDisorder, last);
    if (!place.ok()) return place.status();
    last = *place;
  }
  SqliteStatement& find = by_call ? find_call_ : find_range_;
  if (by_call) find.BindText(query.call_serial_no);
  find.BindText(query.source)
      .BindBlob(query.digest)
      .Bind(absl::ToUnixMicros(query.received_from))
      .Bind(absl::ToUnixMicros(query.received_before))
      .Bind(after)
      .Bind(last)
      .Bind(static_cast<int64_t>(query.max_events));
  std::vector<LogEventPtr> events;
  while (true) {
    const absl::StatusOr<bool> row = find.Step();
    if (!row.ok()) return row.status();
    if (!*row) return events;
    events.push_back(MakeEvent(find));
  }
}

absl::StatusOr<Sequence> SqliteReader::FindPlace(absl::Time time, Sequence last) {
  const int64_t time_us = absl::ToUnixMicros(time);
  // All events up to `before` were received before the time, those from `behind` on were not.
  Sequence before = 0;
  Sequence behind = last + 1;
  while (before + 1 < behind) {
    const Sequence middle = before + (behind - before) / 2;
    received_at_.Bind(middle);
    const absl::StatusOr<bool> row = received_at_.Step();
    if (!row.ok()) return row.status();
    const bool is_before = *row && received_at_.Integer(0) < time_us;
    if (*row) received_at_.Reset();
    (is_before ? before : behind) = middle;
  }
  return before;
}

}  // namespace onhook
