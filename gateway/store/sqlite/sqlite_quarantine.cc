#include "gateway/store/sqlite/sqlite_quarantine.h"

#include <xxhash.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/event/sha256.h"

namespace onhook {
namespace {

// The columns that MakeCallback reads, in its order; and those that a whole one has beside them.
#define ONHOOK_LISTED_COLUMNS "id, source, received_us, reason, detail, content_type, length(body)"
#define ONHOOK_WHOLE_COLUMNS ONHOOK_LISTED_COLUMNS ", body, checksum"

constexpr int kBodyColumn = 7;
constexpr int kChecksumColumn = 8;

// What makes two of them equal. Whoever sends them must not be able to make up one that another
// would be taken for, so it is no mere checksum.
std::string IdentityOf(const NewRejectedCallback& callback) {
  return Sha256(absl::StrCat(callback.source.size(), " ", callback.source, " ",
                             static_cast<int>(callback.reason), " ", callback.raw_body));
}

RejectedCallback MakeCallback(const SqliteStatement& row) {
  RejectedCallback callback;
  callback.id = row.Integer(0);
  callback.callback.source = std::string(row.Bytes(1));
  callback.callback.received_at = absl::FromUnixMicros(row.Integer(2));
  callback.callback.reason = static_cast<v1::RejectedCallback::Reason>(row.Integer(3));
  callback.callback.detail = std::string(row.Bytes(4));
  callback.callback.content_type = std::string(row.Bytes(5));
  callback.body_bytes = row.Integer(6);
  return callback;
}

// With its body. kDataLoss: it does not fit its checksum.
absl::StatusOr<RejectedCallback> MakeWholeCallback(const SqliteStatement& row) {
  RejectedCallback callback = MakeCallback(row);
  callback.callback.raw_body = std::string(row.Bytes(kBodyColumn));
  if (row.Integer(kChecksumColumn) != RejectedCallbackChecksum(row.Integer(2), callback.callback)) {
    return absl::DataLossError(
        "the rejected callback is stored but its bytes do not fit their checksum");
  }
  return callback;
}

}  // namespace

int64_t RejectedCallbackChecksum(int64_t received_us, const NewRejectedCallback& callback) {
  const int64_t numbers[] = {received_us, callback.reason};
  uint64_t checksum = XXH3_64bits(numbers, sizeof numbers);
  for (const std::string* text :
       {&callback.source, &callback.detail, &callback.content_type, &callback.raw_body}) {
    checksum = XXH3_64bits_withSeed(text->data(), text->size(), checksum);
  }
  return static_cast<int64_t>(checksum);
}

absl::StatusOr<std::unique_ptr<SqliteQuarantine>> SqliteQuarantine::Prepare(
    SqliteDatabase* writing, SqliteDatabase* reading) {
  std::unique_ptr<SqliteQuarantine> quarantine(new SqliteQuarantine(writing));
  absl::Status status = quarantine->PrepareWriting();
  if (status.ok()) status = quarantine->PrepareReading(*reading);
  if (!status.ok()) return status;
  return quarantine;
}

absl::Status SqliteQuarantine::PrepareWriting() {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&find_, "SELECT " ONHOOK_WHOLE_COLUMNS " FROM rejected_callbacks WHERE identity = ?"},
      {&remove_identity_, "DELETE FROM rejected_callbacks WHERE identity = ?"},
      {&insert_,
       "INSERT INTO rejected_callbacks (source, received_us, reason, detail,"
       " content_type, identity, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"},
      {&remove_, "DELETE FROM rejected_callbacks WHERE id = ?"},
      {&remove_old_,
       "DELETE FROM rejected_callbacks WHERE id IN"
       " (SELECT id FROM rejected_callbacks WHERE received_us < ? LIMIT ?)"},
      {&bytes_, "SELECT sum(bytes) FROM rejected_callback_bytes"},
      // The source that takes most may have none but the newest.
      {&oldest_of_most_,
       "SELECT (SELECT id FROM rejected_callbacks WHERE source = counted.source"
       "   AND id < (SELECT max(id) FROM rejected_callbacks) ORDER BY id LIMIT 1) AS oldest"
       " FROM rejected_callback_bytes AS counted WHERE oldest IS NOT NULL"
       " ORDER BY bytes DESC, source LIMIT 1"},
  };
  return PrepareStatements(*writing_, statements);
}

