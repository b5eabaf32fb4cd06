#ifndef ONHOOK_TESTS_HOSTILE_NGINX_PROXY_H_
#define ONHOOK_TESTS_HOSTILE_NGINX_PROXY_H_

#include <string>

#include "absl/time/time.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// nginx in front of a server, as transparent as it can be made: it keeps connections to the server,
// passes bodies on as they come, and drops no odd header that it need not.
//
// Blocking: as ChildProcess. Errors: a program that does not run answers nobody.
class NginxProxy {
 public:
  static bool IsInstalled();

  // Forwards to 127.0.0.1:`server_port`.
  explicit NginxProxy(int server_port);
  ~NginxProxy();

  bool WaitUntilListening(absl::Duration timeout) const;
  int port() const { return port_; }
  std::string log() const { return process_.output(); }

 private:
  std::string WriteSettings(int server_port) const;

  const TemporaryDirectory directory_;
  const int reservation_;
  const int port_;
  ChildProcess process_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_NGINX_PROXY_H_
