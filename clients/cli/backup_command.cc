#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/backup_file.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/interruption.h"
#include "clients/cli/time_text.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

// As a shell tells of a program that a signal ended.
constexpr int kExitInterrupted = 130;

class Backup final : public Command {
 public:
  absl::string_view name() const override { return "backup"; }
  absl::string_view summary() const override {
    return "copies everything that the gateway has stored, while it runs";
  }
  absl::string_view description() const override {
    return R"(Writes a backup of the gateway's store to FILE: all events, subscriptions with what they
still owe, dead letters and rejected callbacks, as they are at one moment; every callback that was
answered with success before the command began is in it. The gateway goes on meanwhile. It makes the
copy in its own store directory first, so there must be room for that, and checks it.

FILE is there when it is whole and on disk, and not before; it is its owner's alone, since it holds
telephone numbers. `onhookd --restore FILE` makes a store of it, see deploy/BACKUP.md. FILE may be -,
for standard output; then only exit code 0 says that it is whole.

Where the gateway has a list of who may come, this takes administer: ["*"] and see_numbers: true.

Examples:
  onhook backup onhook.backup
  onhook backup --force /var/backups/onhook.backup
  onhook backup - | zstd > onhook.backup.zst

Exit codes: 0 FILE is a backup; 1 the gateway refused; 2 wrong usage, or FILE is there already;
3 the gateway was not reached, or could not make one (no room, another backup under way, a damaged
store), or FILE could not be written.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("FILE", "Where to write it; - for standard output.", &path_);
    arguments.Switch("--force", "Replaces FILE if it is there, and a regular file.", &force_);
    connection_.DeclareServer(arguments);
  }

  absl::Status Check() override {
    if (path_.empty()) return absl::InvalidArgumentError("FILE is empty");
    struct stat there {};
    if (path_ == "-" || lstat(path_.c_str(), &there) != 0) return absl::OkStatus();
    // To put a backup in the place of /dev/null, say, is nobody's wish.
    if (!S_ISREG(there.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(
          path_,
          " is there, and no regular file, so nothing replaces it; - writes to standard "
          "output, which may be any file"));
    }
    if (force_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, " is there; --force replaces it"));
  }

  ExitCode Run() override {
    Interruption interruption;
    BackupFile file(path_);
    interruption.OnSignal([&file] {
      file.GiveUp();
      std::_Exit(kExitInterrupted);
    });
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    absl::Status status = file.Open();
    if (status.ok()) status = Fetch(*client, file);
    if (status.ok()) status = file.Finish();
    if (!status.ok()) return ReportFailure(status);
    // What goes to standard output is the backup.
    const std::string summary = Summary(file);
    if (file.is_stdout()) {
      std::fprintf(stderr, "%s", summary.c_str());
      return kExitOk;
    }
    const absl::Status printed = Print(summary);
    return printed.ok() ? kExitOk : ReportFailure(printed);
  }

 private:
  absl::Status Fetch(const client::Client& client, BackupFile& file) {
    const bool tells_progress = isatty(STDERR_FILENO) == 1;
    if (tells_progress) std::fprintf(stderr, "the gateway makes a copy ...");
    absl::Status status = client.CreateBackup([&](const v1::CreateBackupResponse& part) {
      if (part.has_header()) header_ = part.header();
      if (part.has_trailer()) sha256_ = part.trailer().sha256();
      const absl::Status written = file.Write(part.chunk());
      if (tells_progress && header_.size_bytes() > 0) {
        absl::FPrintF(stderr, "\r%3d %% of %d bytes          ",
                      file.bytes() * 100 / header_.size_bytes(), header_.size_bytes());
      }
      return written;
    });
    if (tells_progress) std::fprintf(stderr, "\n");
    if (!status.ok()) return status;
    if (file.bytes() == header_.size_bytes() && file.Sha256() == sha256_) return absl::OkStatus();
    return absl::DataLossError("what came is not what the gateway sent; try again");
  }

  std::string Summary(const BackupFile& file) const {
    std::string text =
        absl::StrCat("backup of store ", header_.store_id(), ", taken at ",
                     TimeText(header_.taken_at()), ": ", header_.events(), " events");
    if (header_.has_newest_received_at()) {
      absl::StrAppend(&text, ", the newest received at ", TimeText(header_.newest_received_at()));
    }
    absl::StrAppend(&text, "\n", file.is_stdout() ? "standard output" : path_, ": ", file.bytes(),
                    " bytes, sha256 ", sha256_, "\n");
    if (header_.corrupt_events() > 0) {
      const bool one = header_.corrupt_events() == 1;
      absl::StrAppend(&text, "warning: ", header_.corrupt_events(),
                      one ? " event does" : " events do", " not fit ", one ? "its" : "their",
                      " checksum, just as in the store; keep ", "older backups, which may have ",
                      one ? "it" : "them", " whole\n");
    }
    return text;
  }

  ConnectionFlags connection_;
  std::string path_;
  bool force_ = false;
  v1::BackupHeader header_;
  std::string sha256_;
};

}  // namespace

std::unique_ptr<Command> BackupCommand() { return std::make_unique<Backup>(); }

}  // namespace onhook::cli
