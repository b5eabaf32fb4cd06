#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/store/event_log.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// The checksum of an event's row, over all that a delivery depends on.
int64_t EventChecksum(Sequence sequence, int64_t received_us, int64_t stored_us,
                      absl::string_view digest, absl::string_view event);

// The reading connection of an SQLite storage. Events whose row does not fit its checksum come back
// as corrupt. Threads: one at a time, beside the writing connection.
class SqliteReader {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteReader>> Open(const std::string& path);

  // As in Storage.
  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last, ReadLimits limits);
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last);
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence last);

 private:
  explicit SqliteReader(SqliteDatabase database) : database_(std::move(database)) {}
  absl::Status PrepareStatements();

  SqliteDatabase database_;
  SqliteStatement read_;
  SqliteStatement find_call_;
  SqliteStatement find_range_;
  SqliteStatement received_at_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_READER_H_
