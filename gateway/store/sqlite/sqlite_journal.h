#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_JOURNAL_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_JOURNAL_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// What the writing connection writes of subscriptions: their own rows, settlements, histories and
// dead letters. The methods are those of Storage. Threads and errors: as there.
class SqliteJournal {
 public:
  // `database` must outlive the journal.
  static absl::StatusOr<SqliteJournal> Prepare(SqliteDatabase* database);

  absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription);
  absl::Status UpdateSubscription(const SubscriptionRecord& subscription);
  absl::Status DeleteSubscription(int64_t id);
  absl::Status SaveProgress(const SubscriptionProgress& progress);
  absl::Status InsertSettlement(const SettlementRow& row);
  absl::Status InsertHistory(const HistoryRow& row);
  absl::Status InsertDeadLetter(const DeadLetterRow& row);
  absl::Status MarkRedriven(int64_t subscription_id, Sequence sequence);
  absl::Status DeleteDeadLetter(int64_t subscription_id, Sequence sequence);

  absl::StatusOr<bool> TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                   SequenceRange removed, int64_t max_rows);
  absl::StatusOr<bool> RemoveOrphans(int64_t max_rows);
  absl::StatusOr<std::vector<DeadLetterName>> TrimDeadLetters(absl::Time before, int64_t max_bytes,
                                                              int64_t max_rows);

 private:
  explicit SqliteJournal(SqliteDatabase* database) : database_(database) {}
  absl::Status PrepareAll();
  // Runs a statement that inserts a dead letter as `row` says.
  absl::Status RunWith(const DeadLetterRow& row, SqliteStatement& statement);

  SqliteDatabase* database_;
  SqliteStatement save_progress_;
  SqliteStatement insert_settlement_;
  SqliteStatement insert_history_;
  SqliteStatement park_again_;
  SqliteStatement park_from_log_;
  SqliteStatement park_unreadable_;
  SqliteStatement mark_redriven_;
  SqliteStatement delete_dead_letter_;
  SqliteStatement trim_settlements_;
  SqliteStatement oldest_epoch_;
  SqliteStatement trim_history_;
  SqliteStatement delete_old_history_;
  SqliteStatement oldest_dead_letters_;
  SqliteStatement dead_letter_bytes_;
  SqliteStatement first_orphan_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_JOURNAL_H_
