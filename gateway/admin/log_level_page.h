#ifndef ONHOOK_GATEWAY_ADMIN_LOG_LEVEL_PAGE_H_
#define ONHOOK_GATEWAY_ADMIN_LOG_LEVEL_PAGE_H_

#include "gateway/admin/admin_gate.h"
#include "gateway/base/log.h"
#include "gateway/http/http_message.h"

namespace onhook {

// The log's level while the gateway runs, so that a fault can be looked at that a restart would
// hide:
//
//   GET  /log-level   "info"
//   PUT  /log-level   with debug, info, warning or error as its body; the answer is the new level
//
// It holds at once, and until a restart or another log.level in the settings. Who asked for it is
// logged. 400: another body; the level stays. 401, 403: AdminGate::CheckAdministrator; and 403 for
// what comes from a web page, since somebody's browser on this machine is not that somebody.
// Threads: any. Blocking: as the log does.
class LogLevelPage {
 public:
  // Both must outlive it.
  LogLevelPage(const AdminGate* gate, Log* log) : gate_(gate), log_(log) {}

  // Of a GET or a PUT.
  HttpResponse Answer(const HttpRequest& request) const;

 private:
  void Change(LogLevel level, absl::string_view by) const;

  const AdminGate* const gate_;
  Log* const log_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_LOG_LEVEL_PAGE_H_
