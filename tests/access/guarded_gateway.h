#ifndef ONHOOK_TESTS_ACCESS_GUARDED_GATEWAY_H_
#define ONHOOK_TESTS_ACCESS_GUARDED_GATEWAY_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gateway/access/access_control.h"
#include "gateway/base/metrics.h"
#include "gateway/delivery/delivery_server.h"
#include "gateway/forwarding/callback_judge.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/store/memory/memory_store.h"
#include "gateway/tls/tls_files.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {

// A gRPC port with identities, on the memory engine: over TLS or not, and over a Unix-domain
// socket.
//
// Deadlines and the validity of certificates follow a clock turned by hand, which begins now;
// handshakes follow the machine's. Threads: one.
class GuardedGateway {
 public:
  struct Options {
    Options() { delivery.tick_interval = absl::Milliseconds(2); }
    bool tls = false;
    TlsOptions::ClientCertificate client_certificate = TlsOptions::ClientCertificate::kRequired;
    DeliveryOptions delivery;
    std::vector<Settings::Identity> access;
  };

  GuardedGateway();
  ~GuardedGateway();

  // Identities, to be put into Options::access. `uri` of its certificate; or a token.
  static Settings::Identity ByCertificate(const std::string& name, const std::string& uri);
  Settings::Identity ByToken(const std::string& name, const std::string& token);
  // The same, and everything is allowed.
  static Settings::Identity WithEverything(Settings::Identity identity);

  void Start(Options options);
  void Stop();

  // Channels with connections of their own.
  std::shared_ptr<grpc::Channel> Plain() const;
  std::shared_ptr<grpc::Channel> UnixSocket() const;
  // With the gateway's authority; without a certificate of its own if that is empty.
  std::shared_ptr<grpc::Channel> Tls(const TestCertificate& certificate) const;

  // --- What there is to be stolen.
  void Append(const std::string& call);
  // Stores calls secret-1 (a dead letter of crm) and secret-2 (of which a consumer of that
  // subscription holds a delivery), the subscriptions crm, paused, old and secret-other, and a
  // rejected callback. Calls name the first three only.
  void Fill();
  // How Fill's things are called.
  std::string EventIdOf(const std::string& call) const;
  const std::string& held_delivery_id() const { return held_delivery_id_; }
  std::string dead_letter_id() const;
  std::string rejected_callback_id() const;
  // All of it that calls could change, as text.
  std::string State();

  const TestAuthority& authority() const { return authority_; }
  const TemporaryDirectory& directory() const { return directory_; }
  ManualClock& clock() { return clock_; }
  HeldStore& store() { return *store_; }
  ReceiptDesk& desk() { return *desk_; }
  DeliveryServer& server() { return *server_; }
  AccessControl& access() { return *access_; }
  const TlsFiles* tls() const { return tls_.get(); }
  std::string MetricsText() const { return metrics_.Text(); }
  std::string log() const;

 private:
  // The next delivery of a consumer that stays attached.
  std::string Pull(SubscriptionQueue& queue);
  v1::ReleaseEvent EventOf(const std::string& call) const;

  TemporaryDirectory directory_;
  TestAuthority authority_;
  ManualClock clock_{absl::Now()};
  mutable absl::Mutex log_mutex_;
  std::string log_text_ ABSL_GUARDED_BY(log_mutex_);
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, [this](absl::string_view line) {
             absl::MutexLock lock(&log_mutex_);
             log_text_.append(line.data(), line.size()).append("\n");
           }};
  Metrics metrics_;
  SystemClock store_clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<HeldStore> store_;
  std::unique_ptr<ReceiptDesk> desk_;
  std::unique_ptr<TlsFiles> tls_;
  std::unique_ptr<AccessControl> access_;
  const std::unique_ptr<CallbackJudge> judge_;
  std::unique_ptr<DeliveryServer> server_;
  int port_ = 0;
  std::string held_delivery_id_;
};

// Words of what Fill stores, none of which a stranger may ever read.
inline constexpr absl::string_view kSecretWords[] = {"secret-", "8888006", "canary"};

}  // namespace onhook

#endif  // ONHOOK_TESTS_ACCESS_GUARDED_GATEWAY_H_
