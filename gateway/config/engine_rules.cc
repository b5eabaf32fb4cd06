#include "gateway/config/engine_rules.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/jetstream_kinds.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

using Faults = std::vector<SettingFault>;
using Engine = Settings::Store::Engine;

// Less is not worth the name: the servers count it from an event's storing.
constexpr absl::Duration kShortestDeduplication = absl::Seconds(1);

// Of the servers' addresses, each well-formed.
bool AnyServer(const Settings::JetStream& jetstream, bool is_tls) {
  return std::any_of(jetstream.servers.begin(), jetstream.servers.end(),
                     [is_tls](const std::string& server) {
                       const absl::StatusOr<NatsServer> parsed = ParseNatsServer(server);
                       return parsed.ok() && parsed->is_tls == is_tls;
                     });
}

void CheckTls(const Settings::JetStream& jetstream, Faults& faults) {
  const Settings::JetStream::Tls& tls = jetstream.tls;
  if (AnyServer(jetstream, true) && AnyServer(jetstream, false)) {
    faults.push_back({"store.jetstream.servers",
                      "must be all tls:// or all nats://: whoever keeps the gateway from the ones "
                      "would get what it sends to the others"});
  }
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    const bool lacks_key = tls.key_file.empty();
    faults.push_back(
        {lacks_key ? "store.jetstream.tls.key_file" : "store.jetstream.tls.certificate_file",
         lacks_key ? "must be set, since store.jetstream.tls.certificate_file is"
                   : "must be set, since store.jetstream.tls.key_file is"});
  }
  if (AnyServer(jetstream, true)) return;
  const auto unused = [&faults](const std::string& file, const char* setting) {
    if (file.empty()) return;
    faults.push_back({setting,
                      "has no effect, since store.jetstream.servers names no server with tls://; "
                      "write tls://HOST:PORT there"});
  };
  unused(tls.ca_file, "store.jetstream.tls.ca_file");
  unused(tls.certificate_file, "store.jetstream.tls.certificate_file");
}

void CheckProof(const Settings::JetStream& jetstream, Faults& faults) {
  if (!jetstream.credentials_file.empty() && !jetstream.user.empty()) {
    faults.push_back({"store.jetstream.user",
                      "cannot be set beside store.jetstream.credentials_file, which says who the "
                      "gateway is; take one of them out"});
  }
  if (jetstream.user.empty() != jetstream.password_file.empty()) {
    const bool lacks_user = jetstream.user.empty();
    faults.push_back({lacks_user ? "store.jetstream.user" : "store.jetstream.password_file",
                      lacks_user ? "must be set, since store.jetstream.password_file is"
                                 : "must be set, since store.jetstream.user is"});
  }
}

// The servers know identities and nothing of their events, once those are gone.
void CheckLimits(const Settings& settings, Faults& faults) {
  const Settings::Store& store = settings.store;
  if (store.deduplication_window < kShortestDeduplication) {
    faults.push_back({"store.deduplication_window",
                      absl::StrCat("must be at least ", FormatDurationValue(kShortestDeduplication),
                                   " with store.engine jetstream, where it counts from an event's "
                                   "storing, and nothing else knows a repeat")});
  }
  if (store.retention_age.has_value() && store.deduplication_window > *store.retention_age) {
    faults.push_back({"store.deduplication_window",
                      absl::StrCat("must be no more than store.retention.age, which is ",
                                   FormatDurationValue(*store.retention_age),
                                   ": the servers know a repeat only of an event that is kept")});
  }
  for (size_t i = 0; i < settings.subscriptions.size(); ++i) {
    if (!settings.subscriptions[i].spec.backlog_limit().has_bytes()) continue;
    faults.push_back({absl::StrCat("subscriptions[", i, "].backlog_limit.bytes"),
                      "cannot be kept with store.engine jetstream, where nobody knows how many "
                      "bytes lie between two events; set backlog_limit.age"});
  }
}

// Why a setting that was given means nothing; empty: it means something.
std::string WhyForeign(absl::string_view name, const Settings::Store& store) {
  const bool is_of_spool = absl::StartsWith(name, "store.spool.");
  if (store.engine == Engine::kSqlite) {
    if (!is_of_spool && !absl::StartsWith(name, "store.jetstream.")) return "";
    return "belongs to store.engine jetstream, and it is sqlite; take it out, or set store.engine "
           "to jetstream";
  }
  if (name == "store.directory") {
    return "belongs to store.engine sqlite: with jetstream events lie with the NATS servers; take "
           "it out, or set store.spool.directory if callbacks are to be kept here while the "
           "servers are away";
  }
  if (!store.spool.directory.empty()) return "";
  if (name == "store.minimum_free_disk") {
    return "has no effect with store.engine jetstream and without a spool: nothing lies on this "
           "disk; take it out, or set store.spool.directory";
  }
  if (!is_of_spool || name == "store.spool.directory") return "";
  return "has no effect without store.spool.directory; take it out, or set that";
}

}  // namespace

std::vector<SettingFault> FindEngineFaults(const Settings& settings) {
  Faults faults;
  if (settings.store.engine != Engine::kJetStream) return faults;
  CheckProof(settings.store.jetstream, faults);
  CheckTls(settings.store.jetstream, faults);
  CheckLimits(settings, faults);
  return faults;
}

std::vector<SettingFault> FindForeignSettings(const Settings& settings,
                                              absl::Span<const absl::string_view> given) {
  Faults faults;
  for (const absl::string_view name : given) {
    std::string why = WhyForeign(name, settings.store);
    if (!why.empty()) faults.push_back({std::string(name), std::move(why)});
  }
  return faults;
}

}  // namespace onhook
