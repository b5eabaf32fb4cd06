#ifndef ONHOOK_GATEWAY_GATEWAY_H_
#define ONHOOK_GATEWAY_GATEWAY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/admin/readiness.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/invocation.h"
#include "gateway/config/settings.h"
#include "gateway/gateway_metrics.h"
#include "gateway/ingress/secret_pool.h"
#include "gateway/settings_reload.h"
#include "gateway/store/recovery_progress.h"

namespace onhook {

class AccessControl;
class AdminServer;
class CallbackHandler;
class DeliveryServer;
class HttpServer;
class PeriodicThread;
class ReceiptDesk;
class Store;
class TlsFiles;

// The whole gateway: its parts, put together in the order of their layers and taken apart in
// reverse.
//
// The probes' port is an exception to the order: it is opened first and closed last, since it has
// to tell of the others' coming and going. Only who may ask it what is read before.
//
// Promises: callbacks are taken only while everything they need is there. A callback that is under
// way when the gateway stops is answered, and its subscriber still has the streams to take it from.
// Threads: one owner for all methods. Blocking: Start, as long as the store's recovery takes; Stop,
// for LongestStop() at most. Errors: as said there. When the store no longer knows what is on its
// disk, the process is ended at once, with kExitDiskFailed, or kExitBadStore if what is on it is
// damaged: no answer is better than a wrong one.
class Gateway {
 public:
  // `clock` and `log` must outlive the gateway.
  Gateway(Settings settings, const Clock* clock, Log* log);
  // Stops it.
  ~Gateway();

  // Opens the store and the ports, and logs each address. To be called once. An error leaves
  // nothing open; its message begins with the setting that it depends on.
  absl::Status Start();

  // Takes what a running gateway takes of `read`, the settings as they are now: all of that, or
  // nothing, as SettingsReload says. After Start() only. Blocking: reads files of secrets.
  void Reload(const absl::StatusOr<Invocation>& read);

  // Ends in order: not ready any more; after shutdown.delay no callbacks any more; those under way
  // are answered; the streams are told to go, and may settle what they hold until
  // shutdown.drain_deadline; what is stored is brought into one file. An error is the store's, and
  // nothing that was acknowledged depends on it. A second call does nothing.
  absl::Status Stop();

  // Whether callbacks should be sent here, as /readyz says it: empty, or the reasons against it. It
  // asks every part, so it does not return while one of them hangs. Threads: any, while there is a
  // gateway.
  std::vector<std::string> ReasonsNotReady() const { return readiness_.Unmet(); }

  // Stop() takes longer only if something hangs.
  absl::Duration LongestStop() const;

  // The open ports, after Start().
  int http_port() const;
  int grpc_port() const { return grpc_port_; }
  int admin_port() const;

 private:
  enum class Phase { kStarting, kRunning, kStopping };

  // A step of Start(), named as /startupz does while it lasts.
  absl::Status Take(const char* step, absl::Status (Gateway::*take)());

  // Reads the certificates of all ports, and who may come.
  absl::Status OpenAccess();
  absl::Status OpenTls(const TlsOptions& options, const char* listener,
                       std::unique_ptr<TlsFiles>& files);
  absl::Status StartAdmin();
  absl::Status OpenStore();
  // Says so in the log, since that may take long.
  void LogRecovery() const;
  absl::Status OpenSources();
  absl::Status StartDelivery();
  absl::Status StartHttp();
  // Ends the process, when a listener cannot be brought back.
  std::function<void(const absl::Status&)> EndOf(absl::string_view listener) const;
  void LogListening(absl::string_view listener, const std::string& listen, int port) const;
  void LogWhatIsOpen() const;
  absl::Status StopParts();

  absl::Status PhaseStatus() const;
  // How long the step of Start() under way has lasted.
  int64_t StepSeconds() const;
  // Lets grpc.health.v1 say what is so now.
  void TellHealth();

  Settings settings_;  // as they are in use; of the owner's thread
  const Clock* const clock_;
  Log* const log_;
  std::atomic<Phase> phase_{Phase::kStarting};
  // Of the start, for those who ask how far it is.
  std::atomic<const char*> step_{"begins"};
  std::atomic<int64_t> step_begun_seconds_{0};  // of the clock's Elapsed()
  RecoveryProgress recovery_;
  int grpc_port_ = 0;

  // In the order of the layers.
  Metrics metrics_;
  SettingsReload reload_;
  Readiness readiness_;
  GatewayMetrics shown_;
  // Null: that port has no TLS.
  std::unique_ptr<TlsFiles> http_tls_;
  std::unique_ptr<TlsFiles> grpc_tls_;
  std::unique_ptr<TlsFiles> admin_tls_;
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReceiptDesk> desk_;
  SecretPool secrets_;
  std::unique_ptr<CallbackHandler> handler_;
  std::unique_ptr<DeliveryServer> delivery_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<PeriodicThread> health_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_GATEWAY_H_
