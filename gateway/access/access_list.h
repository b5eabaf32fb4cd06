#ifndef ONHOOK_GATEWAY_ACCESS_ACCESS_LIST_H_
#define ONHOOK_GATEWAY_ACCESS_ACCESS_LIST_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/access/permission.h"
#include "gateway/access/token_files.h"
#include "gateway/config/settings.h"
#include "gateway/tls/client_certificate.h"

namespace onhook {

// The identities of the settings, and by what each is known.
//
// Threads: any. Blocking: Open and Look read files; the others never.
class AccessList {
 public:
  using Identity = std::shared_ptr<const Settings::Identity>;

  // As TokenFiles::Open; `before` may be null.
  static absl::StatusOr<std::shared_ptr<AccessList>> Open(
      std::vector<Settings::Identity> identities, const AccessList* before, const Clock* clock,
      const Log* log);

  bool empty() const { return identities_.empty(); }
  bool IsGivenToAnybody(Permission permission) const;

  // Null: it is nobody's.
  Identity FindByToken(absl::string_view token) const;
  // The first of the list that one of the certificate's names is of. A name that holds a colon is a
  // URI, and compared with URIs alone; names of the DNS are compared without regard to case.
  Identity FindByCertificate(const ClientCertificate& certificate) const;
  // Whoever comes through the Unix-domain socket.
  Identity FindByUnixSocket() const;

  // As TokenFiles::Look.
  bool Look() { return tokens_->Look(); }

 private:
  using Places = absl::flat_hash_map<std::string, size_t>;

  AccessList() = default;

  std::vector<Identity> identities_;
  std::unique_ptr<TokenFiles> tokens_;
  Places uris_;
  Places dns_names_;
  Identity unix_socket_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_ACCESS_LIST_H_
