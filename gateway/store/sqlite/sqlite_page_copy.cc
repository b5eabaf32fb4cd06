#include "gateway/store/sqlite/sqlite_page_copy.h"

#include <sqlite3.h>

#include <memory>

namespace onhook {
namespace {

// 512 KiB: a step takes a millisecond or two, and asking after each costs nothing beside it.
constexpr int kPagesOfStep = 128;

struct Finisher {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

}  // namespace

absl::Status CopyPages(SqliteDatabase& from, SqliteDatabase& to, const BackupGoOn& go_on) {
  constexpr absl::string_view kDoing = "copying pages";
  std::unique_ptr<sqlite3_backup, Finisher> backup(
      sqlite3_backup_init(to.handle(), "main", from.handle(), "main"));
  if (backup == nullptr) return SqliteStatus(sqlite3_extended_errcode(to.handle()), kDoing);
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    if (absl::Status status = go_on(); !status.ok()) return status;
    code = sqlite3_backup_step(backup.get(), kPagesOfStep);
  }
  if (code != SQLITE_DONE) return SqliteStatus(code, kDoing);
  return SqliteStatus(sqlite3_backup_finish(backup.release()), kDoing);
}

}  // namespace onhook
