#include "gateway/store/spool/spooled_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/base/steady_condition.h"
#include "google/protobuf/duration.pb.h"

namespace onhook {
namespace {

constexpr char kQueueName[] = "spool";
// What was moved is removed this much later.
constexpr absl::Duration kKeptOnceMoved = absl::Minutes(1);
constexpr absl::Duration kTriedAgainAtStart = absl::Milliseconds(200);
constexpr absl::Duration kNotReachedTold = absl::Minutes(1);
constexpr absl::Duration kNotUsableTold = absl::Seconds(10);
constexpr absl::Duration kAgePatience = absl::Seconds(1);
constexpr int64_t kYears = int64_t{10} * 365 * 24 * 3600;  // in seconds
// An answer of the main store takes seconds at most; one that never comes is not waited for.
constexpr int64_t kLeaseSeconds = 60;

// Nothing is given up, whatever the main store says of it, and for however long.
v1::SubscriptionSpec SpecOfSpool() {
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_EARLIEST);
  spec.mutable_ack_deadline()->set_seconds(kLeaseSeconds);
  spec.mutable_unlimited_delivery_attempts();
  spec.mutable_expire_after_unused()->set_seconds(kYears);
  return spec;
}

}  // namespace

// ----------------------------------------------------------------------------- opening and closing

StoreLimits SpooledStore::SpoolLimits(const StoreLimits& of_main) {
  StoreLimits limits = of_main;
  limits.retention.age = kKeptOnceMoved;
  limits.retention.bytes.reset();
  limits.retention.dead_letters_age.reset();
  limits.retention.dead_letters_bytes.reset();
  return limits;
}

absl::StatusOr<std::unique_ptr<SpooledStore>> SpooledStore::Open(const SpooledStoreOptions& options,
                                                                 std::unique_ptr<Store> spool,
                                                                 MainStore::Open open_main,
                                                                 const Clock* clock,
                                                                 const Log* log) {
  std::unique_ptr<SpooledStore> store(
      new SpooledStore(options, std::move(spool), std::move(open_main), clock, log));
  absl::Status opened = store->ReachMain();
  if (opened.ok()) opened = store->StartMoving();
  if (!opened.ok()) return opened;
  return store;
}

SpooledStore::SpooledStore(const SpooledStoreOptions& options, std::unique_ptr<Store> spool,
                           MainStore::Open open_main, const Clock* clock, const Log* log)
    : options_(options),
      clock_(clock),
      log_sink_(log),
      not_reached_(clock, kNotReachedTold),
      not_usable_(clock, kNotUsableTold),
      spool_(std::move(spool)),
      circuit_(options.callback_interval),
      account_(clock, log),
      main_(std::move(open_main)),
      patience_(options.patience,
                [this](absl::FunctionRef<void()> work) { spool_->Together(work); }),
      log_({&main_, spool_.get(), &circuit_, &patience_, &account_}, options.max_events),
      quarantine_({&main_, spool_.get(), &circuit_, &patience_, clock, log}) {}

SpooledStore::~SpooledStore() { Close().IgnoreError(); }

absl::Status SpooledStore::ReachMain() {
  const SystemClock waits_clock;
  const absl::Duration until = waits_clock.Elapsed() + options_.start_patience;
  while (true) {
    absl::Status reached = main_.TryToOpen();
    if (!absl::IsUnavailable(reached)) return reached;
    const absl::Duration left = until - waits_clock.Elapsed();
    if (left <= absl::ZeroDuration()) {
      log_sink_->Warning("store",
                         "the main store has not been reached: going on with the spool alone",
                         {{"error", reached}});
      return absl::OkStatus();
    }
    absl::SleepFor(std::min(left, kTriedAgainAtStart));
  }
}

