#include "gateway/store/sqlite/sqlite_storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr int64_t kFormatVersion = 1;

// A checkpoint is due at this many pages of 4 KiB in the write-ahead log.
constexpr int kCheckpointPages = 1000;

constexpr char kSchema[] = R"(
  CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    call_serial_no TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    event BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX events_identity ON events (call_serial_no, source, digest);
  CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec BLOB NOT NULL,
    epoch TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    start INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    settled TEXT NOT NULL,
    journal_id INTEGER NOT NULL) STRICT;
  CREATE TABLE settlements (
    subscription_id INTEGER NOT NULL,
    journal_id INTEGER NOT NULL,
    sequences TEXT NOT NULL,
    consumer_name TEXT NOT NULL,
    settled_us INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, journal_id)) STRICT, WITHOUT ROWID;
  CREATE TABLE forwarded (
    receiver TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (receiver, first)) STRICT, WITHOUT ROWID;
)";

std::string DatabasePath(const std::string& directory) { return directory + "/onhook.db"; }

absl::Status ErrnoStatus(absl::string_view doing, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(doing, " ", path, ": ", std::strerror(errno)));
}

// Makes a directory's entries survive a power cut.
absl::Status Sync(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus("opening", path);
  const int result = fsync(file);
  const absl::Status status =
      result == 0 ? absl::OkStatus()
                  : absl::DataLossError(absl::StrCat("syncing ", path, ": ", std::strerror(errno)));
  close(file);
  return status;
}

std::string RandomStoreId() {
  std::random_device device;
  const uint64_t id = (uint64_t{device()} << 32) | device();
  return absl::StrCat(absl::Hex(id, absl::kZeroPad16));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> SqliteStorage::Open(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus("creating", directory);
  }
  const std::string lock_path = directory + "/lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return ErrnoStatus("opening", lock_path);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::FailedPreconditionError(
        absl::StrCat("another process uses ", directory, "; a store serves one gateway at a time"));
  }
  std::unique_ptr<SqliteStorage> storage(new SqliteStorage(directory, lock));
  if (absl::Status status = storage->OpenDatabase(); !status.ok()) return status;
  return storage;
}

SqliteStorage::~SqliteStorage() {
  Close().IgnoreError();
  if (lock_ >= 0) close(lock_);
}

absl::Status SqliteStorage::OpenDatabase() {
  const std::string path = DatabasePath(directory_);
  absl::StatusOr<SqliteDatabase> database = SqliteDatabase::Open(path, /*read_only=*/false);
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  for (const char* pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA foreign_keys=OFF", "PRAGMA temp_store=MEMORY",
        "PRAGMA cache_size=-32768", "PRAGMA cell_size_check=ON"}) {
    if (absl::Status status = database_->Execute(pragma); !status.ok()) return status;
  }
  if (absl::Status status = database_->UseWriteAheadLog(); !status.ok()) return status;
  database_->CountLogPages(&log_pages_);
  // After a crash in the middle of a sync, rows may be visible that are not on disk yet. Nobody may
  // be told of them before they are.
  if (absl::Status status = database_->Checkpoint(/*truncate=*/true); !status.ok()) return status;
  if (absl::Status status = CreateOrCheckSchema(); !status.ok()) return status;
  // The file itself SQLite has synced. To open it beside SQLite would drop SQLite's lock on it: a
  // process loses its locks on a file with the first descriptor of it that it closes.
  if (absl::Status status = Sync(directory_); !status.ok()) return status;
  if (absl::Status status = Sync(directory_ + "/.."); !status.ok()) return status;
  if (absl::Status status = PrepareStatements(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<SqliteReader>> reader = SqliteReader::Open(path);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return absl::OkStatus();
}

absl::Status SqliteStorage::CreateOrCheckSchema() {
  absl::StatusOr<SqliteStatement> version = database_->Prepare("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (absl::StatusOr<bool> row = version->Step(); !row.ok()) return row.status();
  const int64_t found = version->Integer(0);
  version->Reset();
  if (found == kFormatVersion) return absl::OkStatus();
  if (found != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory_, " has format ", found, "; this version reads ", kFormatVersion));
  }
  return database_->Execute(absl::StrCat("BEGIN IMMEDIATE;", kSchema,
                                         "INSERT INTO store VALUES ('store_id', '", RandomStoreId(),
                                         "'); PRAGMA user_version=", kFormatVersion, "; COMMIT;"));
}

