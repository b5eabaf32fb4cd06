#include "gateway/store/sqlite/sqlite_schema.h"

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

constexpr int64_t kFormatVersion = 3;
constexpr int64_t kOldestFormatVersion = 2;

// Every event's row has a checksum, which its dead letters take along.
constexpr char kTablesOfFormat2[] = R"(
  CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    call_serial_no TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    event BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX events_identity ON events (call_serial_no, source, digest);
  CREATE TABLE removed_identities (
    call_serial_no TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    removed_us INTEGER NOT NULL,
    PRIMARY KEY (call_serial_no, source, digest)) STRICT, WITHOUT ROWID;
  CREATE INDEX removed_identities_age ON removed_identities (removed_us);
  CREATE TABLE forwarded (
    receiver TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (receiver, first)) STRICT, WITHOUT ROWID;
  CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    spec BLOB NOT NULL,
    origin INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    last_used_us INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    epoch_number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    replayed_through INTEGER NOT NULL,
    dropped_by_limit INTEGER NOT NULL) STRICT;
  CREATE TABLE orphans (subscription_id INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE settlements (
    subscription_id INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    settled_us INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, epoch_number, first)) STRICT, WITHOUT ROWID;
  CREATE TABLE history (
    subscription_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_us INTEGER NOT NULL,
    retry_us INTEGER NOT NULL,
    last_ended INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, sequence, entry)) STRICT, WITHOUT ROWID;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    detail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_us INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    redriven INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    digest BLOB NOT NULL,
    event BLOB NOT NULL,
    UNIQUE (subscription_id, sequence)) STRICT;
  CREATE INDEX dead_letters_state ON dead_letters (subscription_id, redriven, sequence);
  CREATE TRIGGER dead_letter_comes AFTER INSERT ON dead_letters WHEN new.redriven = 0 BEGIN
    UPDATE counters SET value = value + length(new.event) WHERE key = 'dead_letter_bytes'; END;
  CREATE TRIGGER dead_letter_goes AFTER DELETE ON dead_letters WHEN old.redriven = 0 BEGIN
    UPDATE counters SET value = value - length(old.event) WHERE key = 'dead_letter_bytes'; END;
  CREATE TRIGGER dead_letter_is_redriven AFTER UPDATE OF redriven ON dead_letters
    WHEN old.redriven = 0 AND new.redriven = 1 BEGIN
    UPDATE counters SET value = value - length(old.event) WHERE key = 'dead_letter_bytes'; END;
  INSERT INTO counters VALUES ('openings', 0), ('dead_letter_bytes', 0);
)";

// Nonces are looked up and come about in the order of their timestamps, so rows that are written
// together lie together. What the rejected callbacks of a source take is counted as they come and
// go, so that keeping one takes no longer the more there are.
constexpr char kTablesOfFormat3[] = R"(
  CREATE TABLE nonces (
    timestamp_ms INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    forget_us INTEGER NOT NULL,
    PRIMARY KEY (timestamp_ms, nonce, source)) STRICT, WITHOUT ROWID;
  CREATE INDEX nonces_age ON nonces (forget_us);
  CREATE TABLE nonce_horizons (
    source TEXT PRIMARY KEY,
    timestamp_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE raw_bodies (
    sequence INTEGER PRIMARY KEY,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL) STRICT;
  CREATE TABLE rejected_callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    detail TEXT NOT NULL,
    content_type TEXT NOT NULL,
    identity BLOB NOT NULL UNIQUE,
    checksum INTEGER NOT NULL,
    body BLOB NOT NULL) STRICT;
  CREATE INDEX rejected_callbacks_source ON rejected_callbacks (source);
  CREATE INDEX rejected_callbacks_age ON rejected_callbacks (received_us);
  CREATE TABLE rejected_callback_bytes (
    source TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX rejected_callback_bytes_most ON rejected_callback_bytes (bytes DESC, source);
  CREATE TRIGGER rejected_callback_comes AFTER INSERT ON rejected_callbacks BEGIN
    INSERT INTO rejected_callback_bytes VALUES (new.source, length(new.body) + 256)
      ON CONFLICT (source) DO UPDATE SET bytes = bytes + excluded.bytes; END;
  CREATE TRIGGER rejected_callback_goes AFTER DELETE ON rejected_callbacks BEGIN
    UPDATE rejected_callback_bytes SET bytes = bytes - length(old.body) - 256
      WHERE source = old.source;
    DELETE FROM rejected_callback_bytes WHERE source = old.source
      AND NOT EXISTS (SELECT 1 FROM rejected_callbacks WHERE source = old.source); END;
)";

}  // namespace

bool IsKnownFormat(int64_t format) {
  return format >= kOldestFormatVersion && format <= kFormatVersion;
}

std::string NewStoreId() { return absl::StrCat(absl::Hex(RandomBits(), absl::kZeroPad16)); }

absl::Status CreateOrCheckSchema(SqliteDatabase& database, const std::string& directory) {
  absl::StatusOr<SqliteStatement> version = database.Prepare("PRAGMA user_version");
  if (!version.ok()) return version.status();
  const absl::StatusOr<int64_t> found = version->FirstInteger(0);
  if (!found.ok()) return found.status();
  if (*found == kFormatVersion) return absl::OkStatus();
  if (*found != 0 && *found != kOldestFormatVersion) {
    return StoreDamage(absl::StrCat(directory, " has format ", *found,
                                    "; this version reads and writes ", kFormatVersion),
                       "Start a version that knows it");
  }
  const std::string new_store =
      *found == 0 ? absl::StrCat(kTablesOfFormat2, "INSERT INTO store VALUES ('store_id', '",
                                 NewStoreId(), "');")
                  : "";
  return database.Execute(absl::StrCat("BEGIN IMMEDIATE;", new_store, kTablesOfFormat3,
                                       "PRAGMA user_version=", kFormatVersion, "; COMMIT;"));
}

int64_t SqliteFormatVersion() { return kFormatVersion; }

absl::StatusOr<std::string> RenewStoreIdentity(SqliteDatabase& database) {
  std::string store_id = NewStoreId();
  // A delivery id says its subscription's epoch, and would else settle whatever takes its sequence.
  const absl::Status renewed =
      database.Execute(absl::StrCat("UPDATE store SET value = '", store_id,
                                    "' WHERE key = 'store_id';"
                                    "UPDATE subscriptions SET epoch = lower(hex(randomblob(8)))"));
  if (!renewed.ok()) return renewed;
  return store_id;
}

}  // namespace onhook
