#include "gateway/store/sqlite/sqlite_reader.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace onhook {
namespace {

// A timeline goes back over so many seeks.
constexpr int64_t kMostEpochsTold = 16;

// Those that a dead letter has beside them.
#define ONHOOK_DEAD_LETTER_COLUMNS ", id, reason, detail, attempts, parked_us, consumer_name"

constexpr int kEventColumns = 7;

// Columns behind those of MakeEvent are the caller's.
LogEventPtr MakeEvent(const SqliteStatement& row) {
  auto event = std::make_shared<LogEvent>();
  const int64_t received_us = row.Integer(1);
  const int64_t stored_us = row.Integer(2);
  const absl::string_view bytes = row.Bytes(6);
  event->sequence = row.Integer(0);
  event->received_at = absl::FromUnixMicros(received_us);
  event->stored_at = absl::FromUnixMicros(stored_us);
  event->end_offset = row.Integer(3);
  // As EventFits, which would read each column again.
  const int64_t checksum = EventChecksum(event->sequence, received_us, stored_us, event->end_offset,
                                         row.Bytes(5), bytes);
  event->corrupt = row.Integer(4) != checksum;
  if (!event->corrupt) event->event.assign(bytes.data(), bytes.size());
  return event;
}

HistoryRow MakeHistoryRow(const SqliteStatement& row) {
  HistoryRow entry;
  entry.epoch_number = row.Integer(0);
  entry.kind = static_cast<v1::TimelineEntry::Kind>(row.Integer(1));
  entry.at = absl::FromUnixMicros(row.Integer(2));
  entry.consumer_name = std::string(row.Bytes(3));
  entry.attempt = static_cast<int32_t>(row.Integer(4));
  entry.reason = std::string(row.Bytes(5));
  return entry;
}

SettlementRow MakeSettlementRow(const SqliteStatement& row) {
  SettlementRow settlement;
  settlement.epoch_number = row.Integer(0);
  settlement.range = {row.Integer(1), row.Integer(2)};
  settlement.kind = static_cast<SettlementRow::Kind>(row.Integer(3));
  settlement.consumer_name = std::string(row.Bytes(4));
  settlement.settled_at = absl::FromUnixMicros(row.Integer(5));
  return settlement;
}

DeadLetter MakeDeadLetter(const SqliteStatement& row) {
  DeadLetter letter;
  letter.event = MakeEvent(row);
  letter.id = row.Integer(kEventColumns);
  letter.reason = static_cast<v1::DeadLetter::Reason>(row.Integer(kEventColumns + 1));
  letter.detail = std::string(row.Bytes(kEventColumns + 2));
  letter.attempts = static_cast<int32_t>(row.Integer(kEventColumns + 3));
  letter.parked_at = absl::FromUnixMicros(row.Integer(kEventColumns + 4));
  letter.consumer_name = std::string(row.Bytes(kEventColumns + 5));
  return letter;
}

}  // namespace

int64_t EventChecksum(Sequence sequence, int64_t received_us, int64_t stored_us, int64_t end_offset,
                      absl::string_view digest, absl::string_view event) {
  const int64_t numbers[] = {sequence, received_us, stored_us, end_offset};
  const uint64_t head = XXH3_64bits(numbers, sizeof numbers);
  const uint64_t identity = XXH3_64bits_withSeed(digest.data(), digest.size(), head);
  return static_cast<int64_t>(XXH3_64bits_withSeed(event.data(), event.size(), identity));
}

bool EventFits(const SqliteStatement& row, int column) {
  return row.Integer(column + 4) == EventChecksum(row.Integer(column), row.Integer(column + 1),
                                                  row.Integer(column + 2), row.Integer(column + 3),
                                                  row.Bytes(column + 5), row.Bytes(column + 6));
}

int64_t RawBodyChecksum(Sequence sequence, absl::string_view body) {
  return static_cast<int64_t>(
      XXH3_64bits_withSeed(body.data(), body.size(), static_cast<uint64_t>(sequence)));
}

absl::StatusOr<std::unique_ptr<SqliteReader>> SqliteReader::Open(const std::string& path) {
  absl::StatusOr<SqliteDatabase> database = SqliteDatabase::Open(path, /*read_only=*/true);
  if (!database.ok()) return database.status();
  std::unique_ptr<SqliteReader> reader(new SqliteReader(*std::move(database)));
  if (absl::Status status = reader->PrepareAll(); !status.ok()) return status;
  return reader;
}

