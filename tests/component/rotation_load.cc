#include "tests/component/rotation_load.h"

#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

constexpr size_t kMostFailures = 100;

RawTlsClient::Options Trusting(const ClientMaterial& material) {
  RawTlsClient::Options options;
  options.ca_pem = material.ca_pem;
  return options;
}

}  // namespace

std::shared_ptr<grpc::Channel> TlsChannel(int port, const ClientMaterial& material) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = material.ca_pem;
  options.pem_cert_chain = material.certificate.certificate_pem;
  options.pem_private_key = material.certificate.key_pem;
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::SslCredentials(options),
                                   OwnConnection());
}

std::string FaultOfCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& token) {
  grpc::ClientContext context;
  LimitTime(context);
  ShowToken(context, token);
  v1::ListSubscriptionsResponse response;
  const grpc::Status status =
      v1::SubscriptionService::NewStub(channel)->ListSubscriptions(&context, {}, &response);
  if (!status.ok()) return absl::StrCat(status.error_code(), " ", status.error_message());
  return response.subscriptions().empty() ? "it lists nothing" : "";
}

RotationLoad::RotationLoad(const Ports& ports, ClientMaterial material, int threads)
    : ports_(ports), material_(std::move(material)), rounds_(static_cast<size_t>(threads)) {
  for (size_t i = 0; i < rounds_.size(); ++i) threads_.emplace_back([this, i] { GoRound(i); });
}

void RotationLoad::Use(const ClientMaterial& material) {
  absl::MutexLock lock(&mutex_);
  material_ = material;
}

void RotationLoad::Withdraw() {
  absl::MutexLock lock(&mutex_);
  withdrawn_ = true;
}

void RotationLoad::Return() {
  absl::MutexLock lock(&mutex_);
  withdrawn_ = false;
}

bool RotationLoad::withdrawn() const {
  absl::MutexLock lock(&mutex_);
  return withdrawn_;
}

bool RotationLoad::AwaitRounds(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const std::vector<int64_t> before = rounds_;
  const auto are_done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    for (size_t i = 0; i < before.size(); ++i) {
      // The first of them may have begun before.
      if (rounds_[i] < before[i] + 2) return false;
    }
    return true;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&are_done), timeout);
}

void RotationLoad::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<std::string> RotationLoad::accepted() const {
  absl::MutexLock lock(&mutex_);
  return accepted_;
}

std::vector<std::string> RotationLoad::failures() const {
  absl::MutexLock lock(&mutex_);
  return failures_;
}

void RotationLoad::GoRound(size_t number) {
  Kept kept;
  while (const std::optional<ClientMaterial> material = AwaitTurn(kept)) {
    PostOverKept(*material, kept);
    if (withdrawn()) continue;
    RawTlsClient client(ports_.http, Trusting(*material));
    bool ignored = false;
    Post("HTTPS, new connection", client, material->token, &ignored);
    if (withdrawn()) continue;
    Call(*material, kept);
    absl::MutexLock lock(&mutex_);
    ++rounds_[number];
  }
}

std::optional<ClientMaterial> RotationLoad::AwaitTurn(Kept& kept) {
  if (withdrawn()) kept = Kept();
  absl::MutexLock lock(&mutex_);
  const auto may_go_on = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !withdrawn_;
  };
  mutex_.Await(absl::Condition(&may_go_on));
  if (stopping_) return std::nullopt;
  return material_;
}

void RotationLoad::PostOverKept(const ClientMaterial& material, Kept& kept) {
  if (kept.https == nullptr) {
    kept.https = std::make_unique<RawTlsClient>(ports_.http, Trusting(material));
  }
  bool keeps_open = false;
  Post("HTTPS, kept connection", *kept.https, material.token, &keeps_open);
  if (!keeps_open) kept.https.reset();
}

void RotationLoad::Call(const ClientMaterial& material, Kept& kept) {
  if (kept.channel_certificate_pem != material.certificate.certificate_pem) {
    kept.channel = TlsChannel(ports_.grpc, material);
    kept.channel_certificate_pem = material.certificate.certificate_pem;
  }
  NoteFault("gRPC, kept connection", FaultOfCall(kept.channel, ""));
  NoteFault("gRPC, new connection with a certificate",
            FaultOfCall(TlsChannel(ports_.grpc, material), ""));
  NoteFault("gRPC, new connection with a token",
            FaultOfCall(TlsChannel(ports_.grpc, {material.ca_pem, {}, ""}), material.token));
}

void RotationLoad::Post(absl::string_view kind, RawTlsClient& client, const std::string& token,
                        bool* keeps_open) {
  std::string call;
  {
    absl::MutexLock lock(&mutex_);
    call = absl::StrCat(++calls_);
  }
  if (!client.secured()) {
    NoteFault(kind, absl::StrCat("no handshake. ", client.alert()));
    return;
  }
  const std::string body = absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"1"})");
  const RawAnswer answer =
      client
          .Send(absl::StrCat(
              "POST /release-events HTTP/1.1\r\nHost: gateway\r\nAuthorization: ", "Bearer ", token,
              "\r\nContent-Length: ", body.size(), "\r\n\r\n", body))
          .ReadAnswer();
  *keeps_open = answer.status == 200 &&
                !absl::StrContains(absl::AsciiStrToLower(answer.head), "\r\nconnection: close\r\n");
  if (answer.status == 200 && absl::StrContains(answer.body, R"("retCode":"0")")) {
    absl::MutexLock lock(&mutex_);
    accepted_.push_back(call);
  } else {
    NoteFault(kind, absl::StrCat(answer.status, " ", answer.body));
  }
}

void RotationLoad::NoteFault(absl::string_view kind, const std::string& fault) {
  if (fault.empty()) return;
  absl::MutexLock lock(&mutex_);
  if (failures_.size() < kMostFailures) failures_.push_back(absl::StrCat(kind, ": ", fault));
}

}  // namespace onhook
