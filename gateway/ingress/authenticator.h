#ifndef ONHOOK_GATEWAY_INGRESS_AUTHENTICATOR_H_
#define ONHOOK_GATEWAY_INGRESS_AUTHENTICATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "gateway/base/secret_file.h"
#include "gateway/config/settings.h"
#include "gateway/event/vendor_fields.h"
#include "gateway/http/http_message.h"
#include "gateway/ingress/secret_pool.h"
#include "gateway/store/event_log.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// Why a callback was not let in: for the log and the counters, never for its sender.
enum class Distrust {
  kNetwork,         // its address is in none of the source's networks
  kCredentials,     // no bearer token or password, or a wrong one
  kUnsigned,        // a field that belongs to a signature is missing, or is no such thing
  kUnsignableName,  // a field's name would make the signature ambiguous
  kSignature,       // the signature is of no key that is live
  kReplayWindow,    // its timestamp is too far from now, and no event of it is known
  kNonceReused,     // its nonce and timestamp came with another content
};

// "network", "credentials", ...: the label of a counter.
absl::string_view DistrustName(Distrust distrust);

// How a callback has proved where it comes from.
struct Proof {
  v1::Authentication authentication = v1::AUTHENTICATION_NONE;
  // What the store is to remember of it; of a verified signature only.
  absl::optional<NewEvent::Nonce> nonce;
  // Its timestamp lies outside the replay window: it is to count only as a repeat of what is
  // stored.
  bool stale = false;
  // What a source that enforces signatures would have said. Of UNVERIFIED; or kReplayWindow, of one
  // that did verify.
  absl::optional<Distrust> tolerated;
};

// Whether a signature that is too old, or too new, counts less for it. Ignored where what was kept
// is judged again; its nonce is not.
enum class ReplayWindow { kEnforced, kIgnored };

// Says whether a callback comes from whom its source expects.
//
// The first question is asked of the request, before its body is looked at; the second of its
// fields, since the vendor signs those. Either answers the sender the same whatever was wrong.
// Promises: secrets are compared in constant time, but for their length; each is good as long as
// SecretFile calls it live, so that none is refused while it moves from one file to another.
// Threads: any. Blocking: as SecretFile::Get.
class Authenticator {
 public:
  // Opens the secrets' files, or goes on with those that `pool` has. Errors: kInvalidArgument,
  // saying which setting and file, and why: a secret is too short (16 characters, a password 8), or
  // holds what can never be sent.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Open(const Settings::Source& source,
                                                             SecretPool& pool);

  // Whether `path` is the one that callbacks come in by, with a token that is live.
  bool IsAt(absl::string_view path) const;

  // Network and credentials. Nothing: it is let in so far.
  absl::optional<Distrust> CheckRequest(const HttpRequest& request) const;

  // The signature, and whether its time is within the replay window of `now`, either way. Either a
  // proof, or why there is none.
  //
  // Nothing may be accepted on a proof of fields that lack a mandatory one, since null and absent
  // sign alike: mapping refuses those as malformed, and had better do so first.
  absl::variant<Proof, Distrust> CheckFields(const VendorFields& fields, absl::Time now,
                                             ReplayWindow window = ReplayWindow::kEnforced) const;

 private:
  using Secrets = std::vector<std::shared_ptr<const SecretFile>>;

  explicit Authenticator(const Settings::Source& source) : source_(source) {}

  bool HasCredentials(const HttpRequest& request) const;
  absl::variant<Proof, Distrust> CheckSignature(const VendorFields& fields) const;

  const Settings::Source source_;
  std::shared_ptr<const SecretFile> path_token_;  // null: none is asked for
  Secrets keys_;
  Secrets bearer_tokens_;
  Secrets passwords_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_AUTHENTICATOR_H_
