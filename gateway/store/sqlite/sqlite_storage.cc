#include "gateway/store/sqlite/sqlite_storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/store/sqlite/cached_pages.h"
#include "gateway/store/sqlite/sqlite_backup.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/sqlite/sqlite_recovery.h"
#include "gateway/store/sqlite/sqlite_remains.h"
#include "gateway/store/sqlite/sqlite_schema.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

constexpr int64_t kPageBytes = 4096;
// A checkpoint is due at this many pages in the write-ahead log.
constexpr int kCheckpointPages = 1000;

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

std::string AdviceOnDamage(const std::string& directory) {
  return absl::StrCat("What it is, and what is lost by it, says: onhookd --verify ", directory,
                      ". Restore a backup");
}

// Events hold numbers of callers: a new file is its owner's alone, wherever the directory lies.
// SQLite gives the files beside it the same permissions. What goes wrong, SQLite will say.
void MakeOwnFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

// One that is not there takes nothing.
int64_t BytesOf(const std::string& path) {
  struct stat file {};
  return stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

// Before SQLite opens the files: a process loses its locks on a file with the first descriptor of
// it that it closes.
absl::Status TrustOnlyTheDisk(const std::string& directory) {
  const std::string log = SqliteLogPath(directory);
  // Whoever closed in order left no log, and no sync of his had failed.
  if (BytesOf(log) == 0) return absl::OkStatus();
  // The index tells of commits that are about to be forgotten; SQLite makes another.
  if (unlink(SqliteLogIndexPath(directory).c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus("removing", SqliteLogIndexPath(directory));
  }
  const absl::Status status = ForgetCachedPages(log);
  return status.ok() ? ForgetCachedPages(SqliteDatabasePath(directory)) : status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> SqliteStorage::Open(const std::string& directory,
                                                             RecoveryProgress* progress) {
  const absl::StatusOr<int> lock = LockSqliteDirectory(directory);
  if (!lock.ok()) return lock.status();
  std::unique_ptr<SqliteStorage> storage(new SqliteStorage(directory, *lock, progress));
  if (absl::Status status = RemoveLeftovers(directory); !status.ok()) return status;
  // SQLite would make do with what is left, so that has to be looked at before.
  storage->BeginLogStep("checks", "");
  if (absl::Status status = CheckSqliteRemains(directory); !status.ok()) {
    return status;
  }
  if (absl::Status status = storage->OpenDatabase(); !status.ok()) {
    return WithAdvice(status, AdviceOnDamage(directory));
  }
  return storage;
}

SqliteStorage::~SqliteStorage() {
  Close().IgnoreError();
  if (lock_ >= 0) close(lock_);
}

void SqliteStorage::BeginLogStep(absl::string_view does, absl::string_view where) {
  if (progress_ == nullptr) return;
  const int64_t bytes = BytesOf(SqliteLogPath(directory_));
  progress_->Begin(absl::StrCat(does, " the write-ahead log of ", bytes >> 20, " MiB", where));
}

absl::Status SqliteStorage::OpenDatabase() {
  const std::string path = SqliteDatabasePath(directory_);
  MakeOwnFile(path);
  if (absl::Status status = TrustOnlyTheDisk(directory_); !status.ok()) return status;
  BeginLogStep("brings", " into the database");
  absl::StatusOr<SqliteDatabase> database = SqliteDatabase::Open(path, /*read_only=*/false);
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  for (const char* pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA recursive_triggers=ON", "PRAGMA foreign_keys=OFF",
        "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-32768", "PRAGMA cell_size_check=ON"}) {
    if (absl::Status status = database_->Execute(pragma); !status.ok()) return status;
  }
  if (absl::Status status = database_->UseWriteAheadLog(); !status.ok()) return status;
  database_->CountLogPages(&log_pages_);
  if (absl::Status status = SyncAll(); !status.ok()) return status;
  // The file itself SQLite has synced. To open it beside SQLite would drop SQLite's lock on it: a
  // process loses its locks on a file with the first descriptor of it that it closes.
  if (absl::Status status = Sync(directory_); !status.ok()) return status;
  if (absl::Status status = Sync(directory_ + "/.."); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<SqliteReader>> reader = SqliteReader::Open(path);
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return PrepareAll();
}

absl::Status SqliteStorage::SyncAll() {
  // After a crash in the middle of a sync, rows may be visible that are not on disk yet. Nobody may
  // be told of them before they are. And on a full disk there is room for more rows after it.
  absl::Status status = database_->Checkpoint(/*truncate=*/false);
  if (status.ok()) status = CreateOrCheckSchema(*database_, directory_);
  if (!status.ok()) return status;
  const absl::StatusOr<bool> is_marked = IsMarkedOpen(*database_);
  if (!is_marked.ok()) return is_marked.status();
  // Before its log is emptied; else that would look like a loss.
  if (*is_marked) status = MarkClosed(*database_);
  return status.ok() ? database_->Checkpoint(/*truncate=*/true) : status;
}

absl::Status SqliteStorage::PrepareAll() {
  absl::StatusOr<SqliteJournal> journal = SqliteJournal::Prepare(&*database_);
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  absl::StatusOr<std::unique_ptr<SqliteNonces>> nonces = SqliteNonces::Prepare(&*database_);
  if (!nonces.ok()) return nonces.status();
  nonces_ = *std::move(nonces);
  absl::StatusOr<std::unique_ptr<SqliteQuarantine>> quarantine =
      SqliteQuarantine::Prepare(&*database_, &reader_->database());
  if (!quarantine.ok()) return quarantine.status();
  quarantine_ = *std::move(quarantine);
  absl::StatusOr<std::unique_ptr<SqliteRepeats>> repeats = SqliteRepeats::Prepare(&*database_);
  if (!repeats.ok()) return repeats.status();
  repeats_ = *std::move(repeats);
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&count_free_pages_, "PRAGMA freelist_count"},
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      {&insert_event_,
       "INSERT INTO events (sequence, call_serial_no, source, digest, received_us, stored_us,"
       " end_offset, checksum, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
       " ON CONFLICT (call_serial_no, source, digest) DO NOTHING"},
      {&find_removed_,
       "SELECT sequence FROM removed_identities"
       " WHERE call_serial_no = ? AND source = ? AND digest = ?"},
      {&remember_identities_,
       "INSERT OR REPLACE INTO removed_identities SELECT call_serial_no, source, digest, sequence,"
       " ?2 FROM events WHERE sequence <= ?1"},
      {&remove_events_, "DELETE FROM events WHERE sequence <= ?"},
      {&insert_raw_body_, "INSERT INTO raw_bodies (sequence, checksum, body) VALUES (?, ?, ?)"},
      {&remove_raw_bodies_, "DELETE FROM raw_bodies WHERE sequence <= ?"},
      {&forget_identities_,
       "DELETE FROM removed_identities WHERE (call_serial_no, source, digest) IN"
       " (SELECT call_serial_no, source, digest FROM removed_identities WHERE removed_us < ?"
       "  LIMIT ?)"},
      {&save_forwarded_,
       "INSERT INTO forwarded VALUES (?1, ?2, ?3)"
       " ON CONFLICT (receiver, first) DO UPDATE SET last = max(last, excluded.last)"},
      {&trim_forwarded_,
       "DELETE FROM forwarded WHERE receiver = ?1 AND first <= ?2 AND last <= ?2"},
  };
  const absl::Status prepared = PrepareStatements(*database_, statements);
  return prepared.ok() ? CountReusable() : prepared;
}

absl::StatusOr<RecoveredState> SqliteStorage::Recover() {
  absl::Status status = database_->Execute(
      "BEGIN IMMEDIATE; UPDATE counters SET value = value + 1 WHERE key = 'openings'");
  if (status.ok()) status = MarkOpen(*database_);
  if (status.ok()) status = Commit();
  // The mark must outlive the log. This leaves the log's file as long as it is.
  if (status.ok()) status = database_->Checkpoint(/*truncate=*/false);
  if (!status.ok()) return status;
  RecoveryProgress unheard;
  absl::StatusOr<RecoveredState> state =
      RecoverState(*database_, progress_ != nullptr ? *progress_ : unheard);
  if (!state.ok()) return WithAdvice(state.status(), AdviceOnDamage(directory_));
  status = NoteStoreInLock(directory_, state->store_id);
  if (!status.ok()) return status;
  return state;
}

absl::Status SqliteStorage::Begin() { return begin_.Run(); }

absl::StatusOr<AppendResult> SqliteStorage::InsertEvent(const NewEvent& event, LogPlace place,
                                                        absl::Time stored_at) {
  if (has_removed_) {
    const absl::StatusOr<Sequence> removed = FindRemoved(event);
    if (!removed.ok()) return removed.status();
    if (*removed != 0) return AppendResult{*removed, true};
  }
  absl::Status status = RunInsert(insert_event_, event, place, absl::ToUnixMicros(stored_at));
  if (!status.ok()) return status;
  if (database_->Changes() == 0) {
    const absl::StatusOr<Sequence> known = FindKept(event);
    if (!known.ok()) return known.status();
    if (*known == 0) return StoreDamage("an event conflicts with one that is not there");
    return AppendResult{*known, true};
  }
  if (!event.raw_body.empty()) {
    insert_raw_body_.Bind(place.sequence)
        .Bind(RawBodyChecksum(place.sequence, event.raw_body))
        .BindBlob(event.raw_body);
    if (status = insert_raw_body_.Run(); !status.ok()) return status;
  }
  return AppendResult{place.sequence, false};
}

absl::StatusOr<Sequence> SqliteStorage::FindIdentity(const NewEvent& event) {
  const absl::StatusOr<Sequence> kept = FindKept(event);
  return kept.ok() && *kept == 0 && has_removed_ ? FindRemoved(event) : kept;
}

absl::StatusOr<Sequence> SqliteStorage::FindKept(const NewEvent& event) {
  return repeats_->FindKept(event);
}

absl::StatusOr<Sequence> SqliteStorage::FindRemoved(const NewEvent& event) {
  find_removed_.BindText(event.call_serial_no).BindText(event.source).BindBlob(event.digest);
  return find_removed_.FirstInteger(0);
}

absl::Status SqliteStorage::RemoveEvents(Sequence through, absl::Time now) {
  has_removed_ = true;
  absl::Status status = remember_identities_.Bind(through).Bind(absl::ToUnixMicros(now)).Run();
  if (status.ok()) status = remove_raw_bodies_.Bind(through).Run();
  if (!status.ok()) return status;
  has_made_room_ = true;
  return remove_events_.Bind(through).Run();
}

absl::Status SqliteStorage::ForgetIdentities(absl::Time before, int64_t max_rows) {
  if (!has_removed_) return absl::OkStatus();
  absl::Status status = forget_identities_.Bind(absl::ToUnixMicros(before)).Bind(max_rows).Run();
  if (!status.ok() || database_->Changes() > 0) return status;
  absl::StatusOr<SqliteStatement> any =
      database_->Prepare("SELECT 1 FROM removed_identities LIMIT 1");
  if (!any.ok()) return any.status();
  const absl::StatusOr<bool> row = any->Step();
  if (row.ok()) has_removed_ = *row;
  return row.status();
}

absl::Status SqliteStorage::SaveForwarded(const std::string& receiver, SequenceRange range) {
  return save_forwarded_.BindText(receiver).Bind(range.first).Bind(range.last).Run();
}

absl::Status SqliteStorage::TrimForwarded(const std::string& receiver, Sequence through) {
  return trim_forwarded_.BindText(receiver).Bind(through).Run();
}

absl::Status SqliteStorage::Commit() {
  const absl::Status status = commit_.Run();
  if (!status.ok() && !absl::IsDataLoss(status)) Rollback();
  // What is not counted now is counted later.
  if (status.ok() && std::exchange(has_made_room_, false)) CountReusable().IgnoreError();
  return status;
}

void SqliteStorage::Rollback() {
  // After some errors SQLite has rolled back by itself.
  if (database_->InTransaction()) rollback_.Run().IgnoreError();
}

int64_t SqliteStorage::SizeInBytes() const {
  int64_t bytes = 0;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    bytes += BytesOf(SqliteDatabasePath(directory_) + suffix);
  }
  return bytes;
}

