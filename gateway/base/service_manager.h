#ifndef ONHOOK_GATEWAY_BASE_SERVICE_MANAGER_H_
#define ONHOOK_GATEWAY_BASE_SERVICE_MANAGER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"

namespace onhook {

// Whoever started the process and wants to know when it is ready: systemd with Type=notify, or
// anything else that speaks the protocol of sd_notify(3), which is one datagram for each piece of
// news. Spoken here rather than by libsystemd, since it is a page of code, and no library more in
// the image.
//
// Threads: any. Blocking: a second at most, if the manager does not take its datagrams.
// Errors: what cannot be told is logged; the manager then decides by its own time limits.
class ServiceManager {
 public:
  // `socket` is $NOTIFY_SOCKET: an absolute path, or '@' and an abstract name. Empty: nobody wants
  // to know, and nothing below does anything. `log` must outlive it.
  ServiceManager(std::string socket, const Log* log);
  // By the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. To be called before there are
  // threads that change the environment.
  static ServiceManager FromEnvironment(const Log* log);

  // Callbacks are being taken, with the settings as they are now.
  void Ready() const;
  // SIGHUP has been seen; Ready() follows.
  void Reloading() const;
  // The end has begun.
  void Stopping() const;

  // How often at least it wants KeepAlive(), or it takes the process for hung. Nothing: never.
  std::optional<absl::Duration> watchdog() const { return watchdog_; }
  void KeepAlive() const;

 private:
  void Tell(absl::string_view news) const;

  const std::string socket_;
  const Log* const log_;
  std::optional<absl::Duration> watchdog_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_SERVICE_MANAGER_H_
