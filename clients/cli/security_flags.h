#ifndef ONHOOK_CLIENTS_CLI_SECURITY_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_SECURITY_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/arguments.h"
#include "onhook/security.h"

namespace onhook::cli {

// The flags that say how a command makes sure that it speaks to its gateway, and proves who it is.
// Each but --allow-cleartext-token has an environment variable, which the flag overrules.
class SecurityFlags {
 public:
  // Takes the defaults from the environment: ONHOOK_CA, ONHOOK_CERT, ONHOOK_KEY, ONHOOK_TLS,
  // ONHOOK_SERVER_NAME, ONHOOK_TOKEN_FILE.
  SecurityFlags();

  // All of them, and that --cert and --key go together.
  void Declare(Arguments& arguments);

  const client::SecurityOptions& options() const { return options_; }

 private:
  absl::Status Check();

  client::SecurityOptions options_;
  std::string tls_in_environment_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SECURITY_FLAGS_H_
