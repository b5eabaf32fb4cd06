#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/backup.h"
#include "gateway/store/embedded/nonce_rows.h"
#include "gateway/store/embedded/quarantine_rows.h"
#include "gateway/store/embedded/subscription_rows.h"
#include "gateway/store/event_log.h"
#include "gateway/store/sequence.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// What a storage holds when it is opened.
struct RecoveredState {
  std::string store_id;                  // 16 lower-case hexadecimal digits
  std::vector<StoreAncestor> ancestors;  // the newest last
  int64_t openings = 1;                  // this one included; counted durably
  Sequence first = 1;                    // oldest event, or the one to come
  Sequence last = 0;                     // newest event
  int64_t last_offset = 0;               // LogEvent::end_offset of the newest
  std::vector<SubscriptionRecord> subscriptions;
  std::map<std::string, SequenceSet> forwarded;  // by receiver
};

// Where the next event goes.
struct LogPlace {
  Sequence sequence = 1;
  int64_t end_offset = 0;  // with that event counted
};

// The rows underneath an embedded store, without any rule of their own: memory for tests, SQLite
// for a machine. Everything above it (group commit, the tail in memory, queues) is the same code.
//
// Threads: the methods of a transaction, Maintain and Close from one thread at a time; those that
// read from one other thread at a time, beside them.
// Errors: kResourceExhausted (no room), kUnavailable (cannot now): the transaction is to be rolled
// back and nothing of it will ever be seen. kDataLoss: what became of the transaction is not known,
// or the storage is damaged: nothing may be answered any more; the process must end and open the
// storage anew.
class Storage {
 public:
  virtual ~Storage() = default;

  // Called once, first. When it returns, everything it tells of is durable.
  virtual absl::StatusOr<RecoveredState> Recover() = 0;

  // --- a transaction: Begin, any number of writes, then Commit or Rollback

  virtual absl::Status Begin() = 0;
  // OK: durable. After any error the transaction is gone.
  virtual absl::Status Commit() = 0;
  virtual void Rollback() = 0;

  // Inserts the event, with its raw_body, at `place`, or finds the event of the same identity, kept
  // or remembered. It is there: one that was damaged is whole again. kAborted: whether it is there
  // cannot be told; the transaction may go on.
  virtual absl::StatusOr<AppendResult> InsertEvent(const NewEvent& event, LogPlace place,
                                                   absl::Time stored_at) = 0;
  // The event of this identity, kept or remembered; 0: none. As InsertEvent.
  virtual absl::StatusOr<Sequence> FindIdentity(const NewEvent& event) = 0;
  // Removes the oldest events, up to and including `through`, with their bodies, and keeps their
  // identities in mind as of `now`.
  virtual absl::Status RemoveEvents(Sequence through, absl::Time now) = 0;
  // Forgets identities of events that were removed before `before`, so many at most.
  virtual absl::Status ForgetIdentities(absl::Time before, int64_t max_rows) = 0;
  // Keeps a run of events that were forwarded; one of the same receiver and `first` can only grow.
  virtual absl::Status SaveForwarded(const std::string& receiver, SequenceRange range) = 0;
  // Forgets the runs that end at or before `through`.
  virtual absl::Status TrimForwarded(const std::string& receiver, Sequence through) = 0;

  // Inserts a new subscription and returns its id, which is never used again.
  virtual absl::StatusOr<int64_t> InsertSubscription(const SubscriptionRecord& subscription) = 0;
  // Replaces what is kept beside its floor, which SaveProgress moves, and its other rows. With
  // another epoch_number than before, the floor is replaced too.
  virtual absl::Status UpdateSubscription(const SubscriptionRecord& subscription) = 0;
  // Its other rows become orphans.
  virtual absl::Status DeleteSubscription(int64_t id) = 0;
  // Nothing if the subscription is in another epoch.
  virtual absl::Status SaveProgress(const SubscriptionProgress& progress) = 0;
  // The runs of one subscription and epoch must be disjoint, but for runs of filtered events: one
  // with the `first` of an earlier row replaces it.
  virtual absl::Status InsertSettlement(const SettlementRow& row) = 0;
  // Adds an entry to an event's history. Beyond kMostHistoryEntries it replaces the last one.
  virtual absl::Status InsertHistory(const HistoryRow& row) = 0;
  // Copies the event from the log into a dead letter, or gives the dead letter that is there a new
  // id, reason and time, and ends its redrive.
  virtual absl::Status InsertDeadLetter(const DeadLetterRow& row) = 0;
  // Marks it as owed again. Nothing if there is none.
  virtual absl::Status MarkRedriven(int64_t subscription_id, Sequence sequence) = 0;
  // Of an event that the log has forgotten, its history goes too.
  virtual absl::Status DeleteDeadLetter(int64_t subscription_id, Sequence sequence) = 0;

