#ifndef ONHOOK_GATEWAY_ACCESS_ACCESS_CONTROL_H_
#define ONHOOK_GATEWAY_ACCESS_ACCESS_CONTROL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/access/caller.h"
#include "gateway/access/permission.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_check.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// What a peer has shown of itself.
struct PeerCredentials {
  bool over_unix_socket = false;
  // Verified by the handshake, whenever that was. Empty: none was shown.
  std::string certificate_pem;
  std::string chain_pem;
  // The header "authorization" without its "Bearer "; present but empty if it was of another form.
  std::optional<std::string> bearer_token;
};

// The access list: who is who, and what each may do.
//
// Recognising. A token, if one is shown, decides alone, so that a wrong one is never covered up by
// something else. Otherwise a certificate does: the first identity of the list that one of its
// names is of. Otherwise the Unix-domain socket. With an empty list nobody needs to be recognised.
// Whoever it is: a certificate that decides must verify by the authorities of now, and where the
// port requires one, one must be shown that does, beside a token too.
//
// Promises: default deny. What changes (a token's file, an authority, the list itself) holds within
// two seconds for new calls, and generation() has moved, by which open streams know to ask again;
// but a token that was replaced in its file is good as long as SecretFile says, 4 seconds at most.
// Tokens are compared in a time that does not depend on their content.
// Threads: any; it has one of its own, which reads files each second. Blocking: never, but Open,
// Replace and Look read the files.
class AccessControl {
 public:
  // `grpc_tls` and `admin_tls`, whose client authorities verify certificates, may be null: the port
  // has no TLS. The pointers must outlive it. Errors: kInvalidArgument, naming the identity and the
  // file: a token's cannot be used.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Open(
      std::vector<Settings::Identity> identities, const TlsFiles* grpc_tls,
      const TlsFiles* admin_tls, const Clock* clock, const Log* log);
  ~AccessControl();

  enum class Port { kGrpc, kAdmin };

  // Errors: kUnauthenticated; the message says what is missing or wrong, but not what would do, and
  // repeats nothing of what was shown.
  absl::StatusOr<Caller> Identify(Port port, const PeerCredentials& credentials) const;

  // Whether the certificate that the port requires verifies still, whoever it names; a connection
  // may be older than its authority's end. OK if the port requires none. Errors: kUnauthenticated.
  absl::Status CheckCertificate(Port port, const PeerCredentials& credentials) const;

  // Moves whenever Identify may answer otherwise than before, but for the passing of a Caller's
  // valid_until. To be read before Identify is asked: then no change goes unnoticed.
  uint64_t generation() const;

  // Whether nobody needs to be recognised: the list is empty.
  bool is_open() const;
  // Whether some identity has `permission`.
  bool IsGivenToAnybody(Permission permission) const;

  // Takes another list. Errors, with the old one still in use: as Open's.
  absl::Status Replace(std::vector<Settings::Identity> identities);

  // What its own thread does each second: looks whether a file or an authority has changed.
  void Look();

 private:
  class Parts;
  explicit AccessControl(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// What is wrong with the files that identities name, each of them; and, if nothing is, a token that
// two of them have. Changes nothing. Blocking: reads the files.
std::vector<SettingFault> FindTokenFaults(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_ACCESS_CONTROL_H_
