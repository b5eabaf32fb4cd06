#include "gateway/store/sqlite/sqlite_nonces.h"

#include <utility>

namespace onhook {
namespace {

// Those that go next. Two statements read it, and must mean the same rows: so it is ordered in
// full, which the index on forget_us does by itself.
#define ONHOOK_NONCES_TO_FORGET                                         \
  "SELECT timestamp_ms, nonce, source FROM nonces WHERE forget_us < ?1" \
  " ORDER BY forget_us, timestamp_ms, nonce, source LIMIT ?2"

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteNonces>> SqliteNonces::Prepare(SqliteDatabase* database) {
  std::unique_ptr<SqliteNonces> nonces(new SqliteNonces(database));
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&nonces->find_,
       "SELECT digest FROM nonces WHERE timestamp_ms = ? AND nonce = ? AND source = ?"},
      {&nonces->insert_,
       "INSERT INTO nonces (timestamp_ms, nonce, source, digest, forget_us)"
       " VALUES (?, ?, ?, ?, ?)"},
      {&nonces->horizon_, "SELECT timestamp_ms FROM nonce_horizons WHERE source = ?"},
      {&nonces->raise_horizons_,
       "INSERT INTO nonce_horizons (source, timestamp_ms)"
       " SELECT source, max(timestamp_ms) FROM (" ONHOOK_NONCES_TO_FORGET
       ") WHERE timestamp_ms <= ?3 GROUP BY source"
       " ON CONFLICT (source) DO UPDATE SET"
       " timestamp_ms = max(timestamp_ms, excluded.timestamp_ms)"},
      {&nonces->forget_,
       "DELETE FROM nonces WHERE (timestamp_ms, nonce, source) IN (" ONHOOK_NONCES_TO_FORGET ")"},
  };
  if (absl::Status status = PrepareStatements(*database, statements); !status.ok()) return status;
  return nonces;
}

absl::StatusOr<std::optional<std::string>> SqliteNonces::Find(const std::string& source,
                                                              const NewEvent::Nonce& nonce) {
  find_.Bind(nonce.timestamp_ms).BindText(nonce.nonce).BindText(source);
  const absl::StatusOr<bool> row = find_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  std::string digest(find_.Bytes(0));
  find_.Reset();
  return digest;
}

absl::Status SqliteNonces::Insert(const NonceRow& row) {
  return insert_.Bind(row.nonce.timestamp_ms)
      .BindText(row.nonce.nonce)
      .BindText(row.source)
      .BindBlob(row.digest)
      .Bind(absl::ToUnixMicros(row.forget_at))
      .Run();
}

absl::StatusOr<int64_t> SqliteNonces::Horizon(const std::string& source) {
  return horizon_.BindText(source).FirstInteger(kNothingForgotten);
}

absl::StatusOr<int64_t> SqliteNonces::Forget(absl::Time now, int64_t max_rows) {
  const int64_t now_us = absl::ToUnixMicros(now);
  absl::Status status =
      raise_horizons_.Bind(now_us).Bind(max_rows).Bind(absl::ToUnixMillis(now)).Run();
  if (status.ok()) status = forget_.Bind(now_us).Bind(max_rows).Run();
  if (!status.ok()) return status;
  return database_->Changes();
}

}  // namespace onhook
