#include "gateway/store/sqlite/sqlite_event_checks.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/event/event_identity.h"
#include "gateway/store/sqlite/sqlite_reader.h"

namespace onhook {
namespace {

constexpr absl::string_view kNotDelivered =
    "no subscription will be given what it was; one that still owes it parks it as corrupt";
constexpr absl::string_view kRestoreOrPark =
    "Restore a backup, or start anyway and ask the vendor for it";
// Beyond that, sequences have to do.
constexpr size_t kMostIdBytes = 1000;
constexpr Sequence kFarthest = std::numeric_limits<Sequence>::max() / 4;

// Goes through the events in the order that they lie in.
class LogWalk {
 public:
  LogWalk(SqliteDatabase* database, SqliteFindings* findings)
      : database_(*database), findings_(*findings) {}

  CheckedLog Walk() {
    log_.range = {1, 0};
    newest_ = NewestByIndex();
    for (std::optional<Sequence> after = 0; after.has_value();) after = WalkBehind(*after);
    TellBad();
    findings_.EndKind();
    return log_;
  }

 private:
  enum class Bad { kMissing, kAltered };

  // Only for the progress.
  Sequence NewestByIndex() {
    absl::StatusOr<SqliteStatement> query = database_.Prepare("SELECT max(sequence) FROM events");
    return query.ok() ? query->FirstInteger(0).value_or(0) : 0;
  }

  // Walks until the end, or until SQLite cannot read on: then the place to go on behind.
  std::optional<Sequence> WalkBehind(Sequence after) {
    absl::StatusOr<SqliteStatement> query = database_.Prepare(
        "SELECT sequence, received_us, stored_us, end_offset, checksum, digest, event,"
        " call_serial_no FROM events WHERE sequence > ? ORDER BY sequence");
    absl::Status status = query.status();
    if (query.ok()) {
      query->Bind(after);
      while (true) {
        const absl::StatusOr<bool> row = query->Step();
        if (row.ok() && !*row) return std::nullopt;
        status = row.status();
        if (!row.ok()) break;
        Take(*query);
        after = std::max(after, query->Integer(0));
      }
    }
    return SkipUnreadable(after, status);
  }

  // The place behind which SQLite can read again, found by doubling and halving.
  std::optional<Sequence> SkipUnreadable(Sequence after, const absl::Status& error) {
    Sequence unreadable = after;
    Sequence step = 1;
    while (!CanReadBehind(unreadable + step)) {
      if (unreadable + step > kFarthest) {
        TellBad();
        findings_.Add(
            absl::StrCat("the events behind ", after, " cannot be read (", ReasonOf(error), ")"),
            "no subscription will get past them, and new ones may not be stored",
            "Restore a backup");
        return std::nullopt;
      }
      step *= 2;
    }
    Sequence readable = unreadable + step;
    unreadable += step / 2;
    while (readable - unreadable > 1) {
      const Sequence middle = unreadable + (readable - unreadable) / 2;
      (CanReadBehind(middle) ? readable : unreadable) = middle;
    }
    return readable;
  }

  bool CanReadBehind(Sequence after) {
    absl::StatusOr<SqliteStatement> query =
        database_.Prepare("SELECT event FROM events WHERE sequence > ? ORDER BY sequence LIMIT 1");
    if (!query.ok()) return false;
    query->Bind(after);
    const absl::StatusOr<bool> row = query->Step();
    query->Reset();
    return row.ok();
  }

  void Take(const SqliteStatement& row) {
    const Sequence sequence = row.Integer(0);
    findings_.Progress("events", log_.events + log_.damaged, newest_ - log_.range.first + 1);
    const bool fits = EventFits(row);
    if (log_.range.last == 0) {
      log_.range.first = sequence;
    } else if (sequence <= log_.range.last) {
      findings_.Add(absl::StrCat("event ", sequence, " lies behind event ", log_.range.last),
                    "it will not be found", "Restore a backup");
    } else if (sequence > log_.range.last + 1) {
      AddBad({log_.range.last + 1, sequence - 1}, Bad::kMissing, "");
    }
    log_.range.last = std::max(log_.range.last, sequence);
    if (!fits)
      return AddBad({sequence, sequence}, Bad::kAltered, EventId(row.Bytes(5), row.Bytes(7)));
    ++log_.events;
    if (row.Integer(3) < offset_) {
      findings_.Add(absl::StrCat("event ", sequence, " ends before the one before it does"),
                    "limits of size count wrongly; nothing is lost", "Nothing has to be done");
    }
    offset_ = row.Integer(3);
  }

