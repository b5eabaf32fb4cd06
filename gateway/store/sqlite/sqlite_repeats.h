#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REPEATS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REPEATS_H_

#include <cstdint>
#include <memory>

#include "gateway/store/embedded/storage.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// Binds an event's columns to an insert of its row, and runs that.
absl::Status RunInsert(SqliteStatement& insert, const NewEvent& event, LogPlace place,
                       int64_t stored_us);

// Finds what a repeat repeats, among the events that are kept. An index knows them, and nobody is
// told "stored" on its word alone: the row must be there and fit its checksum. One that is not, or
// does not, is written anew from the repeat, at its own sequence.
//
// Within the transaction of the writing connection, and on its thread.
class SqliteRepeats {
 public:
  // `database` must outlive it.
  static absl::StatusOr<std::unique_ptr<SqliteRepeats>> Prepare(SqliteDatabase* database);

  // 0: there is none. Errors: kAborted, it cannot be told whether it is there; nothing was changed.
  absl::StatusOr<Sequence> FindKept(const NewEvent& event);

 private:
  enum class Found { kNothing, kIt, kAnother };  // that is whole

  explicit SqliteRepeats(SqliteDatabase* database) : database_(database) {}
  absl::StatusOr<Found> LookAt(const NewEvent& event, Sequence sequence);
  absl::Status WriteAnew(const NewEvent& event, Sequence sequence);

  SqliteDatabase* const database_;
  SqliteStatement find_identity_;
  SqliteStatement find_row_;
  SqliteStatement find_place_;
  SqliteStatement insert_anew_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REPEATS_H_
