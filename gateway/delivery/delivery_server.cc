#include "gateway/delivery/delivery_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/exchangeable.h"
#include "gateway/delivery/backup_service.h"
#include "gateway/delivery/call_gate.h"
#include "gateway/delivery/call_refusals.h"
#include "gateway/delivery/connection_intake.h"
#include "gateway/delivery/connection_ledger.h"
#include "gateway/delivery/grpc_log.h"
#include "gateway/delivery/rejected_callback_service.h"
#include "gateway/delivery/release_event_service.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/delivery/server_bounds.h"
#include "gateway/delivery/server_credentials.h"
#include "gateway/delivery/stream_registry.h"
#include "gateway/delivery/subscription_service.h"
#include "gateway/net/listening_socket.h"
#include "google/protobuf/stubs/logging.h"

namespace onhook {
namespace {

// Each takes 3 s at most, and whoever waits longer than 10 s has given up.
constexpr size_t kMostQuarantineChangesWaiting = 2;
// Of one backup: its next part, and its end.
constexpr size_t kMostBackupStepsWaiting = 4;

CallGate::Identify IdentifyBy(const AccessControl* access) {
  return [access](const PeerCredentials& shown) -> absl::StatusOr<Caller> {
    if (access == nullptr) return Caller::Anybody();
    return access->Identify(AccessControl::Port::kGrpc, shown);
  };
}

}  // namespace

class DeliveryServer::Parts {
 public:
  Parts(const DeliveryOptions& started, Surroundings given)
      : options(started),
        surroundings(std::move(given)),
        grpc_log(surroundings.metrics, surroundings.clock, surroundings.log),
        ledger(options, surroundings.metrics, surroundings.clock, surroundings.log),
        executor(static_cast<size_t>(options.max_streams)),
        quarantine_executor(kMostQuarantineChangesWaiting),
        backup_executor(kMostBackupStepsWaiting),
        registry(options, surroundings.clock),
        refusals(surroundings.metrics, surroundings.clock, surroundings.log),
        gate(options, IdentifyBy(surroundings.access), &refusals, surroundings.clock),
        intake(options, &ledger, surroundings.on_listener_given_up, surroundings.clock,
               surroundings.log),
        current(options),
        environment{&current,           surroundings.store,
                    surroundings.desk,  surroundings.access,
                    surroundings.clock, surroundings.log,
                    &registry,          &executor,
                    &refusals,          &ledger},
        service(&environment),
        subscription_service(&environment),
        rejected_callback_service(&environment, surroundings.judge, &quarantine_executor),
        backup_service(&environment, &backup_executor) {}

  const DeliveryOptions options;  // as it was started
  const Surroundings surroundings;
  const GrpcLog grpc_log;

  ConnectionLedger ledger;
  SerialExecutor executor;
  // Of changes that take many commits, for which no other administration is to wait.
  SerialExecutor quarantine_executor;
  SerialExecutor backup_executor;
  StreamRegistry registry;
  CallRefusals refusals;
  CallGate gate;
  ConnectionIntake intake;
  Exchangeable<DeliveryOptions> current;
  const StreamEnvironment environment;
  ReleaseEventServiceImpl service;
  SubscriptionServiceImpl subscription_service;
  RejectedCallbackServiceImpl rejected_callback_service;
  BackupServiceImpl backup_service;
  std::unique_ptr<grpc::Server> server;

  // Whoever watches health hears of changes only.
  void TellHealth() ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_mutex);

  absl::Mutex health_mutex;
  std::map<std::string, bool> serving ABSL_GUARDED_BY(health_mutex) = {{"delivery", false},
                                                                       {"ingress", false}};
  std::map<std::string, bool> told ABSL_GUARDED_BY(health_mutex);
};

