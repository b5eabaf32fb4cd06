#include "tests/access/guarded_gateway.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gateway/delivery/awaited.h"
#include "gateway/delivery/numbered_id.h"
#include "gateway/event/event_identity.h"
#include "tests/support/fake_backup.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

constexpr absl::string_view kCrm = "crm";

// Takes everything.
class MildJudge final : public CallbackJudge {
 public:
  absl::StatusOr<Judgement> Judge(const RejectedCallback&) override {
    return Judgement{"v1-judged", {}, ""};
  }
};

}  // namespace

GuardedGateway::GuardedGateway() : judge_(std::make_unique<MildJudge>()) {
  store_ = std::make_unique<HeldStore>(
      *OpenMemoryStore(disk_, &store_clock_, &log_, EmbeddedStoreOptions()));
  desk_ = std::make_unique<ReceiptDesk>(&clock_, store_.get(), ReceiptDeskOptions());
}

GuardedGateway::~GuardedGateway() {
  Stop();
  EXPECT_TRUE(store_->Close().ok());
}

Settings::Identity GuardedGateway::ByCertificate(const std::string& name, const std::string& uri) {
  Settings::Identity identity;
  identity.name = name;
  identity.certificate = uri;
  return identity;
}

Settings::Identity GuardedGateway::ByToken(const std::string& name, const std::string& token) {
  Settings::Identity identity;
  identity.name = name;
  identity.token_files = {directory_.Write(absl::StrCat(name, ".token"), token)};
  return identity;
}

Settings::Identity GuardedGateway::WithEverything(Settings::Identity identity) {
  identity.subscribe = identity.create = identity.administer = {"*"};
  identity.watch = identity.read_events = identity.rejected_callbacks = true;
  identity.see_numbers = true;
  return identity;
}

void GuardedGateway::Start(Options options) {
  if (options.tls) {
    const TestCertificateFiles files = Write(directory_, "gateway", authority_.ServerCertificate());
    TlsOptions tls;
    tls.certificate_file = files.certificate_file;
    tls.key_file = files.key_file;
    tls.client_ca_file = directory_.Write("clients.crt", authority_.certificate_pem());
    tls.client_certificate = options.client_certificate;
    tls_ = TlsFiles::Open("grpc", tls, &metrics_, &clock_, &log_).value();
  }
  access_ =
      AccessControl::Open(std::move(options.access), tls_.get(), nullptr, &clock_, &log_).value();
  options.delivery.listen = "127.0.0.1:0";
  options.delivery.unix_socket = directory_.path() + "/grpc.sock";
  DeliveryServer::Surroundings surroundings;
  surroundings.store = store_.get();
  surroundings.desk = desk_.get();
  surroundings.judge = judge_.get();
  surroundings.access = access_.get();
  surroundings.tls = tls_.get();
  surroundings.metrics = &metrics_;
  surroundings.clock = &clock_;
  surroundings.log = &log_;
  server_ = std::make_unique<DeliveryServer>(options.delivery, std::move(surroundings));
  port_ = server_->Start().value();
}

void GuardedGateway::Stop() {
  if (server_ != nullptr) server_->Stop(absl::ZeroDuration());
  server_.reset();
  access_.reset();
  tls_.reset();
}

std::shared_ptr<grpc::Channel> GuardedGateway::Plain() const {
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                   grpc::InsecureChannelCredentials(), OwnConnection());
}

std::shared_ptr<grpc::Channel> GuardedGateway::UnixSocket() const {
  return grpc::CreateCustomChannel(absl::StrCat("unix:", directory_.path(), "/grpc.sock"),
                                   grpc::InsecureChannelCredentials(), OwnConnection());
}

std::shared_ptr<grpc::Channel> GuardedGateway::Tls(const TestCertificate& certificate) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.certificate_pem();
  options.pem_cert_chain = certificate.certificate_pem;
  options.pem_private_key = certificate.key_pem;
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_), grpc::SslCredentials(options),
                                   OwnConnection());
}

std::string GuardedGateway::EventIdOf(const std::string& call) const {
  return EventId(EventDigest("default", {}), call);
}

