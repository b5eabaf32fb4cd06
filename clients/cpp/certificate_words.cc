#include "clients/cpp/certificate_words.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhook::client {
namespace {

constexpr size_t kNamesShown = 8;

using BioPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

BioPointer Reader(absl::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

// Of a key that has a passphrase: there is nobody to ask.
int NoPassphrase(char*, int, int, void*) { return -1; }

std::string Written(const BioPointer& bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string AsWords(const GENERAL_NAME* name) {
  const BioPointer bio(BIO_new(BIO_s_mem()), &BIO_free);
  // Writes "IP Address:" where everybody writes "IP:".
  if (GENERAL_NAME_print(bio.get(), const_cast<GENERAL_NAME*>(name)) != 1) return "?";
  std::string words = Written(bio);
  constexpr absl::string_view kAddress = "IP Address:";
  if (words.compare(0, kAddress.size(), kAddress.data()) == 0) {
    words.replace(0, kAddress.size(), "IP:");
  }
  return words;
}

absl::Time AsTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

std::vector<X509Pointer> CertificatesOf(absl::string_view pem) {
  const BioPointer bio = Reader(pem);
  std::vector<X509Pointer> certificates;
  for (;;) {
    X509Pointer next(PEM_read_bio_X509(bio.get(), nullptr, &NoPassphrase, nullptr), &X509_free);
    if (next == nullptr) break;
    certificates.push_back(std::move(next));
  }
  // The end of the text is an error like others: that no further one begins.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) certificates.clear();
  return certificates;
}

KeyPointer KeyOf(absl::string_view pem) {
  const BioPointer bio = Reader(pem);
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr),
                 &EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

std::string NameWords(const X509_NAME* name) {
  const BioPointer bio(BIO_new(BIO_s_mem()), &BIO_free);
  // Of what is not ASCII, and of controls, escapes: it may come from a stranger.
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return Written(bio);
}

std::string SubjectWords(const X509* certificate) {
  return NameWords(X509_get_subject_name(certificate));
}

std::string IssuerWords(const X509* certificate) {
  return NameWords(X509_get_issuer_name(certificate));
}

std::string AlternativeNameWords(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  const size_t count = names == nullptr ? 0 : static_cast<size_t>(sk_GENERAL_NAME_num(names.get()));
  if (count == 0) return SubjectWords(certificate);
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(count, kNamesShown); ++i) {
    words.push_back(AsWords(sk_GENERAL_NAME_value(names.get(), static_cast<int>(i))));
  }
  if (count > kNamesShown) words.push_back(absl::StrCat("and ", count - kNamesShown, " more"));
  return absl::StrJoin(words, ", ");
}

absl::Time NotBefore(const X509* certificate) { return AsTime(X509_get0_notBefore(certificate)); }
absl::Time NotAfter(const X509* certificate) { return AsTime(X509_get0_notAfter(certificate)); }

std::string TimeWords(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace onhook::client
