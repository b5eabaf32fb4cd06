#include "gateway/event/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace onhook {
namespace {

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

// OpenSSL without SHA-256: no event can have an identity, now or later.
void Require(int result) {
  if (result != 1) std::abort();
}

}  // namespace

struct Sha256Sum::State {
  std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context{EVP_MD_CTX_new()};
};

Sha256Sum::Sha256Sum() : state_(std::make_unique<State>()) {
  Require(EVP_DigestInit_ex2(state_->context.get(), Algorithm(), nullptr));
}

Sha256Sum::Sha256Sum(const Sha256Sum& other) : state_(std::make_unique<State>()) {
  Require(EVP_MD_CTX_copy_ex(state_->context.get(), other.state_->context.get()));
}

Sha256Sum::~Sha256Sum() = default;

void Sha256Sum::Add(absl::string_view part) {
  Require(EVP_DigestUpdate(state_->context.get(), part.data(), part.size()));
}

std::string Sha256Sum::Finish() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  Require(EVP_DigestFinal_ex(state_->context.get(), hash, nullptr));
  return std::string(reinterpret_cast<const char*>(hash), kSha256Size);
}

// Looking SHA-256 up and allocating its context cost more than hashing a callback: both are done
// once, the one for the process, the other for the thread.
std::string Sha256(absl::string_view text) {
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  unsigned char hash[EVP_MAX_MD_SIZE];
  Require(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr));
  Require(EVP_DigestUpdate(context.get(), text.data(), text.size()));
  Require(EVP_DigestFinal_ex(context.get(), hash, nullptr));
  return std::string(reinterpret_cast<const char*>(hash), kSha256Size);
}

}  // namespace onhook
