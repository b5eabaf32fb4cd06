#ifndef ONHOOK_CLIENTS_CLI_ADMIN_PORT_H_
#define ONHOOK_CLIENTS_CLI_ADMIN_PORT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/security.h"

namespace onhook::cli {

// Asks a gateway's port for administration.
//
// Threads: one. Blocking: up to 3 s for each step of a connection, and 10 s for all of an answer.
class AdminPort {
 public:
  struct Answer {
    int http_status = 0;
    std::string body;
    std::string date;  // the header of that name
  };

  // `address`: HOST:PORT, or the same behind http:// or https://. Of `security` the files of
  // authorities, certificate and key are for https://; the token goes there, and to this machine.
  // kInvalidArgument: not such an address, or a file that cannot be read.
  static absl::StatusOr<std::unique_ptr<AdminPort>> Open(const std::string& address,
                                                         const client::SecurityOptions& security);
  ~AdminPort();

  // kUnavailable: no answer came, or one without end; the message says why.
  absl::StatusOr<Answer> Get(const std::string& path);

 private:
  struct Connection;

  explicit AdminPort(std::unique_ptr<Connection> connection);

  const std::unique_ptr<Connection> connection_;
};

// "Thu, 26 Nov 2026 13:26:36 GMT", as HTTP writes it. kInvalidArgument: not so.
absl::StatusOr<absl::Time> ParseHttpDate(absl::string_view text);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_ADMIN_PORT_H_
