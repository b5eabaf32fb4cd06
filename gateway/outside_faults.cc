#include "gateway/outside_faults.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gateway/config/tls_options.h"
#include "gateway/ingress/open_source.h"
#include "gateway/net/listening_socket.h"
#include "gateway/net/unix_socket.h"
#include "gateway/server_files.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/store_damage.h"
#include "gateway/tls/tls_files.h"

namespace onhook {
namespace {

using Faults = std::vector<SettingFault>;

void Append(const Faults& more, Faults& faults) {
  faults.insert(faults.end(), more.begin(), more.end());
}

void Note(absl::string_view setting, const absl::Status& status, Faults& faults) {
  if (!status.ok()) faults.push_back({std::string(setting), std::string(status.message())});
}

// `statuses` each begin with the member that names the file.
void NoteFiles(absl::string_view listener, const std::vector<absl::Status>& statuses,
               Faults& faults) {
  for (const absl::Status& status : statuses) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(status.message(), absl::MaxSplits(": ", 1));
    faults.push_back({absl::StrCat(listener, ".tls.", parts.first), std::string(parts.second)});
  }
}

void NotePort(absl::string_view setting, const std::string& listen, Faults& faults) {
  const absl::StatusOr<ListenAddress> address = ParseListenAddress(listen);
  const absl::Status status = address.ok() ? CheckPortIsFree(*address) : address.status();
  if (!status.ok()) Note(setting, WithPortAdvice(status), faults);
}

// What of the store lies on this machine's disk. An empty directory: nothing.
struct DirectoryOnDisk {
  absl::string_view setting;
  std::string directory;
};
DirectoryOnDisk DirectoryOf(const Settings& settings) {
  if (settings.store.engine == Settings::Store::Engine::kSqlite) {
    return {"store.directory", settings.store.directory};
  }
  return {"store.spool.directory", settings.store.spool.directory};
}

// Whether other settings would mend it; else it may go by itself, or need somebody to look.
bool IsOfSettings(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status) ||
         absl::IsFailedPrecondition(status);
}

}  // namespace

OutsideFindings FindOutsideFaults(const Settings& settings) {
  OutsideFindings found;
  const absl::Time now = SystemClock().Now();
  if (const DirectoryOnDisk place = DirectoryOf(settings); !place.directory.empty()) {
    Note(place.setting, CheckSqliteDirectory(place.directory), found.faults);
  }
  if (settings.store.engine == Settings::Store::Engine::kJetStream) {
    Append(FindFaultsOfServers(settings.store.jetstream, now), found.faults);
  }
  Append(FindSecretFaults(settings), found.faults);
  Append(FindTokenFaults(settings), found.faults);
  const std::pair<absl::string_view, const TlsOptions&> ports[] = {
      {"http", settings.http.tls}, {"grpc", settings.grpc.tls}, {"admin", settings.admin.tls}};
  for (const auto& [listener, tls] : ports) {
    if (!tls.enabled() || tls.key_file.empty()) continue;
    const TlsFindings files = ExamineTlsFiles(tls, now);
    NoteFiles(listener, files.faults, found.faults);
    NoteFiles(listener, files.doubts, found.doubts);
  }
  return found;
}

OutsideFindings FindStartFaults(const Settings& settings) {
  OutsideFindings found;
  NotePort("http.listen", settings.http.server.listen, found.faults);
  NotePort("grpc.listen", settings.grpc.server.listen, found.faults);
  NotePort("admin.listen", settings.admin.server.listen, found.faults);
  if (const std::string& path = settings.grpc.server.unix_socket; !path.empty()) {
    Note("grpc.unix_socket", CheckUnixSocketIsFree(path), found.faults);
  }
  if (const DirectoryOnDisk place = DirectoryOf(settings); !place.directory.empty()) {
    Note(place.setting, CheckSqliteDirectoryIsFree(place.directory), found.faults);
  }
  return found;
}

absl::Status AboutSetting(absl::string_view setting, const absl::Status& cause) {
  absl::Status about(cause.code(), absl::StrCat(setting, ": ", cause.message()));
  cause.ForEachPayload([&about](absl::string_view type, const absl::Cord& payload) {
    about.SetPayload(type, payload);
  });
  return about;
}

absl::Status WithPortAdvice(const absl::Status& cause) {
  return absl::Status(
      cause.code(),
      absl::StrCat(cause.message(), "; set another address, or port 0 for a free one"));
}

int TellFailedStart(const absl::Status& status, const Invocation& invocation, const Log& log) {
  if (IsOfSettings(status)) {
    std::fprintf(stderr, "%s\n", FaultLine(status.message(), invocation).c_str());
    return kExitBadSettings;
  }
  log.Error("gateway", "cannot start", {{"error", status.message()}});
  if (IsStoreDamage(status)) return kExitBadStore;
  return absl::IsDataLoss(status) ? kExitDiskFailed : kExitFailed;
}

}  // namespace onhook