void DeliveryServer::Parts::TellHealth() {
  if (server == nullptr) return;
  std::map<std::string, bool> now = serving;
  now[""] =
      std::all_of(serving.begin(), serving.end(), [](const auto& each) { return each.second; });
  // The health service is a table of its own; calling it with the lock keeps the two in step.
  grpc::HealthCheckServiceInterface* const health = server->GetHealthCheckService();
  for (const auto& [name, is_serving] : now) {
    const auto before = told.find(name);
    if (before != told.end() && before->second == is_serving) continue;
    health->SetServingStatus(name, is_serving);
  }
  told = std::move(now);
}

DeliveryServer::DeliveryServer(const DeliveryOptions& options, Surroundings surroundings)
    : parts_(std::make_shared<Parts>(options, std::move(surroundings))) {
  const std::weak_ptr<Parts> weak = parts_;
  parts_->surroundings.store->log().AddTailListener([weak](Sequence) {
    if (const std::shared_ptr<Parts> parts = weak.lock()) parts->registry.TailGrew();
  });
}

DeliveryServer::~DeliveryServer() { Stop(absl::ZeroDuration()); }

absl::StatusOr<int> DeliveryServer::Start() {
  // Protobuf would write a line to standard error for each message with bad bytes, from whomever it
  // comes. The call's status says the same.
  google::protobuf::SetLogHandler(nullptr);
  const DeliveryOptions& options = parts_->options;
  // The listener's form for a Unix-domain socket is not for this setting.
  if (absl::Status parsed = ParseListenAddress(options.listen).status(); !parsed.ok())
    return parsed;
  if (absl::Status started = parts_->ledger.Start(); !started.ok()) return started;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetBounds(options, builder);
  parts_->intake.AddTo(builder, MakeServerCredentials(parts_->surroundings.tls, &parts_->gate));
  builder.RegisterService(&parts_->service);
  builder.RegisterService(&parts_->subscription_service);
  builder.RegisterService(&parts_->rejected_callback_service);
  builder.RegisterService(&parts_->backup_service);
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr) return absl::UnavailableError("gRPC cannot be started");
  {
    // Before anybody can ask: gRPC itself begins with a yes.
    absl::MutexLock lock(&parts_->health_mutex);
    parts_->TellHealth();
  }
  if (absl::Status started = parts_->intake.Start(parts_->server.get()); !started.ok()) {
    Stop(absl::ZeroDuration());
    return started;
  }
  SetServing("delivery", true);
  return parts_->intake.port();
}

bool DeliveryServer::alive() const { return parts_->intake.alive(); }

size_t DeliveryServer::connections() const { return parts_->ledger.size(); }

size_t DeliveryServer::streams() const { return parts_->registry.size(); }

void DeliveryServer::SetServing(const std::string& service, bool serving) {
  absl::MutexLock lock(&parts_->health_mutex);
  parts_->serving[service] = serving;
  parts_->TellHealth();
}

void DeliveryServer::SetLimits(const DeliveryOptions& options) {
  DeliveryOptions limits = options;
  limits.max_stream_age = parts_->options.max_stream_age;
  limits.handover_time = parts_->options.handover_time;
  limits.drain_timeout = parts_->options.drain_timeout;
  parts_->ledger.SetLimits(limits);
  parts_->executor.SetMaxWaiting(static_cast<size_t>(limits.max_streams));
  parts_->registry.SetLimits(limits);
  parts_->gate.SetLimits(limits);
  parts_->subscription_service.SetLimits(limits);
  parts_->current.Set(limits);
}

void DeliveryServer::Drain(absl::Duration drain) {
  SetServing("delivery", false);
  parts_->rejected_callback_service.EndSoon();
  const size_t left = parts_->registry.Drain(drain);
  if (left > 0) {
    parts_->environment.log->Warning("delivery", "streams did not end in time",
                                     {{"streams", left}});
  }
}

void DeliveryServer::Stop(absl::Duration grace) {
  parts_->rejected_callback_service.EndSoon();
  parts_->intake.Stop();
  if (parts_->server != nullptr) {
    parts_->server->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    parts_->server->Wait();
  }
  parts_->ledger.Stop();
  parts_->executor.Stop();
  parts_->quarantine_executor.Stop();
  parts_->backup_executor.Stop();
  parts_->registry.Stop();
}

}  // namespace onhook
