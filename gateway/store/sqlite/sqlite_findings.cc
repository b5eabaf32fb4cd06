#include "gateway/store/sqlite/sqlite_findings.h"

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr int64_t kMostOfOneKind = 100;
constexpr absl::Duration kProgressInterval = absl::Seconds(2);

}  // namespace

void SqliteFindings::Add(absl::string_view what, absl::string_view meaning,
                         absl::string_view advice) {
  ++count_;
  if (++of_kind_ > kMostOfOneKind) return;
  output_.tell(absl::StrCat(what, ": ", meaning, ". ", advice));
}

void SqliteFindings::EndKind() {
  if (of_kind_ > kMostOfOneKind) {
    output_.tell(absl::StrCat("and ", of_kind_ - kMostOfOneKind, " more like these"));
  }
  of_kind_ = 0;
}

void SqliteFindings::Progress(absl::string_view doing, int64_t done, int64_t of) {
  const absl::Duration now = clock_.Elapsed();
  if (now - told_at_ < kProgressInterval) return;
  told_at_ = now;
  output_.progress(of > 0 ? absl::StrCat(doing, ": ", done, " of ", of)
                          : absl::StrCat(doing, ": ", done));
}

absl::Status ForEachSqliteRow(SqliteDatabase& database, absl::string_view sql,
                              const std::function<void(const SqliteStatement& row)>& take) {
  absl::StatusOr<SqliteStatement> query = database.Prepare(sql);
  if (!query.ok()) return query.status();
  while (true) {
    const absl::StatusOr<bool> row = query->Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    take(*query);
  }
}

std::string ReasonOf(const absl::Status& status) {
  const std::string message(status.message());
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

std::string EventsText(SequenceRange range) {
  return range.first == range.last ? absl::StrCat("event ", range.first)
                                   : absl::StrCat("events ", range.first, " to ", range.last);
}

}  // namespace onhook