absl::Status SpooledStore::StartMoving() {
  absl::StatusOr<std::shared_ptr<SubscriptionQueue>> queue =
      spool_->FindOrCreateQueue(kQueueName, SpecOfSpool());
  if (!queue.ok()) return queue.status();
  queue_ = *std::move(queue);
  account_.Found(queue_->Stats().backlog_events);
  mover_ = std::make_unique<Mover>(
      Mover::Parts{&main_, queue_, &circuit_, &account_, clock_, log_sink_},
      Mover::Options{options_.patience, options_.deduplication_window, options_.longest_pause});
  upkeep_ = std::make_unique<PeriodicThread>(options_.reopen_interval, [this] { Upkeep(); });
  return absl::OkStatus();
}

void SpooledStore::Upkeep() {
  if (main_.Get() == nullptr) {
    const absl::Status reached = main_.TryToOpen();
    if (reached.ok()) {
      log_sink_->Info("store", "the main store has been reached");
      mover_->Wake();
    } else if (!absl::IsUnavailable(reached)) {
      if (not_usable_.Occurred() > 0) {
        log_sink_->Error("store", "the main store was reached, but cannot be used",
                         {{"error", reached}});
      }
    } else if (not_reached_.Occurred() > 0) {
      log_sink_->Warning("store", "the main store has not been reached", {{"error", reached}});
    }
  }
  quarantine_.MoveAll([this] { return !closing_; });
}

absl::Status SpooledStore::Close() {
  if (std::exchange(closed_, true)) return absl::OkStatus();
  closing_ = true;
  if (mover_ != nullptr) mover_->Stop();
  // Answers what is under way there, so that nobody waits for it; what it fails, the spool takes.
  const bool was_open = main_.Get() != nullptr;
  absl::Status closed = main_.Close();
  if (upkeep_ != nullptr) upkeep_->Stop();
  if (!was_open) closed = main_.Close();  // opened meanwhile
  patience_.Stop();
  const absl::Status spool_closed = spool_->Close();
  return closed.ok() ? spool_closed : closed;
}

// ---------------------------------------------------------------------------------------- as it is

SpoolStats SpooledStore::Spool() const {
  const QueueStats queue = queue_->Stats();
  SpoolStats stats;
  stats.events = queue.backlog_events;
  stats.bytes = spool_->Stats().bytes;
  stats.damaged = queue.dead_letters;
  stats.oldest_age =
      queue.oldest_unsettled == 0 ? absl::ZeroDuration() : AgeOf(queue.oldest_unsettled);
  stats.spooled_total = account_.spooled();
  stats.moved_total = account_.moved();
  stats.conflicts_total = account_.conflicts();
  stats.main_open = main_.Get() != nullptr;
  stats.circuit_open = circuit_.open();
  return stats;
}

std::optional<absl::Duration> SpooledStore::AgeOf(Sequence sequence) const {
  struct Answer {
    absl::StatusOr<LogPage> page;
    SteadyNotification given;
  };
  const auto answer = std::make_shared<Answer>();
  spool_->log().Read(sequence - 1, {1, 1}, [answer](absl::StatusOr<LogPage> page) {
    answer->page = std::move(page);
    answer->given.Notify();
  });
  if (!answer->given.WaitFor(kAgePatience)) return std::nullopt;
  // Moved meanwhile, and removed.
  if (absl::IsOutOfRange(answer->page.status())) return absl::ZeroDuration();
  if (!answer->page.ok() || answer->page->events.empty()) return std::nullopt;
  return std::max(clock_->Now() - answer->page->events.front()->received_at, absl::ZeroDuration());
}

absl::Status SpooledStore::CheckRoom() const {
  Store* const main = main_.Get();
  if (main == nullptr) {
    if (absl::Status tried = main_.last_try(); !absl::IsUnavailable(tried)) return tried;
  }
  absl::Status room = spool_->CheckRoom();
  if (room.ok() && account_.held() >= options_.max_events) {
    room = absl::ResourceExhaustedError(
        absl::StrCat("the spool holds ", options_.max_events, " events, which is its limit"));
  }
  if (room.ok() || main == nullptr || circuit_.open()) return room;
  return main->CheckRoom().ok() ? absl::OkStatus() : room;
}

StoreStats SpooledStore::Stats() const {
  Store* const main = main_.Get();
  StoreStats stats = main == nullptr ? StoreStats() : main->Stats();
  if (stats.free_disk.has_value()) return stats;
  const StoreStats of_spool = spool_->Stats();
  stats.free_disk = of_spool.free_disk;
  stats.minimum_free_disk = of_spool.minimum_free_disk;
  return stats;
}

