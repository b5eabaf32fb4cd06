#include "clients/cli/server_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"

namespace onhook::cli {
namespace {

using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

// The first certificate of a file; null: there is none.
Certificate ReadCertificate(const std::string& file) {
  const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_file(file.c_str(), "r"), BIO_free_all);
  Certificate first(
      bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
      X509_free);
  ERR_clear_error();
  return first;
}

absl::Status NoCertificate(const std::string& file) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot read ", file, ", or it holds no certificate in PEM"));
}

}  // namespace

absl::Status CheckAuthorities(const std::string& file) {
  if (ReadCertificate(file) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--ca: ", NoCertificate(file).message()));
}

absl::StatusOr<absl::Time> CertificateExpiry(const std::string& file) {
  const Certificate certificate = ReadCertificate(file);
  std::tm parts{};
  if (certificate == nullptr ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) {
    return NoCertificate(file);
  }
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string WhyNotTrusted(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate, or one that signed it, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate, or one that signed it, is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another host: is the name in the address right?";
    case X509_V_ERR_INVALID_PURPOSE:
      return "its certificate is not for servers";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is signed by nobody who is trusted here: --ca FILE says who may be";
    default:
      return absl::StrCat("its certificate is no good: ",
                          X509_verify_cert_error_string(verify_result));
  }
}

std::string WhyNoHandshake(unsigned long error) {
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
    return "it does not speak TLS: is it http://?";
  }
  const char* const reason = ERR_reason_error_string(error);
  return absl::StrCat("no TLS connection comes about: ",
                      reason == nullptr ? "it was ended" : reason);
}

}  // namespace onhook::cli
