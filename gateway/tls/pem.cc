#include "gateway/tls/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

absl::Status Fault(absl::string_view message) { return absl::InvalidArgumentError(message); }

OwnedBio Open(absl::string_view pem) {
  return OwnedBio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bool NothingFollows() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// OpenSSL takes a block whose first line is incomplete for a comment.
bool IsCutShort(absl::string_view pem) {
  const size_t last_end = pem.rfind("-----END ");
  if (last_end == absl::string_view::npos) return false;
  const absl::string_view rest = pem.substr(last_end);
  const size_t line_end = rest.find('\n');
  return line_end != absl::string_view::npos && absl::StrContains(rest.substr(line_end), "---");
}

// Notes that a passphrase was asked for, and gives none.
int RefusePassphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm fields{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<OwnedCertificateStack> ReadCertificates(absl::string_view pem) {
  ERR_clear_error();
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  OwnedCertificateStack certificates(sk_X509_new_null());
  const OwnedBio bio = Open(pem);
  while (true) {
    X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
    if (certificate == nullptr) break;
    if (sk_X509_push(certificates.get(), certificate) <= 0) X509_free(certificate);
  }
  if (!NothingFollows()) return Fault("holds a certificate that cannot be read");
  if (sk_X509_num(certificates.get()) == 0) return Fault("holds no certificate in PEM");
  if (IsCutShort(pem)) return Fault("ends in the middle of a certificate");
  return certificates;
}

absl::StatusOr<OwnedKey> ReadKey(absl::string_view pem) {
  ERR_clear_error();
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  bool asked = false;
  const OwnedBio bio = Open(pem);
  OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &RefusePassphrase, &asked));
  if (key != nullptr) return key;
  if (asked) return Fault("holds a key with a passphrase, which cannot be used");
  return Fault(absl::StrContains(pem, "PRIVATE KEY-----")
                   ? "holds a private key that cannot be read"
                   : "holds no private key in PEM");
}

absl::Time NotBefore(const X509* certificate) { return TimeOf(X509_get0_notBefore(certificate)); }

absl::Time NotAfter(const X509* certificate) { return TimeOf(X509_get0_notAfter(certificate)); }

absl::Status CheckValidity(const X509* certificate, absl::Time now) {
  if (now > NotAfter(certificate)) {
    return Fault(absl::StrCat("has expired, at ",
                              absl::FormatTime(NotAfter(certificate), absl::UTCTimeZone())));
  }
  if (now < NotBefore(certificate)) {
    return Fault(absl::StrCat("is not valid before ",
                              absl::FormatTime(NotBefore(certificate), absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

}  // namespace onhook