void SpooledStore::SetLimits(const StoreLimits& limits) {
  spool_->SetLimits(SpoolLimits(limits));
  main_.SetLimits(limits);
}

void SpooledStore::Together(absl::FunctionRef<void()> work) {
  Store* const main = main_.Get();
  if (main == nullptr) return spool_->Together(work);
  spool_->Together([main, work] { main->Together(work); });
}

// ------------------------------------------------------------------------------- of the main store

const std::string& SpooledStore::store_id() const {
  static const auto* const none = new std::string();
  Store* const main = main_.Get();
  return main == nullptr ? *none : main->store_id();
}

std::vector<StoreAncestor> SpooledStore::ancestors() const {
  Store* const main = main_.Get();
  return main == nullptr ? std::vector<StoreAncestor>() : main->ancestors();
}

v1::DurabilityClass SpooledStore::durability_class() const {
  Store* const main = main_.Get();
  return main == nullptr ? spool_->durability_class() : main->durability_class();
}

absl::StatusOr<std::unique_ptr<BackupCopy>> SpooledStore::MakeBackup(const BackupGoOn& go_on) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->MakeBackup(go_on);
}

std::vector<std::shared_ptr<SubscriptionQueue>> SpooledStore::ListQueues() const {
  Store* const main = main_.Get();
  if (main == nullptr) return {};
  return main->ListQueues();
}

absl::StatusOr<std::shared_ptr<SubscriptionQueue>> SpooledStore::FindQueue(
    const std::string& name) const {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->FindQueue(name);
}

absl::StatusOr<std::shared_ptr<SubscriptionQueue>> SpooledStore::FindOrCreateQueue(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->FindOrCreateQueue(name, spec);
}

absl::Status SpooledStore::Declare(const std::vector<Declaration>& declarations) {
  return main_.Declare(declarations);
}

absl::StatusOr<SubscriptionInfo> SpooledStore::CreateSubscription(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->CreateSubscription(name, spec);
}

absl::StatusOr<SubscriptionInfo> SpooledStore::GetSubscription(const std::string& name) const {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->GetSubscription(name);
}

std::vector<SubscriptionInfo> SpooledStore::ListSubscriptions() const {
  Store* const main = main_.Get();
  if (main == nullptr) return {};
  return main->ListSubscriptions();
}

absl::StatusOr<SubscriptionInfo> SpooledStore::UpdateSubscription(
    const std::string& name, const v1::SubscriptionSpec& spec) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->UpdateSubscription(name, spec);
}

absl::Status SpooledStore::DeleteSubscription(const std::string& name) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->DeleteSubscription(name);
}

absl::Status SpooledStore::Seek(const std::string& name, Sequence after) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->Seek(name, after);
}

absl::Status SpooledStore::SetPaused(const std::string& name, bool paused) {
  const auto main = main_.Find();
  if (!main.ok()) return main.status();
  return (*main)->SetPaused(name, paused);
}

void SpooledStore::AddSettledListener(SettledListener listener) {
  main_.AddSettledListener(std::move(listener));
}

void SpooledStore::FindProcessed(Sequence sequence,
                                 std::function<void(absl::StatusOr<bool>)> done) {
  const auto main = main_.Find();
  if (!main.ok()) return done(main.status());
  (*main)->FindProcessed(sequence, std::move(done));
}

void SpooledStore::FindProcessedBy(
    Sequence sequence, std::vector<std::string> subscriptions,
    std::function<void(absl::StatusOr<std::vector<std::string>>)> done) {
  const auto main = main_.Find();
  if (!main.ok()) return done(main.status());
  (*main)->FindProcessedBy(sequence, std::move(subscriptions), std::move(done));
}

bool SpooledStore::ExcludedByAll(const v1::ReleaseEvent& event) const {
  Store* const main = main_.Get();
  return main != nullptr && main->ExcludedByAll(event);
}

}  // namespace onhook
