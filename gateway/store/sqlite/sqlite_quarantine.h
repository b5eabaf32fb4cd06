#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_QUARANTINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/store/embedded/quarantine_rows.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// The checksum of a rejected callback's row.
int64_t RejectedCallbackChecksum(int64_t received_us, const NewRejectedCallback& callback);

// The rejected callbacks of an SQLite storage: written by one of its connections, read by the
// other. Each row carries a checksum.
class SqliteQuarantine final : public QuarantineRows {
 public:
  // Both must outlive it.
  static absl::StatusOr<std::unique_ptr<SqliteQuarantine>> Prepare(SqliteDatabase* writing,
                                                                   SqliteDatabase* reading);

  absl::StatusOr<int64_t> FindEqual(const NewRejectedCallback& callback) override;
  absl::StatusOr<int64_t> Insert(const NewRejectedCallback& callback) override;
  absl::StatusOr<bool> Remove(int64_t id) override;
  absl::StatusOr<TrimmedCallbacks> Trim(absl::Time before, int64_t max_bytes,
                                        int64_t max_rows) override;
  absl::StatusOr<std::vector<RejectedCallback>> List(const RejectedCallbackQuery& query) override;
  absl::StatusOr<std::optional<RejectedCallback>> Get(int64_t id) override;
  absl::StatusOr<QuarantineSize> Measure() override;

 private:
  explicit SqliteQuarantine(SqliteDatabase* writing) : writing_(writing) {}
  absl::Status PrepareWriting();
  absl::Status PrepareReading(SqliteDatabase& reading);

  SqliteDatabase* const writing_;
  SqliteStatement find_;
  SqliteStatement remove_identity_;
  SqliteStatement insert_;
  SqliteStatement remove_;
  SqliteStatement remove_old_;
  SqliteStatement bytes_;
  SqliteStatement oldest_of_most_;

  SqliteStatement list_;
  SqliteStatement list_source_;
  SqliteStatement get_;
  SqliteStatement measure_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_QUARANTINE_H_
