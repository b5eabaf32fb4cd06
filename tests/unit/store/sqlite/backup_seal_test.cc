#include "gateway/store/sqlite/backup_seal.h"

#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"

namespace onhook {
namespace {

BackupSeal Example() {
  BackupSeal seal;
  seal.store_id = "0123456789abcdef";
  seal.format = 3;
  seal.taken_at = absl::FromUnixMicros(1'645'524'280'123'456);
  seal.newest = 42;
  seal.database_bytes = 4096;
  seal.database_sha256 = std::string(64, 'a');
  return seal;
}

TEST(BackupSealTest, WhatWasWrittenIsReadAgain) {
  const std::string text = FormatBackupSeal(Example());
  EXPECT_EQ(text.size(), kBackupSealBytes);
  const absl::StatusOr<BackupSeal> read = ParseBackupSeal(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->store_id, Example().store_id);
  EXPECT_EQ(read->format, Example().format);
  EXPECT_EQ(read->taken_at, Example().taken_at);
  EXPECT_EQ(read->newest, Example().newest);
  EXPECT_EQ(read->database_bytes, Example().database_bytes);
  EXPECT_EQ(read->database_sha256, Example().database_sha256);
}

TEST(BackupSealTest, NothingElseIsTaken) {
  const std::string whole = FormatBackupSeal(Example());
  const std::string rows[] = {
      "",
      "\n",
      whole.substr(1),
      whole.substr(0, whole.size() - 1),
      whole + "\n",
      absl::StrReplaceAll(whole, {{"backup 1", "backup 2"}}),
      absl::StrReplaceAll(whole, {{"format 3", "format x"}}),
      absl::StrReplaceAll(whole, {{"newest_sequence 42", "newest_sequence +42"}}),
      absl::StrReplaceAll(whole, {{"store_id 0", "store_id X"}}),
      absl::StrReplaceAll(whole, {{"aaaa ", "aaa  "}}),
      std::string(kBackupSealBytes, '\0'),
      std::string(kBackupSealBytes, '\n'),
  };
  for (const std::string& row : rows) {
    EXPECT_TRUE(absl::IsDataLoss(ParseBackupSeal(row).status())) << row;
  }
}

}  // namespace
}  // namespace onhook
