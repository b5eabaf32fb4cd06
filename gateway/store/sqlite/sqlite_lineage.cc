#include "gateway/store/sqlite/sqlite_lineage.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace onhook {
namespace {

// Keys are in the order in which it became another store.
constexpr absl::string_view kKeyPrefix = "ancestor-";

constexpr absl::string_view kLossAccepted = "loss";
constexpr absl::string_view kRestored = "restored";

absl::StatusOr<StoreAncestor> Parse(absl::string_view value) {
  const std::vector<std::string> parts = absl::StrSplit(value, ' ');
  StoreAncestor ancestor;
  int64_t taken_us = 0;
  int64_t renewed_us = 0;
  if (parts.size() != 5 || !absl::SimpleAtoi(parts[1], &taken_us) ||
      !absl::SimpleAtoi(parts[2], &ancestor.newest) || !absl::SimpleAtoi(parts[3], &renewed_us) ||
      (parts[4] != kRestored && parts[4] != kLossAccepted)) {
    return absl::DataLossError("what the store goes back to cannot be read");
  }
  ancestor.kind =
      parts[4] == kRestored ? StoreAncestor::Kind::kRestored : StoreAncestor::Kind::kLossAccepted;
  ancestor.store_id = parts[0];
  ancestor.taken_at = absl::FromUnixMicros(taken_us);
  ancestor.renewed_at = absl::FromUnixMicros(renewed_us);
  return ancestor;
}

}  // namespace

absl::StatusOr<std::vector<StoreAncestor>> ReadAncestors(SqliteDatabase& database) {
  absl::StatusOr<SqliteStatement> query =
      database.Prepare("SELECT value FROM store WHERE key GLOB 'ancestor-*' ORDER BY key");
  if (!query.ok()) return query.status();
  std::vector<StoreAncestor> ancestors;
  while (true) {
    const absl::StatusOr<bool> row = query->Step();
    if (!row.ok()) return row.status();
    if (!*row) return ancestors;
    absl::StatusOr<StoreAncestor> ancestor = Parse(query->Bytes(0));
    if (!ancestor.ok()) {
      query->Reset();
      return ancestor.status();
    }
    ancestors.push_back(*std::move(ancestor));
  }
}

absl::Status AddAncestor(SqliteDatabase& database, const StoreAncestor& ancestor) {
  const absl::StatusOr<std::vector<StoreAncestor>> before = ReadAncestors(database);
  if (!before.ok()) return before.status();
  absl::StatusOr<SqliteStatement> insert = database.Prepare("INSERT INTO store VALUES (?, ?)");
  if (!insert.ok()) return insert.status();
  const std::string key = absl::StrFormat("%s%06d", kKeyPrefix, before->size() + 1);
  const bool is_restored = ancestor.kind == StoreAncestor::Kind::kRestored;
  const std::string value = absl::StrCat(
      ancestor.store_id, " ", absl::ToUnixMicros(ancestor.taken_at), " ", ancestor.newest, " ",
      absl::ToUnixMicros(ancestor.renewed_at), " ", is_restored ? kRestored : kLossAccepted);
  return insert->BindText(key).BindText(value).Run();
}

}  // namespace onhook
