#include "gateway/access/token_files.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/authorization.h"

namespace onhook {

absl::StatusOr<std::unique_ptr<TokenFiles>> TokenFiles::Open(
    const std::vector<Settings::Identity>& identities, const TokenFiles* before, const Clock* clock,
    const Log* log) {
  std::unique_ptr<TokenFiles> opened(new TokenFiles(log));
  if (RAND_bytes(opened->key_.data(), static_cast<int>(opened->key_.size())) != 1) {
    return absl::InternalError("the system has no random numbers");
  }
  for (const Settings::Identity& identity : identities) {
    Holder holder;
    holder.name = identity.name;
    for (const std::string& path : identity.token_files) {
      std::shared_ptr<const SecretFile>& file = opened->files_[path];
      if (before != nullptr && file == nullptr) {
        const auto known = before->files_.find(path);
        if (known != before->files_.end()) file = known->second;
      }
      if (file == nullptr) {
        absl::StatusOr<std::unique_ptr<SecretFile>> secret =
            SecretFile::Open(path, CheckBearerToken, clock, log);
        if (!secret.ok()) {
          return absl::InvalidArgumentError(
              absl::StrCat("identity \"", identity.name, "\": ", secret.status().message()));
        }
        file = *std::move(secret);
      }
      holder.files.push_back(file);
    }
    opened->holders_.push_back(std::move(holder));
  }
  std::string shared;
  auto owners = std::make_shared<const Owners>(opened->Read(shared));
  if (!shared.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the identities ", shared, " have the same token"));
  }
  absl::MutexLock lock(&opened->mutex_);
  opened->owners_ = std::move(owners);
  return opened;
}

std::optional<size_t> TokenFiles::OwnerOf(absl::string_view token) const {
  const Digest digest = DigestOf(token);
  std::shared_ptr<const Owners> owners;
  {
    absl::MutexLock lock(&mutex_);
    owners = owners_;
  }
  const auto owner = owners->find(digest);
  if (owner == owners->end() || owner->second == kNobody) return std::nullopt;
  return owner->second;
}

bool TokenFiles::Look() {
  uint64_t number = 0;
  {
    absl::MutexLock lock(&mutex_);
    number = ++looks_begun_;
  }
  std::string shared;
  auto owners = std::make_shared<const Owners>(Read(shared));
  {
    absl::MutexLock lock(&mutex_);
    if (number < look_taken_) return false;
    look_taken_ = number;
    if (*owners == *owners_) return false;
    owners_ = std::move(owners);
  }
  if (!shared.empty()) {
    log_->Warning("access", "a token that two identities have lets neither in",
                  {{"identities", shared}});
  }
  return true;
}

TokenFiles::Digest TokenFiles::DigestOf(absl::string_view token) const {
  Digest digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data(), &size);
  return digest;
}

TokenFiles::Owners TokenFiles::Read(std::string& shared) const {
  Owners owners;
  for (size_t i = 0; i < holders_.size(); ++i) {
    for (const std::shared_ptr<const SecretFile>& file : holders_[i].files) {
      for (const std::shared_ptr<const std::string>& token : file->Get()) {
        const auto [owner, is_first] = owners.emplace(DigestOf(*token), i);
        if (is_first || owner->second == i || owner->second == kNobody) continue;
        shared =
            absl::StrCat("\"", holders_[owner->second].name, "\" and \"", holders_[i].name, "\"");
        owner->second = kNobody;
      }
    }
  }
  return owners;
}

}  // namespace onhook
