#include "gateway/delivery/delivery_server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gateway/delivery/call_refusals.h"
#include "gateway/delivery/rejected_callback_service.h"
#include "gateway/delivery/release_event_service.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/delivery/stream_registry.h"
#include "gateway/delivery/subscription_service.h"
#include "google/protobuf/stubs/logging.h"

namespace onhook {
namespace {

// A peer that died without a word is found after the sum of these, and its deliveries go elsewhere.
constexpr absl::Duration kKeepaliveTime = absl::Seconds(20);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
// Clients may ping this often; more often is taken for abuse.
constexpr absl::Duration kShortestPingInterval = absl::Seconds(10);
// Each takes 3 s at most, and whoever waits longer than 10 s has given up.
constexpr size_t kMostQuarantineChangesWaiting = 2;

std::shared_ptr<grpc::ServerCredentials> Credentials() { return grpc::InsecureServerCredentials(); }

void AddChannelArguments(const DeliveryOptions& options, grpc::ServerBuilder& builder) {
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  // Without this a second gateway on the same port would take a share of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(kKeepaliveTime));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             milliseconds(kShortestPingInterval));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams);
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
}

bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  return colon != absl::string_view::npos && colon > 0 && colon + 1 < address.size();
}

}  // namespace

class DeliveryServer::Parts {
 public:
  Parts(const DeliveryOptions& options, Surroundings given)
      : surroundings(std::move(given)),
        executor(static_cast<size_t>(options.max_streams)),
        quarantine_executor(kMostQuarantineChangesWaiting),
        registry(options, surroundings.clock),
        refusals(surroundings.metrics, surroundings.clock, surroundings.log),
        environment{options,
                    surroundings.store,
                    surroundings.desk,
                    surroundings.access,
                    surroundings.clock,
                    surroundings.log,
                    &registry,
                    &executor,
                    &refusals},
        service(&environment),
        subscription_service(&environment),
        rejected_callback_service(&environment, surroundings.judge, &quarantine_executor) {}

  const Surroundings surroundings;

  SerialExecutor executor;
  // Of changes that take many commits, for which no other administration is to wait.
  SerialExecutor quarantine_executor;
  StreamRegistry registry;
  CallRefusals refusals;
  const StreamEnvironment environment;
  ReleaseEventServiceImpl service;
  SubscriptionServiceImpl subscription_service;
  RejectedCallbackServiceImpl rejected_callback_service;
  std::unique_ptr<grpc::Server> server;

  absl::Mutex health_mutex;
  std::map<std::string, bool> serving ABSL_GUARDED_BY(health_mutex) = {{"delivery", false},
                                                                       {"ingress", false}};
};

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
  const DeliveryOptions& options = parts_->environment.options;
  if (!IsHostAndPort(options.listen)) {
    return absl::InvalidArgumentError(absl::StrCat(options.listen, " is not HOST:PORT"));
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  AddChannelArguments(options, builder);
  builder.AddListeningPort(options.listen, Credentials(), &port);
  builder.RegisterService(&parts_->service);
  builder.RegisterService(&parts_->subscription_service);
  builder.RegisterService(&parts_->rejected_callback_service);
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen for gRPC on ", options.listen,
                                               ": taken, or not an address "
                                               "of this machine"));
  }
  SetServing("delivery", true);
  return port;
}

void DeliveryServer::SetServing(const std::string& service, bool serving) {
  absl::MutexLock lock(&parts_->health_mutex);
  parts_->serving[service] = serving;
  if (parts_->server == nullptr) return;
  // The health service is a table of its own; calling it with the lock keeps the two in step.
  grpc::HealthCheckServiceInterface* const health = parts_->server->GetHealthCheckService();
  bool all = true;
  for (const auto& [name, is_serving] : parts_->serving) {
    health->SetServingStatus(name, is_serving);
    all = all && is_serving;
  }
  health->SetServingStatus("", all);
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
  if (parts_->server != nullptr) {
    parts_->server->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    parts_->server->Wait();
  }
  parts_->executor.Stop();
  parts_->quarantine_executor.Stop();
  parts_->registry.Stop();
}

}  // namespace onhook
