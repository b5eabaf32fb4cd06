#include "gateway/store/jetstream/jetstream_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_housekeeping.h"
#include "gateway/store/jetstream/jetstream_log.h"
#include "gateway/store/jetstream/jetstream_nonces.h"
#include "gateway/store/jetstream/jetstream_quarantine.h"
#include "gateway/store/jetstream/loss_doubt.h"
#include "gateway/store/jetstream/state_journal.h"
#include "gateway/store/jetstream/stream_setup.h"
#include "gateway/store/jetstream/stream_watch.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/jetstream/subscription_registry.h"

namespace onhook {
namespace {

// How often what is not urgent is looked after.
constexpr absl::Duration kHousekeepingInterval = absl::Seconds(1);

constexpr absl::Duration kBetweenDeclarations = absl::Milliseconds(200);

// What an event takes beside what its callback says.
constexpr int64_t kBesideBody = 1024;

v1::DurabilityClass DurabilityOf(const JetStreamOptions& options) {
  if (options.replicas > 1) {
    return options.servers_sync_always ? v1::DURABILITY_CLASS_REPLICATED
                                       : v1::DURABILITY_CLASS_REPLICATED_UNSYNCED;
  }
  return options.servers_sync_always ? v1::DURABILITY_CLASS_DISK : v1::DURABILITY_CLASS_UNSYNCED;
}

std::string Because(const std::string& trouble) {
  return trouble.empty() ? "" : absl::StrCat(": ", trouble);
}

// The store of one gateway. Parts are made in the order of what they stand on, and end in reverse.
class JetStreamStore final : public Store {
 public:
  using Replaced = std::function<void(const absl::Status&)>;

  JetStreamStore(const JetStreamOptions& options, std::unique_ptr<NatsConnection> connection,
                 const Clock* clock, const Log* log, Replaced replaced)
      : options_(options),
        replaced_(std::move(replaced)),
        clock_(clock),
        log_(log),
        cautious_clock_(clock),
        subjects_(options),
        connection_(std::move(connection)),
        api_(connection_.get(), options.nats.request_timeout),
        nonces_(&api_, subjects_, options_, clock, &cautious_clock_, log, options.nonce_pace),
        event_log_(&api_, subjects_, options_, &nonces_, clock, log),
        quarantine_(&api_, subjects_, options.quarantine, clock, &cautious_clock_, log),
        journal_(&api_, subjects_, RandomBits(), clock, log),
        registry_({&api_, &subjects_, &options_, &event_log_, &journal_, clock, &cautious_clock_,
                   log, &settled_listeners_}),
        housekeeping_(
            options.retention, [this] { return registry_.Queues(); },
            [this](StateJournal::Done done) { journal_.EnsureAllCurrent(std::move(done)); }, &api_,
            subjects_, &event_log_, &cautious_clock_, log),
        housekept_(clock->Elapsed()),
        window_(options.retention.deduplication_window) {}

  ~JetStreamStore() override { Close().IgnoreError(); }

  // Finds what there is. To be called first.
  absl::Status Begin();

