#include "gateway/store/sqlite/backup_seal.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

constexpr absl::string_view kFirstLine = "\nonhook backup 1";

bool IsHex(absl::string_view text, size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

// Takes " NAME VALUE" off the lines.
absl::string_view Take(std::vector<absl::string_view>& lines, absl::string_view name) {
  if (lines.empty()) return "";
  absl::string_view line = lines.front();
  lines.erase(lines.begin());
  const bool is_it = absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, " ");
  return is_it ? line : absl::string_view();
}

}  // namespace

std::string FormatBackupSeal(const BackupSeal& seal) {
  std::string text = absl::StrCat(kFirstLine, "\nstore_id ", seal.store_id, "\nformat ",
                                  seal.format, "\ntaken_at_us ", absl::ToUnixMicros(seal.taken_at),
                                  "\nnewest_sequence ", seal.newest, "\ndatabase_bytes ",
                                  seal.database_bytes, "\ndatabase_sha256 ", seal.database_sha256);
  text.resize(kBackupSealBytes - 1, ' ');
  return text + "\n";
}

absl::StatusOr<BackupSeal> ParseBackupSeal(absl::string_view text) {
  absl::string_view rest = text;
  BackupSeal seal;
  int64_t taken_at_us = 0;
  bool parsed = absl::ConsumePrefix(&rest, kFirstLine) && absl::ConsumePrefix(&rest, "\n");
  if (parsed) {
    std::vector<absl::string_view> lines =
        absl::StrSplit(absl::StripTrailingAsciiWhitespace(rest), '\n');
    seal.store_id = std::string(Take(lines, "store_id"));
    parsed = absl::SimpleAtoi(Take(lines, "format"), &seal.format) &&
             absl::SimpleAtoi(Take(lines, "taken_at_us"), &taken_at_us) &&
             absl::SimpleAtoi(Take(lines, "newest_sequence"), &seal.newest) &&
             absl::SimpleAtoi(Take(lines, "database_bytes"), &seal.database_bytes);
    seal.database_sha256 = std::string(Take(lines, "database_sha256"));
    seal.taken_at = absl::FromUnixMicros(taken_at_us);
  }
  // Numbers have more forms than one.
  if (!parsed || !IsHex(seal.store_id, 16) || !IsHex(seal.database_sha256, 64) ||
      FormatBackupSeal(seal) != text) {
    return absl::DataLossError("does not end as a backup does: it is cut off, or is none");
  }
  return seal;
}

}  // namespace onhook