bool SqliteStorage::NeedsMaintenance() const { return log_pages_ >= kCheckpointPages; }

absl::Status SqliteStorage::Maintain() {
  log_pages_ = 0;  // the next commit counts anew
  if (absl::Status status = CountReusable(); !status.ok()) return status;
  return database_->Checkpoint(/*truncate=*/false);
}

absl::Status SqliteStorage::CountReusable() {
  const absl::StatusOr<int64_t> pages = count_free_pages_.FirstInteger(0);
  if (pages.ok()) reusable_bytes_ = *pages * kPageBytes;
  return pages.status();
}

absl::Status SqliteStorage::Close() {
  if (!database_.has_value()) return absl::OkStatus();
  quarantine_.reset();
  repeats_.reset();
  nonces_.reset();
  reader_.reset();
  absl::Status status = MarkClosed(*database_);
  if (status.ok()) status = database_->Checkpoint(/*truncate=*/true);
  for (SqliteStatement* statement :
       {&count_free_pages_, &begin_, &commit_, &rollback_, &insert_event_, &find_removed_,
        &remember_identities_, &remove_events_, &insert_raw_body_, &remove_raw_bodies_,
        &forget_identities_, &save_forwarded_, &trim_forwarded_}) {
    *statement = SqliteStatement();
  }
  journal_.reset();
  if (status.ok()) database_->RemoveLogOnClose();
  database_.reset();
  return status;
}