absl::Status SqliteStorage::PrepareStatements() {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      {&insert_event_,
       "INSERT INTO events (sequence, call_serial_no, source, digest, received_us, stored_us,"
       " checksum, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
       " ON CONFLICT (call_serial_no, source, digest) DO NOTHING"},
      {&find_identity_,
       "SELECT sequence FROM events WHERE call_serial_no = ? AND source = ? AND digest = ?"},
      {&insert_settlement_, "INSERT INTO settlements VALUES (?, ?, ?, ?, ?)"},
      {&save_state_,
       "UPDATE subscriptions SET floor = ?, settled = ?, journal_id = ? WHERE id = ?"},
      {&save_forwarded_, "INSERT OR REPLACE INTO forwarded VALUES (?, ?, ?)"},
  };
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<SqliteStatement> prepared = database_->Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::StatusOr<RecoveredState> SqliteStorage::Recover() {
  RecoveredState state;
  auto query = database_->Prepare("SELECT value FROM store WHERE key = 'store_id'");
  if (!query.ok()) return query.status();
  absl::StatusOr<bool> row = query->Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::DataLossError("the store has no store_id");
  state.store_id = std::string(query->Bytes(0));
  query->Reset();

  query = database_->Prepare("SELECT coalesce(max(sequence), 0) FROM events");
  if (!query.ok()) return query.status();
  if (row = query->Step(); !row.ok()) return row.status();
  state.last = query->Integer(0);
  query->Reset();

  query = database_->Prepare("SELECT receiver, first, last FROM forwarded");
  if (!query.ok()) return query.status();
  for (row = query->Step(); row.ok() && *row; row = query->Step()) {
    state.forwarded[std::string(query->Bytes(0))].Add({query->Integer(1), query->Integer(2)});
  }
  if (!row.ok()) return row.status();
  if (absl::Status status = ReadSubscriptions(state.subscriptions); !status.ok()) return status;
  return state;
}

absl::Status SqliteStorage::ReadSubscriptions(std::vector<SubscriptionRecord>& subscriptions) {
  auto query = database_->Prepare(
      "SELECT id, name, spec, epoch, created_us, start, floor, settled, journal_id"
      " FROM subscriptions");
  if (!query.ok()) return query.status();
  absl::StatusOr<bool> row = query->Step();
  for (; row.ok() && *row; row = query->Step()) {
    SubscriptionRecord record;
    record.id = query->Integer(0);
    record.name = std::string(query->Bytes(1));
    const absl::string_view spec = query->Bytes(2);
    absl::StatusOr<SequenceSet> settled = SequenceSet::FromText(query->Bytes(7));
    if (!settled.ok() || !record.spec.ParseFromArray(spec.data(), static_cast<int>(spec.size())) ||
        !absl::SimpleHexAtoi(query->Bytes(3), &record.epoch)) {
      query->Reset();
      return absl::DataLossError(absl::StrCat("subscription '", record.name, "' is damaged"));
    }
    record.created_at = absl::FromUnixMicros(query->Integer(4));
    record.start = query->Integer(5);
    record.floor = query->Integer(6);
    record.settled = *std::move(settled);
    record.journal_id = query->Integer(8);
    subscriptions.push_back(std::move(record));
  }
  if (!row.ok()) return row.status();

  query = database_->Prepare(
      "SELECT journal_id, sequences FROM settlements WHERE subscription_id = ? AND journal_id > ?"
      " ORDER BY journal_id");
  if (!query.ok()) return query.status();
  for (SubscriptionRecord& record : subscriptions) {
    query->Bind(record.id).Bind(record.journal_id);
    for (row = query->Step(); row.ok() && *row; row = query->Step()) {
      absl::StatusOr<SequenceSet> sequences = SequenceSet::FromText(query->Bytes(1));
      if (!sequences.ok()) {
        query->Reset();
        return absl::DataLossError(absl::StrCat("the journal of '", record.name, "' is damaged"));
      }
      SettlementRow settlement;
      settlement.journal_id = query->Integer(0);
      settlement.sequences = *std::move(sequences);
      ApplySettlement(settlement, record);
    }
    if (!row.ok()) return row.status();
  }
  return absl::OkStatus();
}

absl::Status SqliteStorage::Begin() { return begin_.Run(); }

