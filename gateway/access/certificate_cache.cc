#include "gateway/access/certificate_cache.h"

#include <openssl/sha.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

absl::StatusOr<std::shared_ptr<const ClientCertificate>> CertificateCache::Verify(
    absl::string_view leaf_pem, absl::string_view chain_pem, absl::string_view ca_pem,
    uint64_t version, absl::Time now) {
  // The length keeps what belongs to the one from being taken for the other's.
  const std::string whole = absl::StrCat(leaf_pem.size(), ":", leaf_pem, chain_pem);
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(whole.data()), whole.size(), digest.data());
  std::shared_ptr<const ClientCertificate> known = Find(digest, version);
  if (known != nullptr && now < known->not_after) return known;
  absl::StatusOr<ClientCertificate> verified =
      VerifyClientCertificate(leaf_pem, chain_pem, ca_pem, now);
  if (!verified.ok()) return verified.status();
  auto certificate = std::make_shared<const ClientCertificate>(*std::move(verified));
  Keep(digest, version, certificate);
  return certificate;
}

size_t CertificateCache::size() const {
  absl::MutexLock lock(&mutex_);
  return newer_.size() + older_.size();
}

std::shared_ptr<const ClientCertificate> CertificateCache::Find(const Digest& digest,
                                                                uint64_t version) {
  absl::MutexLock lock(&mutex_);
  if (version != version_) return nullptr;
  if (const auto found = newer_.find(digest); found != newer_.end()) return found->second;
  const auto found = older_.find(digest);
  if (found == older_.end()) return nullptr;
  std::shared_ptr<const ClientCertificate> certificate = found->second;
  Insert(digest, certificate);
  return certificate;
}

void CertificateCache::Keep(const Digest& digest, uint64_t version,
                            std::shared_ptr<const ClientCertificate> certificate) {
  absl::MutexLock lock(&mutex_);
  if (version < version_) return;
  if (version > version_) {
    newer_.clear();
    older_.clear();
    version_ = version;
  }
  Insert(digest, std::move(certificate));
}

void CertificateCache::Insert(const Digest& digest,
                              std::shared_ptr<const ClientCertificate> certificate) {
  if (newer_.size() >= kMostOfAGeneration) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  newer_[digest] = std::move(certificate);
}

}  // namespace onhook
