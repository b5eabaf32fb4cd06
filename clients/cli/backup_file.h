#ifndef ONHOOK_CLIENTS_CLI_BACKUP_FILE_H_
#define ONHOOK_CLIENTS_CLI_BACKUP_FILE_H_

#include <openssl/evp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook::cli {

// The file that a backup is written to: beside its place, and put there once it is whole and on
// disk. Its owner's alone, since it holds numbers of callers.
//
// Promises: what stands at the path is what stood there before, or a whole backup, whenever this
// ends, however. A file that is given up is removed, but for a kill -9, after which the next backup
// to the same path takes its place.
// Threads: one; GiveUp from any. Blocking: for the disk. Errors: kUnavailable, in words.
class BackupFile {
 public:
  // "-": standard output, which is no file to be put anywhere.
  explicit BackupFile(std::string path);
  ~BackupFile();  // gives up

  BackupFile(const BackupFile&) = delete;
  BackupFile& operator=(const BackupFile&) = delete;

  // To be called once, first. Also kAlreadyExists: another backup to this path is under way.
  absl::Status Open();
  absl::Status Write(absl::string_view bytes);
  // Syncs it and puts it in its place.
  absl::Status Finish();
  void GiveUp();

  int64_t bytes() const { return bytes_; }
  // Of all bytes, in hexadecimal digits. To be called once, after the last.
  std::string Sha256();

  bool is_stdout() const { return path_ == "-"; }

 private:
  struct DigestDeleter {
    void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
  };

  absl::Status Failed(absl::string_view what) const;

  const std::string path_;
  const std::string partial_;
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> digest_;
  std::atomic<int> file_{-1};
  int64_t bytes_ = 0;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_BACKUP_FILE_H_
