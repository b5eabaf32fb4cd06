#ifndef ONHOOK_GATEWAY_ACCESS_TOKEN_FILES_H_
#define ONHOOK_GATEWAY_ACCESS_TOKEN_FILES_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/secret_file.h"
#include "gateway/config/settings.h"

namespace onhook {

// Whose token is whose, by the files that identities name.
//
// Promises: a look-up costs the same with one identity and with a thousand, and its time tells
// nothing of any token: what is looked up is a hash whose key only this process knows. A token that
// two identities have is nobody's, since it proves neither. What replaces and revokes a token, and
// how soon, is SecretFile's promise, which holds from one Look to the next.
// Threads: any. Blocking: Open and Look read files; OwnerOf never.
class TokenFiles {
 public:
  // `before`, which may be null, hands on the files that it has open: a token that moves from one
  // file to another while the list changes is good all the way. `clock` and `log` must outlive it.
  // Errors: kInvalidArgument, naming the identity: a file cannot be used, or its token is another
  // identity's too. kInternal: the system has no random numbers.
  static absl::StatusOr<std::unique_ptr<TokenFiles>> Open(
      const std::vector<Settings::Identity>& identities, const TokenFiles* before,
      const Clock* clock, const Log* log);

  // The place in the list of the identity that `token` is of.
  std::optional<size_t> OwnerOf(absl::string_view token) const;

  // Looks at files that were not looked at for a second. Whether OwnerOf answers otherwise now.
  bool Look();

 private:
  using Digest = std::array<unsigned char, 32>;
  static constexpr size_t kNobody = SIZE_MAX;
  using Owners = absl::flat_hash_map<Digest, size_t>;
  struct Holder {
    std::string name;
    std::vector<std::shared_ptr<const SecretFile>> files;
  };

  explicit TokenFiles(const Log* log) : log_(log) {}

  Digest DigestOf(absl::string_view token) const;
  // As the files are now. `shared`: the names of two identities that have one token; or stays.
  Owners Read(std::string& shared) const;

  const Log* const log_;
  Digest key_{};
  std::vector<Holder> holders_;                                     // as the list of identities
  std::map<std::string, std::shared_ptr<const SecretFile>> files_;  // by path
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Owners> owners_ ABSL_GUARDED_BY(mutex_);
  // A look that began before one that is over has nothing to say any more.
  uint64_t looks_begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t look_taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_TOKEN_FILES_H_