  // Runs of the same sort are told together.
  void AddBad(SequenceRange range, Bad what, absl::string_view event_id) {
    log_.damaged += range.last - range.first + 1;
    if (bad_.last + 1 != range.first || what != bad_what_) TellBad();
    if (bad_.last == 0) bad_.first = range.first;
    bad_.last = range.last;
    bad_what_ = what;
    if (event_id.empty() || bad_ids_.size() > kMostIdBytes) return;
    absl::StrAppend(&bad_ids_, bad_ids_.empty() ? "" : ", ", event_id);
  }

  absl::string_view BadText() const {
    const bool is_one = bad_.first == bad_.last;
    if (bad_what_ == Bad::kMissing) {
      return is_one ? " is missing, or cannot be read" : " are missing, or cannot be read";
    }
    return is_one ? " does not fit its checksum" : " do not fit their checksums";
  }

  void TellBad() {
    if (bad_.last != 0) {
      const std::string ids = bad_ids_.empty() ? "" : absl::StrCat(" (event_id ", bad_ids_, ")");
      findings_.Add(absl::StrCat(EventsText(bad_), ids, BadText()), kNotDelivered, kRestoreOrPark);
    }
    bad_ = {0, 0};
    bad_ids_.clear();
  }

  SqliteDatabase& database_;
  SqliteFindings& findings_;
  CheckedLog log_;
  Sequence newest_ = 0;
  int64_t offset_ = 0;
  SequenceRange bad_;  // {0, 0}: none
  Bad bad_what_ = Bad::kMissing;
  std::string bad_ids_;
};

void CheckRawBodies(SqliteDatabase& database, const CheckedLog& log, SqliteFindings& findings) {
  int64_t bodies = 0;
  const absl::Status status = ForEachSqliteRow(
      database, "SELECT sequence, checksum, body FROM raw_bodies", [&](const SqliteStatement& row) {
        const Sequence sequence = row.Integer(0);
        findings.Progress("raw bodies", ++bodies, 0);
        if (sequence < log.range.first || sequence > log.range.last) {
          findings.Add(
              absl::StrCat("there is a raw body of event ", sequence, ", which is not kept"),
              "nobody will see it", "Nothing has to be done");
        } else if (row.Integer(1) != RawBodyChecksum(sequence, row.Bytes(2))) {
          findings.Add(
              absl::StrCat("the raw body of event ", sequence, " does not fit its checksum"),
              "it is not shown to anybody; the event itself is not affected",
              "Restore a backup if it is needed");
        }
      });
  if (!status.ok()) {
    findings.Add(absl::StrCat("raw bodies cannot be read on (", ReasonOf(status), ")"),
                 "some are not shown; events are not affected", "Restore a backup");
  }
  findings.EndKind();
}

void CheckRemovedIdentities(SqliteDatabase& database, const CheckedLog& log,
                            SqliteFindings& findings) {
  const absl::Status status = ForEachSqliteRow(
      database,
      "SELECT r.sequence, length(r.digest), EXISTS (SELECT 1 FROM events AS e"
      " WHERE e.call_serial_no = r.call_serial_no AND e.source = r.source"
      " AND e.digest = r.digest) FROM removed_identities AS r",
      [&](const SqliteStatement& row) {
        if (row.Integer(0) > 0 && row.Integer(0) < std::max<Sequence>(log.range.first, 1) &&
            row.Integer(1) == 16 && row.Integer(2) == 0) {
          return;
        }
        findings.Add(
            absl::StrCat("what is remembered of event ", row.Integer(0), " makes no sense"),
            "a repeat of its callback may be stored again, or be taken for a repeat",
            "Restore a backup");
      });
  if (!status.ok()) {
    findings.Add(
        absl::StrCat("identities of removed events cannot be read on (", ReasonOf(status), ")"),
        "a repeat of an old callback may be refused or end the gateway", "Restore a backup");
  }
  findings.EndKind();
}

}  // namespace

CheckedLog CheckSqliteLog(SqliteDatabase& database, SqliteFindings& findings) {
  const CheckedLog log = LogWalk(&database, &findings).Walk();
  CheckRawBodies(database, log, findings);
  CheckRemovedIdentities(database, log, findings);
  return log;
}

}  // namespace onhook
