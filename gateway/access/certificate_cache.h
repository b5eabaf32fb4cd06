#ifndef ONHOOK_GATEWAY_ACCESS_CERTIFICATE_CACHE_H_
#define ONHOOK_GATEWAY_ACCESS_CERTIFICATE_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/tls/client_certificate.h"

namespace onhook {

// Certificates that were verified, so that a connection's calls do not each pay for it again.
//
// A TLS session that is resumed shows the certificate without those that signed it. What came with
// a certificate that verified is therefore kept in mind, as far as it is short, and used when the
// certificate comes alone: it proves nothing, but helps to find the way to an authority.
//
// Promises: an answer is what VerifyClientCertificate would say, but that one that became valid a
// moment ago, by a clock that was set back, may be taken. It holds two times kMostOfAGeneration
// certificates at most, whoever shows how many: those that were asked for of late stay.
// Threads: any. Blocking: never; what is not known costs what VerifyClientCertificate does.
class CertificateCache {
 public:
  static constexpr size_t kMostOfAGeneration = 1024;
  static constexpr size_t kLongestChainKept = 16384;
  static constexpr size_t kMostChainsOfAGeneration = 256;

  // `version`: of the authorities, greater for others; what earlier ones signed is forgotten.
  // Errors: as VerifyClientCertificate's, which are not kept.
  absl::StatusOr<std::shared_ptr<const ClientCertificate>> Verify(absl::string_view leaf_pem,
                                                                  absl::string_view chain_pem,
                                                                  absl::string_view ca_pem,
                                                                  uint64_t version, absl::Time now);

  size_t size() const;

 private:
  using Digest = std::array<unsigned char, 32>;
  using Known = absl::flat_hash_map<Digest, std::shared_ptr<const ClientCertificate>>;
  using Chains = absl::flat_hash_map<Digest, std::string>;

  // By the digest of the certificate alone; empty: none is known.
  std::string ChainOf(const Digest& leaf);
  void KeepChain(const Digest& leaf, absl::string_view chain_pem);

  std::shared_ptr<const ClientCertificate> Find(const Digest& digest, uint64_t version);
  void Keep(const Digest& digest, uint64_t version,
            std::shared_ptr<const ClientCertificate> certificate);
  void Insert(const Digest& digest, std::shared_ptr<const ClientCertificate> certificate)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  Known newer_ ABSL_GUARDED_BY(mutex_);
  Known older_ ABSL_GUARDED_BY(mutex_);
  // Likewise in two generations.
  Chains newer_chains_ ABSL_GUARDED_BY(mutex_);
  Chains older_chains_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_CERTIFICATE_CACHE_H_
