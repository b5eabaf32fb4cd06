#include "gateway/store_opening.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/outside_faults.h"
#include "gateway/part_options.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gateway/store/spool/spooled_store.h"
#include "gateway/store/sqlite/sqlite_store.h"

namespace onhook {
namespace {

// Servers and gateways that are started together are up within this.
constexpr absl::Duration kServersStart = absl::Minutes(1);
constexpr absl::Duration kBetweenTries = absl::Seconds(1);
constexpr char kAsksServers[] = "asks the NATS servers";

absl::StatusOr<std::unique_ptr<Store>> OpenOnDisk(const std::string& directory,
                                                  const StoreLimits& limits,
                                                  const EmbeddedStoreOptions& embedded,
                                                  const StoreSurroundings& surroundings) {
  SqliteStoreOptions options;
  options.directory = directory;
  options.embedded = embedded;
  options.embedded.retention = limits.retention;
  options.embedded.quarantine = limits.quarantine;
  options.embedded.minimum_free_disk = limits.minimum_free_disk;
  options.embedded.commits = surroundings.commits;
  options.progress = surroundings.progress;
  return OpenSqliteStore(options, surroundings.clock, surroundings.log, surroundings.fatal);
}

JetStreamOptions JetStreamOptionsOf(const Settings& settings) {
  const Settings::JetStream& set = settings.store.jetstream;
  const StoreLimits limits = StoreLimitsOf(settings);
  JetStreamOptions options;
  options.nats.servers = set.servers;
  options.nats.credentials_file = set.credentials_file;
  options.nats.user = set.user;
  options.nats.password_file = set.password_file;
  options.nats.ca_file = set.tls.ca_file;
  options.nats.certificate_file = set.tls.certificate_file;
  options.nats.key_file = set.tls.key_file;
  options.nats.request_timeout = set.request_timeout;
  options.stream = set.stream;
  options.subject_prefix = set.subject_prefix;
  options.replicas = set.replicas;
  options.servers_sync_always = set.servers_sync_always;
  options.ownership = set.ownership;
  options.retention = limits.retention;
  options.quarantine = limits.quarantine;
  options.largest_body = static_cast<int64_t>(settings.http.server.max_body_bytes);
  options.keeps_bodies = settings.store.keep_raw_body;
  options.tail_bytes = settings.store.memory_tail;
  return options;
}

// Whether an error of the store on the servers names a setting by itself.
bool NamesSetting(const absl::Status& error) { return absl::StartsWith(error.message(), "store."); }

absl::StatusOr<std::unique_ptr<Store>> OpenOnServers(const JetStreamOptions& options,
                                                     const StoreSurroundings& surroundings) {
  absl::StatusOr<std::unique_ptr<Store>> store =
      OpenJetStreamStore(options, surroundings.clock, surroundings.log, surroundings.fatal);
  if (store.ok()) return store;
  const absl::Status error = NamesSetting(store.status())
                                 ? store.status()
                                 : AboutSetting("store.jetstream.servers", store.status());
  // Who waits for the start is to see why it takes so long.
  surroundings.progress->Begin(absl::StrCat(kAsksServers, " (", error.message(), ")"));
  return error;
}

absl::StatusOr<std::unique_ptr<Store>> OpenOnServersPatiently(
    const JetStreamOptions& options, const StoreSurroundings& surroundings) {
  const SystemClock waits_clock;
  const absl::Duration until = waits_clock.Elapsed() + kServersStart;
  surroundings.progress->Begin(kAsksServers);
  while (true) {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenOnServers(options, surroundings);
    if (!absl::IsUnavailable(store.status()) || waits_clock.Elapsed() >= until) return store;
    surroundings.log->Warning("store", "the NATS servers cannot serve yet; they are asked again",
                              {{"error", store.status()}});
    absl::SleepFor(kBetweenTries);
  }
}

absl::StatusOr<std::unique_ptr<SpooledStore>> OpenSpooled(const Settings& settings,
                                                          const JetStreamOptions& main,
                                                          const StoreSurroundings& surroundings) {
  const Settings::Spool& set = settings.store.spool;
  EmbeddedStoreOptions of_spool;
  of_spool.tail_bytes = settings.store.memory_tail;
  of_spool.tells_of_subscriptions = false;  // its own, which nobody can see
  absl::StatusOr<std::unique_ptr<Store>> spool = OpenOnDisk(
      set.directory, SpooledStore::SpoolLimits(StoreLimitsOf(settings)), of_spool, surroundings);
  if (!spool.ok()) return AboutSetting("store.spool.directory", spool.status());
  SpooledStoreOptions options;
  options.patience = set.patience;
  options.max_events = set.max_events;
  options.deduplication_window = main.retention.deduplication_window;
  surroundings.progress->Begin(kAsksServers);
  absl::StatusOr<std::unique_ptr<SpooledStore>> store = SpooledStore::Open(
      options, *std::move(spool),
      [main, surroundings] { return OpenOnServers(main, surroundings); }, surroundings.clock,
      surroundings.log);
  if (store.ok()) return store;
  return NamesSetting(store.status()) ? store.status()
                                      : AboutSetting("store.spool.directory", store.status());
}

}  // namespace

absl::string_view EngineName(const Settings& settings) {
  switch (settings.store.engine) {
    case Settings::Store::Engine::kSqlite:
      return "sqlite";
    case Settings::Store::Engine::kJetStream:
      return "jetstream";
  }
  return "";
}

absl::StatusOr<OpenedStore> OpenStore(const Settings& settings,
                                      const StoreSurroundings& surroundings) {
  if (settings.store.engine == Settings::Store::Engine::kSqlite) {
    EmbeddedStoreOptions embedded;
    embedded.tail_bytes = settings.store.memory_tail;
    absl::StatusOr<std::unique_ptr<Store>> store =
        OpenOnDisk(settings.store.directory, StoreLimitsOf(settings), embedded, surroundings);
    if (!store.ok()) return AboutSetting("store.directory", store.status());
    return OpenedStore{*std::move(store)};
  }
  const JetStreamOptions options = JetStreamOptionsOf(settings);
  if (settings.store.spool.directory.empty()) {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenOnServersPatiently(options, surroundings);
    if (!store.ok()) return store.status();
    return OpenedStore{*std::move(store)};
  }
  absl::StatusOr<std::unique_ptr<SpooledStore>> store =
      OpenSpooled(settings, options, surroundings);
  if (!store.ok()) return store.status();
  const SpooledStore* const spool = store->get();
  return OpenedStore{*std::move(store), spool};
}

}  // namespace onhook