  const std::string& store_id() const override { return store_id_; }
  v1::DurabilityClass durability_class() const override { return DurabilityOf(options_); }
  EventLog& log() override { return event_log_; }
  Quarantine& quarantine() override { return quarantine_; }
  absl::Status CheckRoom() const override;
  StoreStats Stats() const override;
  absl::StatusOr<std::unique_ptr<BackupCopy>> MakeBackup(const BackupGoOn&) override {
    return absl::UnimplementedError(
        "this engine makes no backups: the events lie with the NATS servers, which make them "
        "(nats account backup)");
  }
  std::vector<std::shared_ptr<SubscriptionQueue>> ListQueues() const override {
    const auto queues = registry_.Queues();
    return {queues.begin(), queues.end()};
  }
  void SetLimits(const StoreLimits& limits) override;

  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindQueue(
      const std::string& name) const override {
    auto queue = registry_.Find(name);
    if (!queue.ok()) return queue.status();
    return *std::move(queue);
  }
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> FindOrCreateQueue(
      const std::string& name, const v1::SubscriptionSpec& spec) override {
    return registry_.FindOrCreateQueue(name, spec);
  }
  // Servers that found each other just now may take long for the first consumers: they are asked
  // again for as long as a change may take.
  absl::Status Declare(const std::vector<Declaration>& declarations) override {
    const SystemClock clock;
    const absl::Duration until =
        clock.Elapsed() + SubscriptionRegistry::kMostRequestTimes * options_.nats.request_timeout;
    while (true) {
      absl::Status declared = registry_.Declare(declarations);
      if (!absl::IsUnavailable(declared) || clock.Elapsed() >= until) return declared;
      log_->Warning("store",
                    "the subscriptions cannot be declared yet; the servers are asked again",
                    {{"error", declared}});
      absl::SleepFor(kBetweenDeclarations);
    }
  }
  absl::StatusOr<SubscriptionInfo> CreateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override {
    return registry_.Create(name, spec);
  }
  absl::StatusOr<SubscriptionInfo> GetSubscription(const std::string& name) const override {
    return registry_.Get(name);
  }
  std::vector<SubscriptionInfo> ListSubscriptions() const override { return registry_.List(); }
  absl::StatusOr<SubscriptionInfo> UpdateSubscription(const std::string& name,
                                                      const v1::SubscriptionSpec& spec) override {
    return registry_.Update(name, spec);
  }
  absl::Status DeleteSubscription(const std::string& name) override {
    return registry_.Delete(name);
  }
  absl::Status Seek(const std::string& name, Sequence after) override {
    return registry_.Seek(name, after);
  }
  absl::Status SetPaused(const std::string& name, bool paused) override {
    return registry_.SetPaused(name, paused);
  }

  void AddSettledListener(SettledListener listener) override {
    settled_listeners_.push_back(std::move(listener));
  }
  void FindProcessed(Sequence sequence, std::function<void(absl::StatusOr<bool>)> done) override;
  void FindProcessedBy(Sequence sequence, std::vector<std::string> subscriptions,
                       std::function<void(absl::StatusOr<std::vector<std::string>>)> done) override;
  bool ExcludedByAll(const v1::ReleaseEvent& event) const override {
    return registry_.ExcludedByAll(event);
  }

  absl::Status Close() override;

 private:
  void TellReplaced(const std::string& stream) {
    replaced_(absl::FailedPreconditionError(
        absl::StrCat("stream ", stream, " was removed and made anew")));
  }
  // Says so, if the servers do not take what the settings admit.
  void CompareWithServers() const;
  void Tick();
  // A journal that has lost what was applied of it: who reads it now knows less than this gateway,
  // so it begins anew.
  void LookAtJournal();
  void ChangeWindowTo(absl::Duration window);

