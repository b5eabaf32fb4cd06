#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/recovery_progress.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_journal.h"
#include "gateway/store/sqlite/sqlite_nonces.h"
#include "gateway/store/sqlite/sqlite_quarantine.h"
#include "gateway/store/sqlite/sqlite_reader.h"
#include "gateway/store/sqlite/sqlite_repeats.h"

namespace onhook {

// The rows of an embedded store in one SQLite file.
//
// Write-ahead log with synchronous=FULL: a commit returns when its pages are synced. Exactly one
// connection writes and checkpoints; the reading one cannot. Checkpoints are made between commits,
// so no request waits for one within its commit, and a failed one is noticed. Each event carries a
// checksum over its row.
class SqliteStorage final : public Storage {
 public:
  // Opens or creates `directory`/onhook.db and locks the directory against other processes.
  // Errors: kInvalidArgument (the directory cannot be made or written), kFailedPrecondition
  // (another process holds it, or its file system cannot hold a store), StoreDamage (something is
  // missing, damaged, or of a format that this version does not read, or a restore was interrupted;
  // nothing was promised on less), kUnavailable, kDataLoss, kResourceExhausted; each names what
  // failed.
  // `progress`, if not null, is told how far opening and Recover() are, and must last until the
  // latter has returned.
  static absl::StatusOr<std::unique_ptr<Storage>> Open(const std::string& directory,
                                                       RecoveryProgress* progress = nullptr);
  ~SqliteStorage() override;

  absl::StatusOr<RecoveredState> Recover() override;

  absl::Status Begin() override;
  absl::Status Commit() override;
  void Rollback() override;

  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, LogPlace place,
                                           absl::Time stored_at) override;
  absl::StatusOr<Sequence> FindIdentity(const NewEvent& event) override;
  absl::Status RemoveEvents(Sequence through, absl::Time now) override;
  absl::Status ForgetIdentities(absl::Time before, int64_t max_rows) override;
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override;
  absl::Status TrimForwarded(const std::string& receiver, Sequence through) override;
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override;
  absl::Status UpdateSubscription(const SubscriptionRecord& subscription) override;
  absl::Status DeleteSubscription(int64_t id) override;
  absl::Status SaveProgress(const SubscriptionProgress& progress) override;
  absl::Status InsertSettlement(const SettlementRow& row) override;
  absl::Status InsertHistory(const HistoryRow& row) override;
  absl::Status InsertDeadLetter(const DeadLetterRow& row) override;
  absl::Status MarkRedriven(int64_t subscription_id, Sequence sequence) override;
  absl::Status DeleteDeadLetter(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<bool> TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                   SequenceRange removed, int64_t max_rows) override;
  absl::StatusOr<bool> RemoveOrphans(int64_t max_rows) override;
  absl::StatusOr<std::vector<DeadLetterName>> TrimDeadLetters(absl::Time before, int64_t max_bytes,
                                                              int64_t max_rows) override;

  NonceRows& nonces() override { return *nonces_; }
  QuarantineRows& quarantine() override { return *quarantine_; }

  int64_t SizeInBytes() const override;
  int64_t ReusableBytes() const override { return reusable_bytes_; }
  bool NeedsMaintenance() const override;
  absl::Status Maintain() override;
  absl::Status Close() override;

  absl::StatusOr<std::unique_ptr<BackupCopy>> Copy(absl::Time now,
                                                   const BackupGoOn& go_on) override;

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override;
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override;
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last) override;
  absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last) override;
  absl::StatusOr<std::optional<std::string>> FindRawBody(Sequence sequence) override;
  absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id, int64_t after,
                                                          ReadLimits limits) override;
  absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id, Sequence sequence) override;
  absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(
      int64_t subscription_id, const std::vector<int64_t>& ids) override;

 private:
  SqliteStorage(std::string directory, int lock, RecoveryProgress* progress)
      : directory_(std::move(directory)), lock_(lock), progress_(progress) {}

  // Tells what is done with the write-ahead log, which takes as long as that is large.
  void BeginLogStep(absl::string_view does, absl::string_view where);
  absl::Status OpenDatabase();
  // Makes all that is there durable, in one file of the right format, and ends the opening before.
  absl::Status SyncAll();
  absl::Status PrepareAll();
  // Between transactions.
  absl::Status CountReusable();
  // The event of this identity among those that are kept, or that were removed; 0: none. One that
  // is kept but damaged is written anew.
  absl::StatusOr<Sequence> FindKept(const NewEvent& event);
  absl::StatusOr<Sequence> FindRemoved(const NewEvent& event);

  const std::string directory_;
  int lock_;                          // file descriptor that holds the directory's lock
  RecoveryProgress* const progress_;  // may be null
  int log_pages_ = 0;
  std::atomic<int64_t> reusable_bytes_{0};
  std::optional<SqliteDatabase> database_;
  std::unique_ptr<SqliteReader> reader_;

  std::optional<SqliteJournal> journal_;
  std::unique_ptr<SqliteNonces> nonces_;
  std::unique_ptr<SqliteQuarantine> quarantine_;
  std::unique_ptr<SqliteRepeats> repeats_;

  SqliteStatement count_free_pages_;
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement rollback_;
  SqliteStatement insert_event_;
  SqliteStatement find_removed_;
  SqliteStatement remember_identities_;
  SqliteStatement remove_events_;
  SqliteStatement insert_raw_body_;
  SqliteStatement remove_raw_bodies_;
  SqliteStatement forget_identities_;
  SqliteStatement save_forwarded_;
  SqliteStatement trim_forwarded_;
  bool has_made_room_ = false;  // in this transaction
  // Whether identities of removed events may be remembered: else none is looked for.
  bool has_removed_ = true;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_
