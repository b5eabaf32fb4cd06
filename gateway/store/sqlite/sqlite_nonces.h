#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_NONCES_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_NONCES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gateway/store/embedded/nonce_rows.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// The nonces of an SQLite storage, by its writing connection.
class SqliteNonces final : public NonceRows {
 public:
  // `database` must outlive it.
  static absl::StatusOr<std::unique_ptr<SqliteNonces>> Prepare(SqliteDatabase* database);

  absl::StatusOr<std::optional<std::string>> Find(const std::string& source,
                                                  const NewEvent::Nonce& nonce) override;
  absl::Status Insert(const NonceRow& row) override;
  absl::StatusOr<int64_t> Horizon(const std::string& source) override;
  absl::StatusOr<int64_t> Forget(absl::Time now, int64_t max_rows) override;

 private:
  explicit SqliteNonces(SqliteDatabase* database) : database_(database) {}

  SqliteDatabase* const database_;
  SqliteStatement find_;
  SqliteStatement insert_;
  SqliteStatement horizon_;
  SqliteStatement raise_horizons_;
  SqliteStatement forget_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_NONCES_H_