  const JetStreamOptions options_;
  const Replaced replaced_;
  const Clock* const clock_;
  const Log* const log_;
  const CautiousClock cautious_clock_;
  const Subjects subjects_;
  std::string store_id_;
  std::vector<SettledListener> settled_listeners_;
  std::unique_ptr<NatsConnection> connection_;
  JetStreamApi api_;
  JetStreamNonces nonces_;
  JetStreamLog event_log_;
  JetStreamQuarantine quarantine_;
  StateJournal journal_;
  SubscriptionRegistry registry_;
  absl::Mutex journal_mutex_;
  LossDoubt journal_doubt_ ABSL_GUARDED_BY(journal_mutex_);
  JetStreamHousekeeping housekeeping_;
  std::unique_ptr<StreamWatch> watch_;
  absl::Duration housekept_;  // the ticking thread only
  absl::Duration window_;     // that the settings gave the stream last; of who sets limits
  bool closed_ = false;
  std::unique_ptr<PeriodicThread> ticking_;
  std::unique_ptr<PeriodicThread> expiring_;
};

absl::Status JetStreamStore::Begin() {
  connection_->AddListener([this](bool connected) {
    if (!connected) registry_.Doubt();
  });
  absl::StatusOr<StoreStreams> streams = SetUpStreams(&api_, subjects_, options_);
  if (!streams.ok()) return streams.status();
  store_id_ = streams->store_id;
  absl::Status begun = nonces_.Begin();
  if (!begun.ok()) return begun;
  event_log_.SetLossListener(
      [this](Sequence kept, const SequenceMarks::Mark& lost) { registry_.NoteLoss(kept, lost); });
  event_log_.SetReplacedListener([this] { TellReplaced(subjects_.events_stream()); });
  watch_ = std::make_unique<StreamWatch>(
      &api_,
      std::vector<std::string>{subjects_.state_stream(), subjects_.dead_stream(),
                               subjects_.nonces_stream(), subjects_.rejected_stream()},
      store_id_, clock_, [this](const std::string& stream) { TellReplaced(stream); });
  event_log_.Begin(streams->events);
  journal_.SetLossListener([this](int64_t kept, const SequenceMarks::Mark& lost) {
    absl::MutexLock lock(&journal_mutex_);
    journal_doubt_.Note({kept, lost, {}}, clock_->Elapsed());
  });
  journal_.Begin([this](int64_t place, const StateJournal::Changes& changes, int64_t number) {
    registry_.Apply(place, changes, number);
  });
  begun = journal_.AwaitBeginning(6 * options_.nats.request_timeout);
  if (begun.ok()) begun = registry_.LookForLoss();
  if (begun.ok()) begun = quarantine_.Begin(streams->rejected);
  if (!begun.ok()) return absl::UnavailableError(begun.message());
  registry_.Open();
  ticking_ = std::make_unique<PeriodicThread>(options_.tick_interval, [this] { Tick(); });
  // A thread of its own: it waits for what the ticks keep going.
  expiring_ = std::make_unique<PeriodicThread>(10 * options_.tick_interval, [this] {
    LookAtJournal();
    registry_.RecoverFromLoss();
    registry_.DeleteUnused();
    registry_.RemoveOrphans();
  });
  registry_.RecoverFromLoss();
  log_->Info("store", "opened the store in JetStream",
             {{"stream", subjects_.events_stream()},
              {"store_id", store_id_},
              {"replicas", static_cast<int64_t>(options_.replicas)},
              {"newest", event_log_.last()}});
  CompareWithServers();
  return absl::OkStatus();
}

void JetStreamStore::CompareWithServers() const {
  const int64_t event = (options_.keeps_bodies ? 2 : 1) * options_.largest_body + kBesideBody;
  if (event <= event_log_.largest_event()) return;
  log_->Warning(
      "store",
      options_.keeps_bodies
          ? "a callback as large as http.max_body_bytes may be is more than the servers "
            "take, with its body kept beside its event, and would be refused each time: "
            "raise the servers' max_payload, or lower http.max_body_bytes"
          : "a callback as large as http.max_body_bytes may be is more than the servers "
            "take, and would be refused each time: raise the servers' max_payload, or "
            "lower http.max_body_bytes",
      {{"max_body_bytes", options_.largest_body}, {"max_payload", connection_->max_payload()}});
}

void JetStreamStore::LookAtJournal() {
  std::optional<LossDoubt::Loss> loss;
  {
    absl::MutexLock lock(&journal_mutex_);
    loss = journal_doubt_.noted();
  }
  if (!loss.has_value()) return;
  const absl::StatusOr<bool> back = IsThere(api_, subjects_.state_stream(), loss->lost);
  if (!back.ok()) return;
  LossDoubt::Verdict verdict{};
  {
    absl::MutexLock lock(&journal_mutex_);
    verdict = journal_doubt_.Judge(*back, clock_->Elapsed());
    if (verdict != LossDoubt::Verdict::kWait) journal_doubt_.Forget(*loss);
  }
  if (verdict != LossDoubt::Verdict::kLoss) return;
  replaced_(absl::FailedPreconditionError(absl::StrCat(
      "stream ", subjects_.state_stream(), " has lost its end, or was removed and made anew")));
}

absl::Status JetStreamStore::CheckRoom() const {
  if (!connection_->connected()) {
    return absl::UnavailableError(
        absl::StrCat("no NATS server is connected", Because(connection_->trouble())));
  }
  return event_log_.health();
}

StoreStats JetStreamStore::Stats() const {
  StoreStats stats;
  // As far as no message was deleted by hand.
  stats.events = std::max<int64_t>(event_log_.last() - event_log_.first() + 1, 0);
  stats.bytes = event_log_.bytes();
  stats.dead_letters_removed_by_age = housekeeping_.dead_letters_removed_by_age();
  stats.dead_letters_removed_by_size = housekeeping_.dead_letters_removed_by_size();
  return stats;
}

void JetStreamStore::SetLimits(const StoreLimits& limits) {
  nonces_.SetMemory(limits.retention.nonce_memory);
  quarantine_.SetLimits(limits.quarantine);
  housekeeping_.SetLimits(limits.retention);
  ChangeWindowTo(limits.retention.deduplication_window);
}

// Only if the settings were changed: a gateway that is reloaded for another reason, and has not
// heard of a new window, must not bring the old one back.
void JetStreamStore::ChangeWindowTo(absl::Duration window) {
  if (window == window_) return;
  const absl::StatusOr<absl::Duration> had = ChangeWindow(&api_, subjects_.events_stream(), window);
  event_log_.ExpectWindow(window);
  if (!had.ok()) {
    log_->Error("store", "the servers' deduplication window could not be changed",
                {{"error", had.status()}});
    return;
  }
  window_ = window;
  if (*had == window) return;  // another gateway was first
  log_->Warning("store",
                "the deduplication window was changed for all gateways on the stream; reload the "
                "others with the same one",
                {{"stream", subjects_.events_stream()},
                 {"from", absl::FormatDuration(*had)},
                 {"to", absl::FormatDuration(window)}});
}

void JetStreamStore::FindProcessed(Sequence sequence,
                                   std::function<void(absl::StatusOr<bool>)> done) {
  const auto queues = registry_.Queues();
  done(std::any_of(queues.begin(), queues.end(),
                   [sequence](const auto& queue) { return queue->HasProcessed(sequence); }));
}

void JetStreamStore::FindProcessedBy(
    Sequence sequence, std::vector<std::string> subscriptions,
    std::function<void(absl::StatusOr<std::vector<std::string>>)> done) {
  std::vector<std::string> processed_by;
  for (const std::string& name : subscriptions) {
    const auto queue = registry_.Find(name);
    if (queue.ok() && (*queue)->HasProcessed(sequence)) processed_by.push_back(name);
  }
  done(std::move(processed_by));
}

void JetStreamStore::Tick() {
  event_log_.Tick();
  nonces_.Tick();
  journal_.Tick();
  quarantine_.Tick();
  registry_.Tick();
  watch_->Tick();
  if (clock_->Elapsed() - housekept_ < kHousekeepingInterval) return;
  housekept_ = clock_->Elapsed();
  housekeeping_.Tick();
}

absl::Status JetStreamStore::Close() {
  if (std::exchange(closed_, true)) return absl::OkStatus();
  if (ticking_ != nullptr) ticking_->Stop();
  registry_.Close();
  event_log_.Close();
  nonces_.Close();
  quarantine_.Close();
  journal_.Close();
  connection_->Close();
  if (expiring_ != nullptr) expiring_->Stop();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenJetStreamStore(
    const JetStreamOptions& options, const Clock* clock, const Log* log,
    std::function<void(const absl::Status&)> replaced) {
  // Silence is noticed before others may have got what this gateway has.
  NatsOptions nats = options.nats;
  nats.ping_interval = std::min(nats.ping_interval, options.ownership / 6);
  absl::StatusOr<std::unique_ptr<NatsConnection>> connection =
      NatsConnection::Open(nats, nats.request_timeout, log);
  if (!connection.ok()) return connection.status();
  if (!(*connection)->connected()) {
    return absl::UnavailableError(absl::StrCat("no NATS server answers; tried ",
                                               options.nats.servers.size(), " of them",
                                               Because((*connection)->trouble())));
  }
  auto store = std::make_unique<JetStreamStore>(options, *std::move(connection), clock, log,
                                                std::move(replaced));
  if (absl::Status begun = store->Begin(); !begun.ok()) return begun;
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace onhook
