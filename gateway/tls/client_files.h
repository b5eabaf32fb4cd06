#ifndef ONHOOK_GATEWAY_TLS_CLIENT_FILES_H_
#define ONHOOK_GATEWAY_TLS_CLIENT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace onhook {

// The files that a client of TLS needs: whom it believes, and its own certificate with the key.
// PEM; each may be empty, but the last two together only.
struct TlsClientFiles {
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};

// What is wrong with them now, each fault of each file; the message begins with the member that
// names it: "key_file: /etc/tls/key holds no private key in PEM". Nothing of a key is repeated.
// Changes nothing. Threads: any. Blocking: reads the files.
std::vector<absl::Status> FindTlsClientFaults(const TlsClientFiles& files, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_CLIENT_FILES_H_