v1::ReleaseEvent GuardedGateway::EventOf(const std::string& call) const {
  v1::ReleaseEvent event;
  event.set_call_serial_no(call);
  event.set_source("default");
  event.set_event_id(EventIdOf(call));
  event.set_called("88880067");
  event.set_caller("88880068");
  event.set_call_data("canary of call data");
  event.set_recordfile("/canary/recording.wav");
  (*event.mutable_extra())["mood"] = "canary of extra";
  return event;
}

void GuardedGateway::Append(const std::string& call) {
  absl::Notification done;
  store_->log().Append({call, "default", EventDigest("default", {}), clock_.Now(),
                        EventOf(call).SerializeAsString()},
                       [&](const absl::StatusOr<AppendResult>& result) {
                         EXPECT_TRUE(result.ok());
                         done.Notify();
                       });
  done.WaitForNotification();
}

std::string GuardedGateway::Pull(SubscriptionQueue& queue) {
  absl::Notification ready;
  ConsumerOptions options;
  options.limits.max_outstanding_events = 1;
  ConsumerCallbacks callbacks;
  callbacks.ready = [] {};
  callbacks.deleted = [] {};
  const ConsumerId consumer = queue.Attach(options, std::move(callbacks));
  const PullResult pulled = queue.Pull(consumer, {1, 1 << 20});
  EXPECT_EQ(pulled.leases.size(), 1u);
  return pulled.leases.empty() ? "" : pulled.leases.front().delivery_id;
}

void GuardedGateway::Fill() {
  store_->SetBackup([](const BackupGoOn&) -> absl::StatusOr<std::unique_ptr<BackupCopy>> {
    return std::make_unique<FakeBackup>("secret-1, secret-2, 88880067, canary");
  });
  const auto queue = store_->FindOrCreateQueue(std::string(kCrm), {}).value();
  ASSERT_TRUE(store_->CreateSubscription("paused", {}).ok());
  ASSERT_TRUE(store_->SetPaused("paused", true).ok());
  ASSERT_TRUE(store_->CreateSubscription("old", {}).ok());
  ASSERT_TRUE(store_->CreateSubscription("secret-other", {}).ok());
  Append("secret-1");
  SettleRequest park;
  park.action = SettleRequest::Action::kPark;
  park.delivery_ids = {Pull(*queue)};
  absl::Notification parked;
  queue->Settle(park, [&](const auto& exceptions) {
    EXPECT_TRUE(exceptions.empty());
    parked.Notify();
  });
  parked.WaitForNotification();
  Append("secret-2");
  held_delivery_id_ = Pull(*queue);
  NewRejectedCallback callback;
  callback.source = "default";
  callback.received_at = clock_.Now();
  callback.raw_body = "canary of a body";
  absl::Notification kept;
  store_->quarantine().Keep(callback, [&](const absl::StatusOr<int64_t>& id) {
    EXPECT_TRUE(id.ok());
    kept.Notify();
  });
  kept.WaitForNotification();
}

std::string GuardedGateway::dead_letter_id() const {
  return FormatNumberedId(kDeadLetterKind, store_->store_id(), 1);
}

std::string GuardedGateway::rejected_callback_id() const {
  return FormatNumberedId(kRejectedCallbackKind, store_->store_id(), 1);
}

std::string GuardedGateway::State() {
  std::string state = absl::StrCat("events ", store_->log().last(), "\n");
  for (const SubscriptionInfo& info : store_->ListSubscriptions()) {
    const QueueStats stats = (*store_->FindQueue(info.name))->Stats();
    absl::StrAppend(&state, info.name, " {", info.spec.ShortDebugString(), "} paused ", info.paused,
                    " consumers ", stats.connected_consumers, " owes ", stats.backlog_events,
                    " with consumers ", stats.outstanding_events, " dead letters ",
                    stats.dead_letters, " settled ", stats.settled, " floor ", stats.floor, "\n");
  }
  const auto rejected = Awaited<std::vector<RejectedCallback>>(
      [&](Quarantine::Done<std::vector<RejectedCallback>> done) {
        store_->quarantine().List({}, std::move(done));
      });
  for (const RejectedCallback& callback : *rejected) {
    absl::StrAppend(&state, "rejected ", callback.id, "\n");
  }
  return state;
}

std::string GuardedGateway::log() const {
  absl::MutexLock lock(&log_mutex_);
  return log_text_;
}

}  // namespace onhook