absl::StatusOr<AppendResult> SqliteStorage::InsertEvent(const NewEvent& event, Sequence next,
                                                        absl::Time stored_at) {
  const int64_t received_us = absl::ToUnixMicros(event.received_at);
  const int64_t stored_us = absl::ToUnixMicros(stored_at);
  insert_event_.Bind(next)
      .BindText(event.call_serial_no)
      .BindText(event.source)
      .BindBlob(event.digest)
      .Bind(received_us)
      .Bind(stored_us)
      .Bind(EventChecksum(next, received_us, stored_us, event.digest, event.event))
      .BindBlob(event.event);
  if (absl::Status status = insert_event_.Run(); !status.ok()) return status;
  if (database_->Changes() == 1) return AppendResult{next, false};
  find_identity_.BindText(event.call_serial_no).BindText(event.source).BindBlob(event.digest);
  const absl::StatusOr<bool> row = find_identity_.Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::DataLossError("an event conflicts with one that is not there");
  const AppendResult result{find_identity_.Integer(0), true};
  find_identity_.Reset();
  return result;
}

absl::Status SqliteStorage::InsertSettlement(const SettlementRow& row) {
  const std::string sequences = row.sequences.ToText();
  return insert_settlement_.Bind(row.subscription_id)
      .Bind(row.journal_id)
      .BindText(sequences)
      .BindText(row.consumer_name)
      .Bind(absl::ToUnixMicros(row.settled_at))
      .Run();
}

absl::Status SqliteStorage::SaveState(const SubscriptionRecord& subscription) {
  const std::string settled = subscription.settled.ToText();
  return save_state_.Bind(subscription.floor)
      .BindText(settled)
      .Bind(subscription.journal_id)
      .Bind(subscription.id)
      .Run();
}

absl::StatusOr<int64_t> SqliteStorage::InsertSubscription(const SubscriptionRecord& subscription) {
  absl::StatusOr<SqliteStatement> insert = database_->Prepare(
      "INSERT INTO subscriptions"
      " (name, spec, epoch, created_us, start, floor, settled, journal_id)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
  if (!insert.ok()) return insert.status();
  const std::string spec = subscription.spec.SerializeAsString();
  const std::string epoch = absl::StrCat(absl::Hex(subscription.epoch, absl::kZeroPad16));
  const std::string settled = subscription.settled.ToText();
  insert->BindText(subscription.name)
      .BindBlob(spec)
      .BindText(epoch)
      .Bind(absl::ToUnixMicros(subscription.created_at))
      .Bind(subscription.start)
      .Bind(subscription.floor)
      .BindText(settled)
      .Bind(subscription.journal_id);
  if (const absl::StatusOr<bool> row = insert->Step(); !row.ok()) return row.status();
  const int64_t id = insert->Integer(0);
  insert->Reset();
  return id;
}

absl::Status SqliteStorage::SaveForwarded(const std::string& receiver, SequenceRange range) {
  return save_forwarded_.BindText(receiver).Bind(range.first).Bind(range.last).Run();
}

absl::Status SqliteStorage::Commit() {
  const absl::Status status = commit_.Run();
  if (!status.ok() && !absl::IsDataLoss(status)) Rollback();
  return status;
}

void SqliteStorage::Rollback() {
  // After some errors SQLite has rolled back by itself.
  if (database_->InTransaction()) rollback_.Run().IgnoreError();
}

bool SqliteStorage::NeedsMaintenance() const { return log_pages_ >= kCheckpointPages; }

absl::Status SqliteStorage::Maintain() {
  log_pages_ = 0;  // the next commit counts anew
  return database_->Checkpoint(/*truncate=*/false);
}

absl::Status SqliteStorage::Close() {
  if (!database_.has_value()) return absl::OkStatus();
  reader_.reset();
  const absl::Status status = database_->Checkpoint(/*truncate=*/true);
  for (SqliteStatement* statement : {&begin_, &commit_, &rollback_, &insert_event_, &find_identity_,
                                     &insert_settlement_, &save_state_, &save_forwarded_}) {
    *statement = SqliteStatement();
  }
  if (status.ok()) database_->RemoveLogOnClose();
  database_.reset();
  return status;
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteStorage::Read(Sequence after, Sequence last,
                                                             ReadLimits limits) {
  return reader_->Read(after, last, limits);
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteStorage::Find(const EventQuery& query,
                                                             Sequence last) {
  return reader_->Find(query, last);
}

absl::StatusOr<Sequence> SqliteStorage::FindPlace(absl::Time time, Sequence last) {
  return reader_->FindPlace(time, last);
}

}  // namespace onhook
