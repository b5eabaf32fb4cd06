#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/store/embedded/storage.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_reader.h"

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
  // Errors: kFailedPrecondition (another process holds it, or its format is of a newer version),
  // kUnavailable, kDataLoss, kResourceExhausted; each names what failed.
  static absl::StatusOr<std::unique_ptr<Storage>> Open(const std::string& directory);
  ~SqliteStorage() override;

  absl::StatusOr<RecoveredState> Recover() override;

  absl::Status Begin() override;
  absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, Sequence next,
                                           absl::Time stored_at) override;
  absl::Status InsertSettlement(const SettlementRow& row) override;
  absl::Status SaveState(const SubscriptionRecord& subscription) override;
  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) override;
  absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) override;
  absl::Status Commit() override;
  void Rollback() override;

  bool NeedsMaintenance() const override;
  absl::Status Maintain() override;
  absl::Status Close() override;

  absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                ReadLimits limits) override;
  absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) override;
  absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence last) override;

 private:
  SqliteStorage(std::string directory, int lock) : directory_(std::move(directory)), lock_(lock) {}

  absl::Status OpenDatabase();
  absl::Status CreateOrCheckSchema();
  absl::Status PrepareStatements();
  absl::Status ReadSubscriptions(std::vector<SubscriptionRecord>& subscriptions);

  const std::string directory_;
  int lock_;  // file descriptor that holds the directory's lock
  int log_pages_ = 0;
  std::optional<SqliteDatabase> database_;
  std::unique_ptr<SqliteReader> reader_;

  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement rollback_;
  SqliteStatement insert_event_;
  SqliteStatement find_identity_;
  SqliteStatement insert_settlement_;
  SqliteStatement save_state_;
  SqliteStatement save_forwarded_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORAGE_H_