absl::Status SqliteQuarantine::PrepareReading(SqliteDatabase& reading) {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&list_, "SELECT " ONHOOK_LISTED_COLUMNS " FROM rejected_callbacks WHERE id > ?"
               " ORDER BY id LIMIT ?"},
      {&list_source_,
       "SELECT " ONHOOK_LISTED_COLUMNS " FROM rejected_callbacks WHERE source = ? AND id > ?"
       " ORDER BY id LIMIT ?"},
      {&get_, "SELECT " ONHOOK_WHOLE_COLUMNS " FROM rejected_callbacks WHERE id = ?"},
      {&measure_,
       "SELECT (SELECT count(*) FROM rejected_callbacks),"
       " (SELECT sum(bytes) FROM rejected_callback_bytes)"},
  };
  return PrepareStatements(reading, statements);
}

absl::StatusOr<int64_t> SqliteQuarantine::FindEqual(const NewRejectedCallback& callback) {
  const std::string identity = IdentityOf(callback);
  find_.BindBlob(identity);
  const absl::StatusOr<bool> row = find_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return 0;
  const absl::StatusOr<RejectedCallback> found = MakeWholeCallback(find_);
  find_.Reset();
  return found.ok() && found->callback.raw_body == callback.raw_body ? found->id : 0;
}

absl::StatusOr<int64_t> SqliteQuarantine::Insert(const NewRejectedCallback& callback) {
  const std::string identity = IdentityOf(callback);
  const int64_t received_us = absl::ToUnixMicros(callback.received_at);
  // Only a damaged one can be there. An INSERT OR REPLACE instead would make its rule that of the
  // trigger's statements too, which count.
  absl::Status status = remove_identity_.BindBlob(identity).Run();
  if (!status.ok()) return status;
  insert_.BindText(callback.source)
      .Bind(received_us)
      .Bind(callback.reason)
      .BindText(callback.detail)
      .BindText(callback.content_type)
      .BindBlob(identity)
      .Bind(RejectedCallbackChecksum(received_us, callback))
      .BindBlob(callback.raw_body);
  return insert_.FirstInteger(0);
}

absl::StatusOr<bool> SqliteQuarantine::Remove(int64_t id) {
  if (absl::Status status = remove_.Bind(id).Run(); !status.ok()) return status;
  return writing_->Changes() > 0;
}

absl::StatusOr<TrimmedCallbacks> SqliteQuarantine::Trim(absl::Time before, int64_t max_bytes,
                                                        int64_t max_rows) {
  TrimmedCallbacks removed;
  if (before != absl::InfinitePast()) {
    absl::Status status = remove_old_.Bind(absl::ToUnixMicros(before)).Bind(max_rows).Run();
    if (!status.ok()) return status;
    removed.by_age = writing_->Changes();
  }
  for (; removed.total() < max_rows; ++removed.by_size) {
    const absl::StatusOr<int64_t> bytes = bytes_.FirstInteger(0);
    if (!bytes.ok()) return bytes.status();
    if (*bytes <= max_bytes) break;
    const absl::StatusOr<int64_t> oldest = oldest_of_most_.FirstInteger(0);
    if (!oldest.ok()) return oldest.status();
    if (*oldest == 0) break;
    const absl::StatusOr<bool> was_there = Remove(*oldest);
    if (!was_there.ok()) return was_there.status();
  }
  return removed;
}

absl::StatusOr<std::vector<RejectedCallback>> SqliteQuarantine::List(
    const RejectedCallbackQuery& query) {
  SqliteStatement& list = query.source.empty() ? list_ : list_source_;
  if (!query.source.empty()) list.BindText(query.source);
  list.Bind(query.after).Bind(std::max(query.max_callbacks, 0));
  std::vector<RejectedCallback> listed;
  while (true) {
    const absl::StatusOr<bool> row = list.Step();
    if (!row.ok()) return row.status();
    if (!*row) return listed;
    listed.push_back(MakeCallback(list));
  }
}

absl::StatusOr<std::optional<RejectedCallback>> SqliteQuarantine::Get(int64_t id) {
  get_.Bind(id);
  const absl::StatusOr<bool> row = get_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::nullopt;
  absl::StatusOr<RejectedCallback> callback = MakeWholeCallback(get_);
  get_.Reset();
  if (!callback.ok()) return callback.status();
  return *std::move(callback);
}

absl::StatusOr<QuarantineSize> SqliteQuarantine::Measure() {
  const absl::StatusOr<bool> row = measure_.Step();
  if (!row.ok()) return row.status();
  const QuarantineSize size{measure_.Integer(0), measure_.Integer(1)};
  measure_.Reset();
  return size;
}

}  // namespace onhook
