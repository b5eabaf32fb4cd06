#include "gateway/store/sqlite/sqlite_row_checks.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/store/quarantine.h"
#include "gateway/store/sqlite/sqlite_quarantine.h"
#include "gateway/store/sqlite/sqlite_reader.h"
#include "onhook/v1/subscription.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {
namespace {

constexpr absl::string_view kRestore = "Restore a backup";
constexpr absl::string_view kNothing = "Nothing has to be done";
constexpr int64_t kDigestBytes = 16;
// A rejected callback counts as its body and so much.
constexpr int64_t kCallbackOverhead = 256;

struct Place {
  std::string name;
  int64_t epoch_number = 0;
  Sequence start = 0;
  Sequence floor = 0;
};

bool IsHexId(absl::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

// The checks of one store's rows, each of one table.
class RowChecks {
 public:
  RowChecks(SqliteDatabase* database, const CheckedLog* log, SqliteFindings* findings)
      : database_(*database), log_(*log), findings_(*findings) {}

  void Run() {
    CheckStore();
    CheckSubscriptions();
    CheckSettlements();
    CheckHistory();
    CheckDeadLetters();
    CheckRejectedCallbacks();
    CheckNonces();
    CheckForwarded();
  }

 private:
  // Reads a whole table; what stops it is a finding.
  void Each(absl::string_view what, absl::string_view sql,
            const std::function<void(const SqliteStatement& row)>& take) {
    int64_t rows = 0;
    const absl::Status status = ForEachSqliteRow(database_, sql, [&](const SqliteStatement& row) {
      findings_.Progress(what, ++rows, 0);
      take(row);
    });
    if (!status.ok()) {
      findings_.Add(absl::StrCat(what, " cannot be read on (", ReasonOf(status), ")"),
                    "the gateway will not start, or end when it comes to them", kRestore);
    }
    findings_.EndKind();
  }

  bool Knows(int64_t subscription_id) const { return subscriptions_.count(subscription_id) > 0; }

  // How a line names it.
  std::string Of(int64_t subscription_id) const {
    const auto it = subscriptions_.find(subscription_id);
    return it == subscriptions_.end() ? absl::StrCat("subscription number ", subscription_id)
                                      : absl::StrCat("subscription '", it->second.name, "'");
  }

  void CheckStore() {
    bool has_id = false;
    Each("the store's own values", "SELECT key, value FROM store", [&](const SqliteStatement& row) {
      has_id = has_id || (row.Bytes(0) == "store_id" && IsHexId(row.Bytes(1)));
    });
    if (!has_id) {
      findings_.Add("the store_id is missing or malformed",
                    "the gateway will not start, or refuse every cursor", kRestore);
    }
    Each("counters", "SELECT key, value FROM counters", [&](const SqliteStatement& row) {
      counters_[std::string(row.Bytes(0))] = row.Integer(1);
    });
    if (counters_.count("openings") == 0 || counters_["openings"] < 0) {
      findings_.Add("the number of openings is missing or negative",
                    "deliveries of before may be taken for new ones", kRestore);
    }
  }

  void CheckSubscriptions() {
    Each("orphans", "SELECT subscription_id FROM orphans",
         [&](const SqliteStatement& row) { orphans_[row.Integer(0)] = true; });
    Each("subscriptions",
         "SELECT id, name, spec, epoch, epoch_number, start, floor, replayed_through, origin,"
         " dropped_by_limit FROM subscriptions",
         [&](const SqliteStatement& row) {
           Place& place = subscriptions_[row.Integer(0)];
           place = {std::string(row.Bytes(1)), row.Integer(4), row.Integer(5), row.Integer(6)};
           v1::SubscriptionSpec spec;
           const absl::string_view bytes = row.Bytes(2);
           const bool makes_sense =
               CheckSubscriptionName(place.name).ok() && IsHexId(row.Bytes(3)) &&
               spec.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
               place.epoch_number >= 0 && row.Integer(8) >= 0 && row.Integer(8) <= 2 &&
               row.Integer(9) >= 0;
           if (!makes_sense) {
             place.name = absl::StrCat("number ", row.Integer(0));
             findings_.Add(absl::StrCat(Of(row.Integer(0)), " is damaged"),
                           "the gateway will not start, or not deliver to it as it was set",
                           kRestore);
           }
           const Sequence last = std::max<Sequence>(log_.range.last, 0);
           if (place.start < 0 || place.start > last || place.floor < place.start ||
               place.floor > last || row.Integer(7) > last) {
             findings_.Add(
                 absl::StrCat(Of(row.Integer(0)), " stands at ", place.floor, ", having begun at ",
                              place.start, ", where there are no such events"),
                 "it may pass events over, or be given them again", kRestore);
           }
         });
  }

  // What must be covered by runs from the subscription's beginning, or the log's, to its floor.
  struct Coverage {
    int64_t subscription_id = 0;
    int64_t epoch_number = -1;
    Sequence through = 0;  // of the runs so far
    SequenceSet holes;
  };

  void CheckSettlements() {
    Coverage covered;
    std::map<int64_t, bool> seen;
    Each(
        "settlements",
        "SELECT subscription_id, epoch_number, first, last, kind FROM settlements"
        " ORDER BY subscription_id, epoch_number, first",
        [&](const SqliteStatement& row) {
          if (row.Integer(0) != covered.subscription_id || row.Integer(1) != covered.epoch_number) {
            EndCoverage(covered);
            covered = {row.Integer(0), row.Integer(1), 0, {}};
            covered.through = BeginningOf(row.Integer(0));
            seen[row.Integer(0)] = seen[row.Integer(0)] ||
                                   (Knows(row.Integer(0)) &&
                                    subscriptions_[row.Integer(0)].epoch_number == row.Integer(1));
          }
          TakeRun({row.Integer(2), row.Integer(3)}, row.Integer(4), covered);
        });
    EndCoverage(covered);
    for (const auto& [id, place] : subscriptions_) {
      if (seen[id]) continue;
      EndCoverage({id, place.epoch_number, BeginningOf(id), {}});
    }
    findings_.EndKind();
  }

  // What lies up to here needs no settlement: it never was owed, or is no longer kept.
  Sequence BeginningOf(int64_t subscription_id) const {
    const auto it = subscriptions_.find(subscription_id);
    const Sequence start = it == subscriptions_.end() ? 0 : it->second.start;
    return std::max(start, log_.range.first - 1);
  }

  void TakeRun(SequenceRange run, int64_t kind, Coverage& covered) {
    const int64_t id = covered.subscription_id;
    const bool is_known = Knows(id) || orphans_.count(id) > 0;
    const bool of_epoch = !Knows(id) || covered.epoch_number <= subscriptions_[id].epoch_number;
    if (!is_known || !of_epoch || run.first < 1 || run.last < run.first ||
        run.last > log_.range.last || kind < 1 || kind > 6) {
      findings_.Add(
          absl::StrCat("a settlement of ", EventsText(run), " in ", Of(id), " makes no sense"),
          "events may count as settled that are not, or be delivered again", kRestore);
      return;
    }
    if (run.first > covered.through + 1) covered.holes.Add({covered.through + 1, run.first - 1});
    covered.through = std::max(covered.through, run.last);
  }

  void EndCoverage(const Coverage& covered) {
    const auto it = subscriptions_.find(covered.subscription_id);
    if (it == subscriptions_.end() || it->second.epoch_number != covered.epoch_number) return;
    SequenceSet holes = covered.holes;
    const Sequence floor = std::min(it->second.floor, log_.range.last);
    if (floor > covered.through) holes.Add({covered.through + 1, floor});
    for (const auto& [first, last] : holes.runs()) {
      if (first > floor) break;
      findings_.Add(absl::StrCat(Of(covered.subscription_id), " counts ",
                                 EventsText({first, std::min(last, floor)}),
                                 " as settled, of which no settlement is kept"),
                    "it may never have been given them",
                    absl::StrCat("Seek it to the place before, or restore a backup"));
    }
  }

  void CheckHistory() {
    Each("histories", "SELECT subscription_id, sequence, epoch_number, kind, attempts FROM history",
         [&](const SqliteStatement& row) {
           const int64_t id = row.Integer(0);
           const bool is_known = Knows(id) || orphans_.count(id) > 0;
           if (is_known && row.Integer(1) >= 1 && row.Integer(1) <= log_.range.last &&
               row.Integer(2) >= 0 && row.Integer(4) >= 0 &&
               v1::TimelineEntry::Kind_IsValid(static_cast<int>(row.Integer(3)))) {
             return;
           }
           findings_.Add(absl::StrCat("a history of event ", row.Integer(1), " in ", Of(id),
                                      " makes no sense"),
                         "its timeline tells something wrong, and its attempts may count wrongly",
                         kNothing);
         });
  }

  void CheckDeadLetters() {
    int64_t bytes = 0;
    Each("dead letters",
         "SELECT sequence, received_us, stored_us, end_offset, checksum, digest, event,"
         " subscription_id, reason, redriven FROM dead_letters",
         [&](const SqliteStatement& row) {
           const Sequence sequence = row.Integer(0);
           const int64_t id = row.Integer(7);
           if (row.Integer(9) == 0) bytes += static_cast<int64_t>(row.Bytes(6).size());
           if ((!Knows(id) && orphans_.count(id) == 0) || sequence < 1 ||
               sequence > log_.range.last) {
             findings_.Add(absl::StrCat("a dead letter of event ", sequence, " in ", Of(id),
                                        " makes no sense"),
                           "nobody will see it", kRestore);
           }
           const bool fits = EventFits(row);
           if (fits) return;
           // One that was parked for that is what is left of an event, and was told then.
           const bool was_parked_so = row.Integer(8) == v1::DeadLetter::REASON_CORRUPT;
           findings_.Add(
               absl::StrCat("the dead letter of event ", sequence, " in ", Of(id),
                            was_parked_so ? " was parked because the event did not fit its checksum"
                                          : " does not fit its checksum"),
               "its event is not shown to anybody, and comes to rest again when it is redriven",
               "Restore a backup, or discard it and ask the vendor for it");
         });
    if (counters_["dead_letter_bytes"] == bytes) return;
    findings_.Add(absl::StrCat("dead letters take ", bytes, " bytes, and count as ",
                               counters_["dead_letter_bytes"]),
                  "their limit of size removes too many or too few", kRestore);
    findings_.EndKind();
  }

  void CheckRejectedCallbacks() {
    std::map<std::string, int64_t> bytes;
    Each("rejected callbacks",
         "SELECT id, received_us, source, reason, detail, content_type, body, checksum"
         " FROM rejected_callbacks",
         [&](const SqliteStatement& row) {
           NewRejectedCallback callback;
           callback.source = std::string(row.Bytes(2));
           callback.reason = static_cast<v1::RejectedCallback::Reason>(row.Integer(3));
           callback.detail = std::string(row.Bytes(4));
           callback.content_type = std::string(row.Bytes(5));
           callback.raw_body = std::string(row.Bytes(6));
           bytes[callback.source] +=
               static_cast<int64_t>(callback.raw_body.size()) + kCallbackOverhead;
           if (row.Integer(7) == RejectedCallbackChecksum(row.Integer(1), callback)) return;
           findings_.Add(
               absl::StrCat("rejected callback ", row.Integer(0), " does not fit its checksum"),
               "it is listed, and not shown", "Discard it, or restore a backup");
         });
    std::map<std::string, int64_t> counted;
    Each("sizes of rejected callbacks", "SELECT source, bytes FROM rejected_callback_bytes",
         [&](const SqliteStatement& row) { counted[std::string(row.Bytes(0))] = row.Integer(1); });
    if (counted == bytes) return;
    findings_.Add("rejected callbacks are counted wrongly",
                  "their limit of size removes too many or too few", kRestore);
    findings_.EndKind();
  }

  void CheckNonces() {
    Each("nonces", "SELECT length(digest), length(nonce) FROM nonces",
         [&](const SqliteStatement& row) {
           if (row.Integer(0) == kDigestBytes && row.Integer(1) > 0) return;
           findings_.Add("a nonce is damaged",
                         "a repeat of its callback is refused, or another use of it taken",
                         kNothing);
         });
    Each("horizons of nonces", "SELECT timestamp_ms FROM nonce_horizons",
         [](const SqliteStatement&) {});
  }

  void CheckForwarded() {
    Each("what was forwarded", "SELECT first, last FROM forwarded",
         [&](const SqliteStatement& row) {
           if (row.Integer(0) >= 1 && row.Integer(0) <= row.Integer(1) &&
               row.Integer(1) <= log_.range.last) {
             return;
           }
           findings_.Add(absl::StrCat("a mark that ", EventsText({row.Integer(0), row.Integer(1)}),
                                      " were forwarded makes no sense"),
                         "a repeated callback may be answered as forwarded that was not", kRestore);
         });
  }

  SqliteDatabase& database_;
  const CheckedLog& log_;
  SqliteFindings& findings_;
  std::map<std::string, int64_t> counters_;
  std::map<int64_t, Place> subscriptions_;
  std::map<int64_t, bool> orphans_;
};

}  // namespace

void CheckSqliteRows(SqliteDatabase& database, const CheckedLog& log, SqliteFindings& findings) {
  RowChecks(&database, &log, &findings).Run();
}

}  // namespace onhook
