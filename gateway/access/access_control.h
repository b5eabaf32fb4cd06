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
#include "gateway/access/permission.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
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

// Somebody who was recognised, and what that identity may do. Cheap to copy; holds on to the
// settings of the moment at which it was made.
class Caller {
 public:
  // Everything is allowed: the access list is empty.
  static Caller Anybody();
  explicit Caller(std::shared_ptr<const Settings::Identity> identity, absl::Time valid_until);

  // The identity's name in the settings; "" for anybody.
  const std::string& name() const;

  // When what was shown stops being valid, whatever else happens.
  absl::Time valid_until() const { return valid_until_; }

  // OK, or kPermissionDenied with a message that names the identity, the permission and the
  // subscription: `identity "crm" lacks the permission subscribe for the subscription "billing"`.
  // `subscription` is the one that is asked about, for a permission of subscriptions. Without one
  // it asks whether there is any for which it is given.
  absl::Status Check(Permission permission,
                     std::optional<absl::string_view> subscription = std::nullopt) const;
  bool May(Permission permission,
           std::optional<absl::string_view> subscription = std::nullopt) const;

 private:
  std::shared_ptr<const Settings::Identity> identity_;  // null: anybody
  absl::Time valid_until_;
};

// The access list: who is who, and what each may do.
//
// Recognising. A token, if one is shown, decides alone, so that a wrong one is never covered up by
// something else. Otherwise a certificate does: the first identity of the list that one of its
// names is of. Otherwise the Unix-domain socket. With an empty list nobody needs to be recognised,
// but a certificate that is shown must still verify, and one must be shown if the port requires it.
//
// Promises: default deny. What changes (a token's file, an authority, the list itself) holds within
// two seconds for new calls, and generation() has moved, by which open streams know to ask again.
// Tokens are compared in a time that does not depend on their content.
// Threads: any; it has one of its own, which reads files. Blocking: never, but Open and Replace
// read the files.
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

  // Errors: kUnauthenticated; the message says what is missing, but not what would do.
  absl::StatusOr<Caller> Identify(Port port, const PeerCredentials& credentials) const;

  // Moves whenever Identify may answer otherwise than before, but for the passing of a Caller's
  // valid_until.
  uint64_t generation() const;

  // Whether nobody needs to be recognised: the list is empty.
  bool is_open() const;
  // Whether some identity has `permission`.
  bool IsGivenToAnybody(Permission permission) const;

  // Takes another list. Errors, with the old one still in use: as Open's.
  absl::Status Replace(std::vector<Settings::Identity> identities);

 private:
  class Parts;
  explicit AccessControl(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_ACCESS_CONTROL_H_