absl::Status SqliteReader::PrepareAll() {
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
      {&received_at_,
       "SELECT " ONHOOK_EVENT_COLUMNS ", received_us FROM events WHERE sequence = ?"},
      {&end_offset_, "SELECT " ONHOOK_EVENT_COLUMNS ", end_offset FROM events WHERE sequence = ?"},
      {&has_older_, "SELECT 1 FROM events WHERE sequence < ? LIMIT 1"},
      {&raw_body_, "SELECT checksum, body FROM raw_bodies WHERE sequence = ?"},
      // Runs are disjoint, so the nearest that begins at or before the event is the one.
      {&settlements_,
       "SELECT epoch_number, first, last, kind, consumer_name, settled_us FROM settlements"
       " WHERE subscription_id = ? AND epoch_number = ? AND first <= ? ORDER BY first DESC LIMIT "
       "1"},
      {&history_,
       "SELECT epoch_number, kind, at_us, consumer_name, attempt, reason FROM history"
       " WHERE subscription_id = ? AND sequence = ? ORDER BY entry"},
      {&list_dead_letters_,
       "SELECT " ONHOOK_EVENT_COLUMNS ONHOOK_DEAD_LETTER_COLUMNS
       " FROM dead_letters WHERE subscription_id = ? AND redriven = 0 AND id > ?"
       " ORDER BY id LIMIT ?"},
      {&read_dead_letter_, "SELECT " ONHOOK_EVENT_COLUMNS
                           " FROM dead_letters WHERE subscription_id = ? AND sequence = ?"},
      {&find_dead_letter_,
       "SELECT sequence FROM dead_letters WHERE id = ? AND subscription_id = ? AND redriven = 0"},
  };
  return PrepareStatements(database_, statements);
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteReader::Read(Sequence after, Sequence last,
                                                            ReadLimits limits) {
  std::vector<LogEventPtr> events;
  size_t bytes = 0;
  read_.Bind(after).Bind(last).Bind(static_cast<int64_t>(std::max<size_t>(limits.max_events, 1)));
  while (true) {
    const absl::StatusOr<bool> row = read_.Step();
    // What lies before a page that cannot be read is given; who goes on behind it hears of the
    // page.
    if (!row.ok() && !events.empty()) return events;
    if (!row.ok()) return row.status();
    if (!*row) return events;
    bytes += read_.Bytes(6).size();
    if (bytes > limits.max_bytes && !events.empty()) break;
    events.push_back(MakeEvent(read_));
  }
  read_.Reset();
  return events;
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteReader::Find(const EventQuery& query,
                                                            Sequence last) {
  const bool by_call = !query.call_serial_no.empty();
  SqliteStatement& find = by_call ? find_call_ : find_range_;
  if (by_call) find.BindText(query.call_serial_no);
  find.BindText(query.source)
      .BindBlob(query.digest)
      .Bind(absl::ToUnixMicros(query.received_from))
      .Bind(absl::ToUnixMicros(query.received_before))
      .Bind(query.after)
      .Bind(last)
      .Bind(static_cast<int64_t>(query.max_events));
  std::vector<LogEventPtr> events;
  for (size_t bytes = 0; bytes <= query.max_bytes;) {
    const absl::StatusOr<bool> row = find.Step();
    if (!row.ok()) return row.status();
    if (!*row) return events;
    events.push_back(MakeEvent(find));
    bytes += events.back()->event.size();
  }
  find.Reset();
  return events;
}

absl::StatusOr<bool> SqliteReader::IsBelow(SqliteStatement& number_of, int64_t bound,
                                           Sequence sequence) {
  number_of.Bind(sequence);
  const absl::StatusOr<bool> row = number_of.Step();
  if (!row.ok()) return row.status();
  if (*row) {
    // Whoever asks gives up what is below, so what is damaged is not.
    const bool is_below = EventFits(number_of) && number_of.Integer(kEventColumns) < bound;
    number_of.Reset();
    return is_below;
  }
  // What was removed was older than all that is there; what is missing between others is damage.
  const absl::StatusOr<int64_t> has_older = has_older_.Bind(sequence).FirstInteger(0);
  if (!has_older.ok()) return has_older.status();
  return *has_older == 0;
}

absl::StatusOr<Sequence> SqliteReader::LastBelow(SqliteStatement& number_of, int64_t bound,
                                                 Sequence first, Sequence last) {
  Sequence below = first - 1;
  Sequence beyond = last + 1;
  while (below + 1 < beyond) {
    const Sequence middle = below + (beyond - below) / 2;
    const absl::StatusOr<bool> is_below = IsBelow(number_of, bound, middle);
    if (!is_below.ok()) return is_below.status();
    (*is_below ? below : beyond) = middle;
  }
  return below;
}

absl::StatusOr<Sequence> SqliteReader::FindPlace(absl::Time time, Sequence first, Sequence last) {
  return LastBelow(received_at_, absl::ToUnixMicros(time), first, last);
}

absl::StatusOr<Sequence> SqliteReader::FindOffset(int64_t offset, Sequence first, Sequence last) {
  const absl::StatusOr<Sequence> before = LastBelow(end_offset_, offset, first, last);
  if (!before.ok()) return before.status();
  return std::min(*before + 1, last);
}

absl::StatusOr<std::optional<std::string>> SqliteReader::FindRawBody(Sequence sequence) {
  raw_body_.Bind(sequence);
  const absl::StatusOr<bool> row = raw_body_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  std::string body(raw_body_.Bytes(1));
  const bool fits = raw_body_.Integer(0) == RawBodyChecksum(sequence, body);
  raw_body_.Reset();
  if (!fits) return absl::DataLossError("the callback's body does not fit its checksum");
  return body;
}

absl::StatusOr<EventRows> SqliteReader::FindEventRows(int64_t subscription_id, Sequence sequence) {
  EventRows rows;
  if (absl::Status status = FindSettlements(rows, subscription_id, sequence); !status.ok()) {
    return status;
  }
  history_.Bind(subscription_id).Bind(sequence);
  while (true) {
    const absl::StatusOr<bool> row = history_.Step();
    if (!row.ok()) return row.status();
    if (!*row) return rows;
    rows.history.push_back(MakeHistoryRow(history_));
  }
}

absl::Status SqliteReader::FindSettlements(EventRows& rows, int64_t subscription_id,
                                           Sequence sequence) {
  absl::StatusOr<SqliteStatement> epochs =
      database_.Prepare("SELECT epoch_number FROM subscriptions WHERE id = ?");
  if (!epochs.ok()) return epochs.status();
  epochs->Bind(subscription_id);
  const absl::StatusOr<bool> known = epochs->Step();
  if (!known.ok() || !*known) return known.status();
  const int64_t newest = epochs->Integer(0);
  epochs->Reset();
  for (int64_t epoch = std::max<int64_t>(newest - kMostEpochsTold, 0); epoch <= newest; ++epoch) {
    settlements_.Bind(subscription_id).Bind(epoch).Bind(sequence);
    const absl::StatusOr<bool> row = settlements_.Step();
    if (!row.ok()) return row.status();
    if (!*row) continue;
    SettlementRow settlement = MakeSettlementRow(settlements_);
    settlements_.Reset();
    if (settlement.range.last >= sequence) rows.settlements.push_back(std::move(settlement));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DeadLetter>> SqliteReader::ListDeadLetters(int64_t subscription_id,
                                                                      int64_t after,
                                                                      ReadLimits limits) {
  std::vector<DeadLetter> letters;
  size_t bytes = 0;
  list_dead_letters_.Bind(subscription_id)
      .Bind(after)
      .Bind(static_cast<int64_t>(limits.max_events));
  while (true) {
    const absl::StatusOr<bool> row = list_dead_letters_.Step();
    if (!row.ok()) return row.status();
    if (!*row) return letters;
    letters.push_back(MakeDeadLetter(list_dead_letters_));
    bytes += letters.back().event->event.size();
    if (bytes >= limits.max_bytes) break;
  }
  list_dead_letters_.Reset();
  return letters;
}

absl::StatusOr<LogEventPtr> SqliteReader::ReadDeadLetter(int64_t subscription_id,
                                                         Sequence sequence) {
  read_dead_letter_.Bind(subscription_id).Bind(sequence);
  const absl::StatusOr<bool> row = read_dead_letter_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return nullptr;
  LogEventPtr event = MakeEvent(read_dead_letter_);
  read_dead_letter_.Reset();
  return event;
}

absl::StatusOr<std::map<int64_t, Sequence>> SqliteReader::FindDeadLetters(
    int64_t subscription_id, const std::vector<int64_t>& ids) {
  std::map<int64_t, Sequence> found;
  for (const int64_t id : ids) {
    find_dead_letter_.Bind(id).Bind(subscription_id);
    const absl::StatusOr<bool> row = find_dead_letter_.Step();
    if (!row.ok()) return row.status();
    if (!*row) continue;
    found[id] = find_dead_letter_.Integer(0);
    find_dead_letter_.Reset();
  }
  return found;
}

}  // namespace onhook
