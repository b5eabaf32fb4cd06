#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/store/embedded/storage.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// The checksum of an event's row, over all that a delivery depends on.
int64_t EventChecksum(Sequence sequence, int64_t received_us, int64_t stored_us, int64_t end_offset,
                      absl::string_view digest, absl::string_view event);

// The columns of an event's row, and of its dead letter's, that its checksum is over; and whether
// the row, in which they begin at `column`, fits it.
#define ONHOOK_EVENT_COLUMNS "sequence, received_us, stored_us, end_offset, checksum, digest, event"
bool EventFits(const SqliteStatement& row, int column = 0);

// The checksum of an event's raw_body.
int64_t RawBodyChecksum(Sequence sequence, absl::string_view body);

// The reading connection of an SQLite storage. Events whose row does not fit its checksum come back
// as corrupt. Threads: one at a time, beside the writing connection.
class SqliteReader {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteReader>> Open(const std::string& path);

  // As in Storage.
  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last, ReadLimits limits);
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last);
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last);
  absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last);
  absl::StatusOr<std::optional<std::string>> FindRawBody(Sequence sequence);
  absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence);
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id, int64_t after,
                                                          ReadLimits limits);
  absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id, Sequence sequence);
  absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(int64_t subscription_id,
                                                              const std::vector<int64_t>& ids);

  // For others that read, on the same thread.
  SqliteDatabase& database() { return database_; }

 private:
  explicit SqliteReader(SqliteDatabase database) : database_(std::move(database)) {}
  absl::Status PrepareAll();
  // The last of [first, last] whose number is below `bound`, first - 1 if none's is. `number_of`
  // tells the number of a sequence, in growing order.
  absl::StatusOr<Sequence> LastBelow(SqliteStatement& number_of, int64_t bound, Sequence first,
                                     Sequence last);
  absl::StatusOr<bool> IsBelow(SqliteStatement& number_of, int64_t bound, Sequence sequence);
  absl::Status FindSettlements(EventRows& rows, int64_t subscription_id, Sequence sequence);

  SqliteDatabase database_;
  SqliteStatement read_;
  SqliteStatement find_call_;
  SqliteStatement find_range_;
  SqliteStatement received_at_;
  SqliteStatement end_offset_;
  SqliteStatement has_older_;
  SqliteStatement raw_body_;
  SqliteStatement settlements_;
  SqliteStatement history_;
  SqliteStatement list_dead_letters_;
  SqliteStatement read_dead_letter_;
  SqliteStatement find_dead_letter_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_
