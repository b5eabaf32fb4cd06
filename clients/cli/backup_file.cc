#include "clients/cli/backup_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace onhook::cli {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

}  // namespace

BackupFile::BackupFile(std::string path)
    : path_(std::move(path)), partial_(path_ + ".partial"), digest_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
}

BackupFile::~BackupFile() {
  GiveUp();
  if (file_ >= 0 && !is_stdout()) close(file_);
}

absl::Status BackupFile::Failed(absl::string_view what) const {
  return absl::UnavailableError(
      absl::StrCat(is_stdout() ? "standard output" : partial_, " ", what, ": ", strerror(errno)));
}

absl::Status BackupFile::Open() {
  if (is_stdout()) {
    file_ = STDOUT_FILENO;
    return absl::OkStatus();
  }
  const int file = open(partial_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return Failed("cannot be made");
  // Left by a kill, it may be taken over; in use by another, it may not.
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return absl::AlreadyExistsError(absl::StrCat(partial_, " is being written by another backup"));
  }
  file_ = file;
  if (fchmod(file_, 0600) != 0 || ftruncate(file_, 0) != 0) return Failed("cannot be emptied");
  return absl::OkStatus();
}

absl::Status BackupFile::Write(absl::string_view bytes) {
  EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
  bytes_ += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    const ssize_t written = write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("cannot be written");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

std::string BackupFile::Sha256() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest_.get(), hash, &size);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(hash), size));
}

absl::Status BackupFile::Finish() {
  if (is_stdout()) return absl::OkStatus();
  if (fsync(file_) != 0) return Failed("cannot be synced");
  if (rename(partial_.c_str(), path_.c_str()) != 0) return Failed("cannot be renamed");
  close(file_.exchange(-1));
  const std::string folder = FolderOf(path_);
  const int directory = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return Failed("is renamed, but its folder cannot be opened");
  const bool synced = fsync(directory) == 0;
  close(directory);
  return synced ? absl::OkStatus() : Failed("is renamed, but its folder cannot be synced");
}

void BackupFile::GiveUp() {
  if (file_ >= 0 && !is_stdout()) unlink(partial_.c_str());
}

}  // namespace onhook::cli