  // --- what housekeeping asks for, each a bounded part: true if there is more

  // Removes rows of settlements that speak of events up to `removed.last` only, in the oldest epoch
  // that has any and in the one given; and the history of events in `removed` that have no dead
  // letter.
  virtual absl::StatusOr<bool> TrimJournal(int64_t subscription_id, int64_t epoch_number,
                                           SequenceRange removed, int64_t max_rows) = 0;
  // Removes rows of subscriptions that are no more.
  virtual absl::StatusOr<bool> RemoveOrphans(int64_t max_rows) = 0;
  // Removes the oldest dead letters, while there are any parked before `before`, or more than
  // `max_bytes` of events in them; what is redriven is owed, and neither counts nor goes. Says
  // which it removed.
  virtual absl::StatusOr<std::vector<DeadLetterName>> TrimDeadLetters(absl::Time before,
                                                                      int64_t max_bytes,
                                                                      int64_t max_rows) = 0;

  // --- the rows of what stands beside events

  virtual NonceRows& nonces() = 0;
  virtual QuarantineRows& quarantine() = 0;

  // --- between transactions

  // What it takes where it is kept. From any thread.
  virtual int64_t SizeInBytes() const = 0;

  // How much of that holds nothing any more and will be written anew before it grows, about. From
  // any thread.
  virtual int64_t ReusableBytes() const { return 0; }

  // Whether Maintain is worth calling.
  virtual bool NeedsMaintenance() const = 0;
  // Does what keeps the storage quick and small, in a bounded time. kDataLoss as above; other
  // errors mean only that it was not done.
  virtual absl::Status Maintain() = 0;
  virtual absl::Status Close() = 0;

  // Copies everything as it is at one moment, which is not before `now`, beside all else. From any
  // thread, one at a time; to be over before Close. Errors: as Store::MakeBackup, but for what is
  // free on the disk, which `go_on` may look at.
  virtual absl::StatusOr<std::unique_ptr<BackupCopy>> Copy(absl::Time /*now*/,
                                                           const BackupGoOn& /*go_on*/) {
    return absl::UnimplementedError("this engine makes no backups");
  }

  // --- reading, up to and including `last`

  virtual absl::StatusOr<std::vector<LogEventPtr>> Read(Sequence after, Sequence last,
                                                        ReadLimits limits) = 0;
  virtual absl::StatusOr<std::vector<LogEventPtr>> Find(const EventQuery& query, Sequence last) = 0;
  // The last of [first, last] received before `time`, first - 1 if none was.
  virtual absl::StatusOr<Sequence> FindPlace(absl::Time time, Sequence first, Sequence last) = 0;
  // The first of [first, last] whose end_offset is at least `offset`; last if none's is.
  virtual absl::StatusOr<Sequence> FindOffset(int64_t offset, Sequence first, Sequence last) = 0;
  // Nothing if none is kept. kDataLoss: it does not fit its checksum.
  virtual absl::StatusOr<std::optional<std::string>> FindRawBody(Sequence sequence) = 0;
  virtual absl::StatusOr<EventRows> FindEventRows(int64_t subscription_id, Sequence sequence) = 0;
  // Dead letters that are not redriven, by id.
  virtual absl::StatusOr<std::vector<DeadLetter>> ListDeadLetters(int64_t subscription_id,
                                                                  int64_t after,
                                                                  ReadLimits limits) = 0;
  // The event of a dead letter, redriven or not; null if there is none.
  virtual absl::StatusOr<LogEventPtr> ReadDeadLetter(int64_t subscription_id,
                                                     Sequence sequence) = 0;
  // The sequences of dead letters that are not redriven, by id; those that exist.
  virtual absl::StatusOr<std::map<int64_t, Sequence>> FindDeadLetters(
      int64_t subscription_id, const std::vector<int64_t>& ids) = 0;

  // The newest runs of one receiver that are told at opening; the others would only cost memory.
  static constexpr size_t kMostForwardedRuns = 100'000;
  // Entries of one event's history in one subscription. An event that fails for ever fills no disk.
  static constexpr int64_t kMostHistoryEntries = 100;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_STORAGE_H_
