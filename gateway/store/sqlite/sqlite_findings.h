#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_FINDINGS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_FINDINGS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/sequence.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// Where a verification says what it finds, a line each, and how far it is.
struct VerificationOutput {
  std::function<void(absl::string_view line)> tell;
  std::function<void(absl::string_view line)> progress;
};

// Gathers what a verification finds. Of one kind so many lines are told, and then how many more
// there are, since damage seldom comes alone.
//
// No line holds anything of an event but its sequence and, where that is whole, its event_id.
// Threads: one.
class SqliteFindings {
 public:
  // Both must outlive it.
  SqliteFindings(const VerificationOutput* output, const Clock* clock)
      : output_(*output), clock_(*clock), told_at_(clock->Elapsed()) {}

  // "WHAT: MEANING. ADVICE".
  void Add(absl::string_view what, absl::string_view meaning, absl::string_view advice);
  // Ends a kind: says how many of its lines were left out.
  void EndKind();
  // Something worth knowing that is no damage.
  void Note(absl::string_view line) { output_.tell(line); }
  // Told every two seconds at most.
  void Progress(absl::string_view doing, int64_t done, int64_t of);

  int64_t count() const { return count_; }

 private:
  const VerificationOutput& output_;
  const Clock& clock_;
  absl::Duration told_at_;
  int64_t count_ = 0;
  int64_t of_kind_ = 0;
};

// Calls `take` for each row of a query. Errors: SQLite's.
absl::Status ForEachSqliteRow(SqliteDatabase& database, absl::string_view sql,
                              const std::function<void(const SqliteStatement& row)>& take);

// Why SQLite failed, without its statement.
std::string ReasonOf(const absl::Status& status);

// "event 5", "events 5 to 9".
std::string EventsText(SequenceRange range);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_FINDINGS_H_
