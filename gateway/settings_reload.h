#ifndef ONHOOK_GATEWAY_SETTINGS_RELOAD_H_
#define ONHOOK_GATEWAY_SETTINGS_RELOAD_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/invocation.h"
#include "gateway/config/settings.h"

namespace onhook {

class AccessControl;
class AdminServer;
class CallbackHandler;
class DeliveryServer;
class HttpServer;
class ReceiptDesk;
class SecretPool;
class Store;

// What a running gateway does with settings that were read again.
//
// Promises: all or nothing. Whatever can fail is done before anything is changed; what is wrong is
// logged, each fault in a line, and everything stays as it is. What takes a restart stays as it is
// too, is named in the log, and is what the rest is held against: new settings that would be good
// only with another port do not come into use beside the one that is open. A callback, call or
// stream that is under way goes on with what it began with. A file that was cut off opens nothing:
// that there is no access list, no source or nothing at all any more takes a restart.
//
// onhook_config_last_reload_successful and onhook_config_last_reload_success_timestamp_seconds tell
// how the last reading ended, and when the last one was good; the start counts as one.
// onhook_config_restart_pending tells whether the last one that was good holds what takes a
// restart. Threads: one owner. Blocking: reads files of secrets.
class SettingsReload {
 public:
  // What is told anew. All of it is there.
  struct Parts {
    AccessControl* access = nullptr;
    AdminServer* admin = nullptr;
    Store* store = nullptr;
    ReceiptDesk* desk = nullptr;
    SecretPool* secrets = nullptr;
    CallbackHandler* handler = nullptr;
    DeliveryServer* delivery = nullptr;
    HttpServer* http = nullptr;
  };

  // All must outlive it. `log` is given its level.
  SettingsReload(Metrics* metrics, const Clock* clock, Log* log);

  // Takes `read`, the settings as they are now, or why there are none. `in_use` are then those that
  // are in use.
  void Take(const absl::StatusOr<Invocation>& read, const Parts& parts, Settings& in_use);

 private:
  absl::Status TakeSettings(const Invocation& read, const Parts& parts, Settings& in_use) const;
  void SetSuccessful(bool successful) const;

  const Clock* const clock_;
  Log* const log_;
  const Metrics::Gauge successful_;
  const Metrics::Gauge success_time_;
  const Metrics::Gauge restart_pending_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_SETTINGS_RELOAD_H_
