#ifndef ONHOOK_CLIENTS_CPP_TLS_PROBE_H_
#define ONHOOK_CLIENTS_CPP_TLS_PROBE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cpp/credential_files.h"
#include "clients/cpp/server_address.h"
#include "onhook/security.h"

namespace onhook::client {

// Finds out, in words, why no connection to `address` comes about, by making one of its own: gRPC
// hides what went wrong in a handshake. It says what gRPC would say in the same place, and nothing
// of consequence: no call, no token.
//
// OK: nothing is wrong, now at least. Blocking: up to `limit`, but for the look-up of a name.
// Errors: kUnavailable, with the fault in the message and one of these reasons:
//   NAME_NOT_RESOLVED            the address's host is unknown
//   NOBODY_LISTENS               refused, or there is no such socket
//   NO_ANSWER                    nothing came back in time
//   NOT_REACHED                  any other fault on the way
//   CLOSED                       it takes connections and closes them
//   NOT_GRPC                     something else listens there, the gateway's HTTP port perhaps
//   SERVER_SPEAKS_TLS            and this client was not told to
//   SERVER_SPEAKS_NO_TLS         and this client was told to
//   SERVER_AUTHORITY_UNKNOWN     who signed the server's certificate is not trusted here
//   SERVER_NAME_MISMATCH         the server's certificate is for other names
//   SERVER_CERTIFICATE_EXPIRED   expired, or not valid yet
//   SERVER_CERTIFICATE_UNFIT     anything else is wrong with it
//   CLIENT_CERTIFICATE_REQUIRED  the server wants one, and there is none to show
//   CLIENT_CERTIFICATE_REFUSED   the server does not take the one that was shown
//   HANDSHAKE_FAILED             the two found no common way of speaking TLS
absl::Status ProbeConnection(const ServerAddress& address, const SecurityOptions& security,
                             const TlsCredentials& credentials, absl::Duration limit);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_TLS_PROBE_H_