absl::StatusOr<std::unique_ptr<BackupCopy>> SqliteStorage::Copy(absl::Time now,
                                                                const BackupGoOn& go_on) {
  return CopySqliteStore(directory_, now, go_on);
}

// ------------------------------------------------------------------- what others do for the
// storage

absl::StatusOr<int64_t> SqliteStorage::InsertSubscription(const SubscriptionRecord& subscription) {
  return journal_->InsertSubscription(subscription);
}

absl::Status SqliteStorage::UpdateSubscription(const SubscriptionRecord& subscription) {
  return journal_->UpdateSubscription(subscription);
}

absl::Status SqliteStorage::DeleteSubscription(int64_t id) {
  return journal_->DeleteSubscription(id);
}

absl::Status SqliteStorage::SaveProgress(const SubscriptionProgress& progress) {
  return journal_->SaveProgress(progress);
}

absl::Status SqliteStorage::InsertSettlement(const SettlementRow& row) {
  return journal_->InsertSettlement(row);
}

absl::Status SqliteStorage::InsertHistory(const HistoryRow& row) {
  return journal_->InsertHistory(row);
}

absl::Status SqliteStorage::InsertDeadLetter(const DeadLetterRow& row) {
  return journal_->InsertDeadLetter(row);
}

absl::Status SqliteStorage::MarkRedriven(int64_t subscription_id, Sequence sequence) {
  return journal_->MarkRedriven(subscription_id, sequence);
}

