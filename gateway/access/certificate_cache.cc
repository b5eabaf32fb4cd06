#include "gateway/access/certificate_cache.h"

#include <openssl/sha.h>

#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

namespace {

std::array<unsigned char, SHA256_DIGEST_LENGTH> DigestOf(absl::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ClientCertificate>> CertificateCache::Verify(
    absl::string_view leaf_pem, absl::string_view shown_chain_pem, absl::string_view ca_pem,
    uint64_t version, absl::Time now) {
  const Digest leaf = DigestOf(leaf_pem);
  const std::string known_chain = shown_chain_pem.empty() ? ChainOf(leaf) : std::string();
  const absl::string_view chain_pem = shown_chain_pem.empty() ? known_chain : shown_chain_pem;
  // The length keeps what belongs to the one from being taken for the other's.
  const Digest digest = DigestOf(absl::StrCat(leaf_pem.size(), ":", leaf_pem, chain_pem));
  std::shared_ptr<const ClientCertificate> known = Find(digest, version);
  if (known != nullptr && now < known->not_after) return known;
  absl::StatusOr<ClientCertificate> verified =
      VerifyClientCertificate(leaf_pem, chain_pem, ca_pem, now);
  if (!verified.ok()) return verified.status();
  auto certificate = std::make_shared<const ClientCertificate>(*std::move(verified));
  Keep(digest, version, certificate);
  KeepChain(leaf, shown_chain_pem);
  return certificate;
}

std::string CertificateCache::ChainOf(const Digest& leaf) {
  absl::MutexLock lock(&mutex_);
  for (const Chains* chains : {&newer_chains_, &older_chains_}) {
    if (const auto found = chains->find(leaf); found != chains->end()) return found->second;
  }
  return "";
}

void CertificateCache::KeepChain(const Digest& leaf, absl::string_view chain_pem) {
  if (chain_pem.empty() || chain_pem.size() > kLongestChainKept) return;
  absl::MutexLock lock(&mutex_);
  if (newer_chains_.size() >= kMostChainsOfAGeneration) {
    older_chains_ = std::move(newer_chains_);
    newer_chains_.clear();
  }
  newer_chains_[leaf] = std::string(chain_pem);
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
