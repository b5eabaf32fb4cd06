#include "gateway/gateway.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/access/access_control.h"
#include "gateway/admin/admin_server.h"
#include "gateway/base/descriptor_limit.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/config/listener_rules.h"
#include "gateway/config/setting_values.h"
#include "gateway/delivery/delivery_server.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/http/http_server.h"
#include "gateway/http/refusal_notes.h"
#include "gateway/ingress/callback_handler.h"
#include "gateway/ingress/open_source.h"
#include "gateway/ingress/vendor_reply.h"
#include "gateway/outside_faults.h"
#include "gateway/part_options.h"
#include "gateway/standing_warnings.h"
#include "gateway/store/store_damage.h"
#include "gateway/store_opening.h"
#include "gateway/tls/tls_files.h"

namespace onhook {
namespace {

// For calls that are no streams, once the streams have ended.
constexpr absl::Duration kCallGrace = absl::Seconds(1);
// For the last checkpoint: some megabytes.
constexpr absl::Duration kCheckpointTime = absl::Seconds(5);

// A recovery that takes longer than this is told of, and so often.
constexpr absl::Duration kRecoveryTold = absl::Seconds(2);

// How late grpc.health.v1 may say that the disk is full or a listener has died.
constexpr absl::Duration kHealthInterval = absl::Milliseconds(500);

// When the store no longer knows what is on its disk, or another is in its place: no answer is
// better than a wrong one.
void EndAtOnce(const Log& log, const absl::Status& error) {
  if (absl::IsFailedPrecondition(error)) {
    log.Error("store", "the store is another than was opened: ending at once", {{"error", error}});
    std::_Exit(kExitFailed);
  }
  const bool is_damage = IsStoreDamage(error);
  log.Error("store",
            is_damage ? "the store is damaged: ending at once; onhookd --verify says what is lost"
                      : "the disk cannot be relied upon: ending at once",
            {{"error", error}});
  std::_Exit(is_damage ? kExitBadStore : kExitDiskFailed);
}

absl::Status AboutPort(absl::string_view setting, const absl::Status& cause) {
  return AboutSetting(setting, WithPortAdvice(cause));
}

// The address of a setting, with the port that it came to.
std::string OpenAddress(const std::string& listen, int port) {
  absl::StatusOr<HostPort> address = ParseHostPort(listen);
  if (!address.ok()) return listen;
  address->port = port;
  return FormatHostPort(*address);
}

}  // namespace

Gateway::Gateway(Settings settings, const Clock* clock, Log* log)
    : settings_(std::move(settings)),
      clock_(clock),
      log_(log),
      reload_(&metrics_, clock, log),
      shown_(&metrics_, &readiness_, clock),
      secrets_(clock, log) {
  readiness_.Require("gateway", [this] { return PhaseStatus(); });
}

Gateway::~Gateway() {
  // Its error has been logged, and there is nobody left to hear of it.
  Stop().IgnoreError();
}

absl::Status Gateway::Start() {
  absl::Status started = Take("reads certificates and who may come", &Gateway::OpenAccess);
  if (started.ok()) started = Take("opens the admin port", &Gateway::StartAdmin);
  if (started.ok()) started = Take("recovers the store", &Gateway::OpenStore);
  if (started.ok()) started = Take("opens the sources", &Gateway::OpenSources);
  if (started.ok()) started = Take("opens the grpc port", &Gateway::StartDelivery);
  if (started.ok()) started = Take("opens the http port", &Gateway::StartHttp);
  if (!started.ok()) {
    phase_ = Phase::kStopping;
    StopParts().IgnoreError();
    return started;
  }
  phase_ = Phase::kRunning;
  TellHealth();
  health_ = std::make_unique<PeriodicThread>(kHealthInterval, [this] { TellHealth(); });
  LogWhatIsOpen();
  return absl::OkStatus();
}

absl::Status Gateway::Take(const char* step, absl::Status (Gateway::*take)()) {
  step_begun_seconds_ = absl::ToInt64Seconds(clock_->Elapsed());
  step_ = step;
  return (this->*take)();
}

absl::Status Gateway::OpenTls(const TlsOptions& options, const char* listener,
                              std::unique_ptr<TlsFiles>& files) {
  if (!options.enabled()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<TlsFiles>> opened =
      TlsFiles::Open(listener, options, &metrics_, clock_, log_);
  if (!opened.ok()) {
    return absl::Status(opened.status().code(),
                        absl::StrCat(listener, ".tls.", opened.status().message()));
  }
  files = *std::move(opened);
  return absl::OkStatus();
}

absl::Status Gateway::OpenAccess() {
  absl::Status opened = OpenTls(settings_.admin.tls, "admin", admin_tls_);
  if (opened.ok()) opened = OpenTls(settings_.grpc.tls, "grpc", grpc_tls_);
  if (opened.ok()) opened = OpenTls(settings_.http.tls, "http", http_tls_);
  if (!opened.ok()) return opened;
  absl::StatusOr<std::unique_ptr<AccessControl>> access =
      AccessControl::Open(settings_.access, grpc_tls_.get(), admin_tls_.get(), clock_, log_);
  if (!access.ok()) return AboutSetting("access", access.status());
  access_ = *std::move(access);
  return absl::OkStatus();
}

absl::Status Gateway::StartAdmin() {
  AdminServer::Probes probes;
  probes.started = [this] {
    const absl::Status status = PhaseStatus();
    const bool starting = phase_ == Phase::kStarting;
    return starting ? std::vector<std::string>{absl::StrCat("gateway: ", status.message())}
                    : std::vector<std::string>{};
  };
  probes.ready = [this] { return readiness_.Unmet(); };
  AdminServer::Surroundings surroundings;
  surroundings.access = access_.get();
  surroundings.tls = admin_tls_.get();
  surroundings.metrics = &metrics_;
  surroundings.clock = clock_;
  surroundings.log = log_;
  surroundings.on_listener_given_up = EndOf("admin");
  admin_ =
      std::make_unique<AdminServer>(settings_.admin, std::move(probes), std::move(surroundings));
  const absl::Status started = admin_->Start();
  if (!started.ok()) return AboutPort("admin.listen", started);
  LogListening("admin", settings_.admin.server.listen, admin_port());
  return absl::OkStatus();
}

absl::Status Gateway::OpenStore() {
  StoreSurroundings surroundings;
  surroundings.clock = clock_;
  surroundings.log = log_;
  surroundings.progress = &recovery_;
  surroundings.fatal = [log = log_](const absl::Status& error) { EndAtOnce(*log, error); };
  shown_.CountCommits(surroundings.commits);
  PeriodicThread telling(kRecoveryTold, [this] { LogRecovery(); });
  absl::StatusOr<OpenedStore> opened = onhook::OpenStore(settings_, surroundings);
  telling.Stop();
  recovery_.Begin("");
  if (!opened.ok()) return opened.status();
  store_ = std::move(opened->store);
  std::vector<Declaration> declarations;
  for (const Settings::Subscription& declared : settings_.subscriptions) {
    declarations.push_back({declared.name, declared.spec});
  }
  if (absl::Status declared = store_->Declare(declarations); !declared.ok()) {
    return AboutSetting("subscriptions", declared);
  }
  shown_.ShowStore(store_.get(), EngineName(settings_));
  if (opened->spool != nullptr) shown_.ShowSpool(opened->spool);

  desk_ = std::make_unique<ReceiptDesk>(clock_, store_.get(), ReceiptDeskOptionsOf(settings_));
  return absl::OkStatus();
}

void Gateway::LogRecovery() const {
  log_->Info("store", "recovering the store",
             {{"step", recovery_.Text()}, {"seconds", StepSeconds()}});
}

absl::Status Gateway::StartDelivery() {
  DeliveryServer::Surroundings surroundings;
  surroundings.store = store_.get();
  surroundings.desk = desk_.get();
  surroundings.judge = handler_.get();
  surroundings.access = access_.get();
  surroundings.tls = grpc_tls_.get();
  surroundings.metrics = &metrics_;
  surroundings.clock = clock_;
  surroundings.log = log_;
  surroundings.on_listener_given_up = EndOf("grpc");
  delivery_ =
      std::make_unique<DeliveryServer>(DeliveryOptionsOf(settings_), std::move(surroundings));
  const absl::StatusOr<int> port = delivery_->Start();
  if (!port.ok()) {
    // The socket's error names its setting itself.
    const bool of_port = !absl::StartsWith(port.status().message(), "grpc.");
    return of_port ? AboutPort("grpc.listen", port.status()) : port.status();
  }
  grpc_port_ = *port;
  shown_.ShowDelivery(delivery_.get());
  readiness_.Require("grpc", [this] {
    return delivery_->alive() ? absl::OkStatus() : absl::UnavailableError("accepts no connection");
  });
  return absl::OkStatus();
}

absl::Status Gateway::OpenSources() {
  absl::StatusOr<std::vector<CallbackSource>> sources = onhook::OpenSources(settings_, secrets_);
  if (!sources.ok()) return AboutSetting("sources", sources.status());
  handler_ = std::make_unique<CallbackHandler>(
      *std::move(sources), settings_.quarantine,
      CallbackHandler::Parts{clock_, log_, &metrics_, desk_.get(), &store_->quarantine()});
  return absl::OkStatus();
}

absl::Status Gateway::StartHttp() {
  HttpServer::Callbacks callbacks;
  callbacks.task = [this](const HttpRequest& request, HttpDone done) {
    handler_->Begin(request, std::move(done));
  };
  callbacks.together = [this](absl::FunctionRef<void()> work) { store_->Together(work); };
  callbacks.error_body = ReplyToRefusal;
  callbacks.on_refused = NoteRefusals("http", &metrics_, clock_, log_);
  callbacks.on_listener_given_up = EndOf("http");
  http_ = std::make_unique<HttpServer>(HttpOptionsOf(settings_), std::move(callbacks), clock_, log_,
                                       http_tls_.get());
  const absl::Status started = http_->Start();
  if (!started.ok()) return AboutPort("http.listen", started);
  shown_.ShowHttp(http_.get());
  readiness_.Require("store", [this] { return store_->CheckRoom(); });
  readiness_.Require("http", [this] {
    return http_->alive() ? absl::OkStatus() : absl::UnavailableError("accepts no connection");
  });
  return absl::OkStatus();
}

// What no try of its own brings back, a new process may.
std::function<void(const absl::Status&)> Gateway::EndOf(absl::string_view listener) const {
  return [log = log_, listener](const absl::Status& why) {
    log->Error("gateway", "no connection can come in any more: ending, to be started anew",
               {{"listener", listener}, {"error", why}});
    std::_Exit(kExitFailed);
  };
}

void Gateway::LogListening(absl::string_view listener, const std::string& listen, int port) const {
  log_->Info("gateway", "listening",
             {{"listener", listener}, {"address", OpenAddress(listen, port)}});
}

void Gateway::LogWhatIsOpen() const {
  LogListening("http", settings_.http.server.listen, http_port());
  LogListening("grpc", settings_.grpc.server.listen, grpc_port());
  if (const std::string& path = settings_.grpc.server.unix_socket; !path.empty()) {
    log_->Info("gateway", "listening",
               {{"listener", "grpc"}, {"address", absl::StrCat("unix:", path)}});
  }
  LogStandingWarnings(settings_, *log_);
}

void Gateway::Reload(const absl::StatusOr<Invocation>& read) {
  SettingsReload::Parts parts;
  parts.access = access_.get();
  parts.admin = admin_.get();
  parts.store = store_.get();
  parts.desk = desk_.get();
  parts.secrets = &secrets_;
  parts.handler = handler_.get();
  parts.delivery = delivery_.get();
  parts.http = http_.get();
  reload_.Take(read, parts, settings_);
}

absl::Status Gateway::Stop() {
  if (phase_ != Phase::kRunning) return absl::OkStatus();
  phase_ = Phase::kStopping;
  health_ = nullptr;
  TellHealth();
  log_->Info("gateway", "shutting down");
  // Who posts meanwhile is told to come by another connection, which no longer leads here.
  http_->CloseAfterAnswers();
  absl::SleepFor(settings_.shutdown.delay);
  const absl::Status stopped = StopParts();
  if (stopped.ok()) log_->Info("gateway", "stopped");
  return stopped;
}

absl::Status Gateway::StopParts() {
  const absl::Duration deadline = clock_->Elapsed() + settings_.shutdown.drain_deadline;
  const auto left = [&] { return std::max(deadline - clock_->Elapsed(), absl::ZeroDuration()); };
  // Before the streams: callbacks under way wait for these to take their events. At most half of
  // the time, so that a sender that stalls leaves subscribers some for their acks. A connection
  // that is kept open may bring one more callback; its time for that ends by itself, as it always
  // does.
  if (http_ != nullptr) {
    const absl::Duration grace = left() / 2;
    http_->Stop(grace, grace);
  }
  if (delivery_ != nullptr) {
    delivery_->Drain(left());
    delivery_->Stop(kCallGrace);
  }
  shown_.Hide();
  absl::Status closed;
  if (store_ != nullptr) closed = store_->Close();
  if (!closed.ok()) log_->Error("store", "cannot be closed in order", {{"error", closed}});
  if (admin_ != nullptr) admin_->Stop();
  return closed;
}

absl::Status Gateway::PhaseStatus() const {
  switch (phase_.load()) {
    case Phase::kStarting: {
      const std::string recovery = recovery_.Text();
      return absl::UnavailableError(absl::StrCat("starting: ", step_.load(),
                                                 recovery.empty() ? "" : ": ", recovery, ", for ",
                                                 StepSeconds(), " s"));
    }
    case Phase::kRunning:
      return absl::OkStatus();
    case Phase::kStopping:
      return absl::UnavailableError("shutting down");
  }
  return absl::InternalError("in no phase");
}

int64_t Gateway::StepSeconds() const {
  return absl::ToInt64Seconds(clock_->Elapsed()) - step_begun_seconds_;
}

void Gateway::TellHealth() {
  delivery_->SetServing("delivery", delivery_->alive());
  delivery_->SetServing("ingress", ReasonsNotReady().empty());
}

absl::Duration Gateway::LongestStop() const {
  return settings_.shutdown.delay + settings_.shutdown.drain_deadline + kCallGrace +
         kCheckpointTime;
}

int Gateway::http_port() const { return http_->port(); }
int Gateway::admin_port() const { return admin_->port(); }

}  // namespace onhook