absl::Status SqliteStorage::DeleteDeadLetter(int64_t subscription_id, Sequence sequence) {
  return journal_->DeleteDeadLetter(subscription_id, sequence);
}

absl::StatusOr<bool> SqliteStorage::TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                                SequenceRange removed, int64_t max_rows) {
  return journal_->TrimJournal(subscription_id, epoch_number, removed, max_rows);
}

absl::StatusOr<bool> SqliteStorage::RemoveOrphans(int64_t max_rows) {
  return journal_->RemoveOrphans(max_rows);
}

absl::StatusOr<std::vector<DeadLetterName>> SqliteStorage::TrimDeadLetters(absl::Time before,
                                                                           int64_t max_bytes,
                                                                           int64_t max_rows) {
  return journal_->TrimDeadLetters(before, max_bytes, max_rows);
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteStorage::Read(Sequence after, Sequence last,
                                                             ReadLimits limits) {
  return reader_->Read(after, last, limits);
}

absl::StatusOr<std::vector<LogEventPtr>> SqliteStorage::Find(const EventQuery& query,
                                                             Sequence last) {
  return reader_->Find(query, last);
}

absl::StatusOr<Sequence> SqliteStorage::FindPlace(absl::Time time, Sequence first, Sequence last) {
  return reader_->FindPlace(time, first, last);
}

absl::StatusOr<Sequence> SqliteStorage::FindOffset(int64_t offset, Sequence first, Sequence last) {
  return reader_->FindOffset(offset, first, last);
}

absl::StatusOr<std::optional<std::string>> SqliteStorage::FindRawBody(Sequence sequence) {
  return reader_->FindRawBody(sequence);
}

absl::StatusOr<EventRows> SqliteStorage::FindEventRows(int64_t subscription_id, Sequence sequence) {
  return reader_->FindEventRows(subscription_id, sequence);
}

absl::StatusOr<std::vector<DeadLetter>> SqliteStorage::ListDeadLetters(int64_t subscription_id,
                                                                       int64_t after,
                                                                       ReadLimits limits) {
  return reader_->ListDeadLetters(subscription_id, after, limits);
}

absl::StatusOr<LogEventPtr> SqliteStorage::ReadDeadLetter(int64_t subscription_id,
                                                          Sequence sequence) {
  return reader_->ReadDeadLetter(subscription_id, sequence);
}

absl::StatusOr<std::map<int64_t, Sequence>> SqliteStorage::FindDeadLetters(
    int64_t subscription_id, const std::vector<int64_t>& ids) {
  return reader_->FindDeadLetters(subscription_id, ids);
}

}  // namespace onhook
