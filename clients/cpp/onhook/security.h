#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SECURITY_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SECURITY_H_

#include <string>

namespace onhook::client {

// How a client makes sure that it speaks to its gateway, and proves who it is: by a certificate, by
// a token, or by both.
//
// All files are PEM but for the token's, and are read again whenever a call is made or a stream is
// opened. A certificate that changed is shown on a new connection; streams that are open live on
// where they are. What is no good (half of a new pair, garbage, nothing) leaves in use what was
// read before.
struct SecurityOptions {
  // Speak TLS, and trust the authorities of this system. Each of the next four asks for TLS too.
  bool tls = false;
  // Those who may have signed the gateway's certificate, instead of the system's authorities.
  std::string ca_file;
  // This client's own certificate, then those that signed it, but for the root; and its key,
  // without a passphrase. Both or none.
  std::string certificate_file;
  std::string key_file;
  // The name that the gateway's certificate must be for, where that is not the address's.
  std::string server_name;

  // Holds a bearer token, alone but for a line end. It is sent with every call.
  std::string token_file;
  // Send the token without TLS beyond this machine, where everybody on the way can read and use it.
  bool allow_cleartext_token = false;

  bool wants_tls() const {
    return tls || !ca_file.empty() || !certificate_file.empty() || !key_file.empty() ||
           !server_name.empty();
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SECURITY_H_
