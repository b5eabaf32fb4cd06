#include "gateway/server_files.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/regular_file.h"
#include "gateway/base/secret_file.h"
#include "gateway/tls/client_files.h"

namespace onhook {
namespace {

constexpr size_t kMostCredentials = 64 << 10;

absl::Status CheckCredentials(const std::string& file) {
  std::string content;
  const absl::Status read = ReadRegularFile(file, kMostCredentials, content);
  if (!read.ok()) return absl::InvalidArgumentError(absl::StrCat(file, " ", read.message()));
  for (const absl::string_view part : {"BEGIN NATS USER JWT", "BEGIN USER NKEY SEED"}) {
    if (absl::StrContains(content, part)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(file, " holds no ", part.substr(sizeof("BEGIN ") - 1),
                     "; it must be a user's credentials, as nsc writes them"));
  }
  return absl::OkStatus();
}

// Its length is the servers' affair.
absl::Status CheckPassword(const std::string& file) {
  const SystemClock clock;
  const Log silent(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  return SecretFile::Open(
             file, [](absl::string_view) { return absl::OkStatus(); }, &clock, &silent)
      .status();
}

}  // namespace

std::vector<SettingFault> FindFaultsOfServers(const Settings::JetStream& jetstream,
                                              absl::Time now) {
  std::vector<SettingFault> faults;
  const auto note = [&faults](absl::string_view member, const absl::Status& status) {
    if (status.ok()) return;
    faults.push_back({absl::StrCat("store.jetstream.", member), std::string(status.message())});
  };
  if (const std::string& file = jetstream.credentials_file; !file.empty()) {
    note("credentials_file", CheckCredentials(file));
  }
  if (const std::string& file = jetstream.password_file; !file.empty()) {
    note("password_file", CheckPassword(file));
  }
  const Settings::JetStream::Tls& tls = jetstream.tls;
  if (tls.certificate_file.empty() != tls.key_file.empty()) return faults;  // told already
  for (const absl::Status& fault :
       FindTlsClientFaults({tls.ca_file, tls.certificate_file, tls.key_file}, now)) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(fault.message(), absl::MaxSplits(": ", 1));
    faults.push_back(
        {absl::StrCat("store.jetstream.tls.", parts.first), std::string(parts.second)});
  }
  return faults;
}

}  // namespace onhook
