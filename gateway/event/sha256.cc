#include "gateway/event/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace onhook {
namespace {

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

// Looking SHA-256 up and allocating its context cost more than hashing a callback: both are done
// once, the one for the process, the other for the thread.
std::string Sha256(absl::string_view text) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  unsigned char hash[EVP_MAX_MD_SIZE];
  if (EVP_DigestInit_ex2(context.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), hash, nullptr) != 1) {
    // OpenSSL without SHA-256: no event can have an identity, now or later.
    std::abort();
  }
  return std::string(reinterpret_cast<const char*>(hash), kSha256Size);
}

}  // namespace onhook
