#include "tests/support/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/tls/openssl_objects.h"

namespace onhook {
namespace {

// A test without its certificates has nothing to say.
void Must(bool succeeded, const char* what) {
  if (succeeded) return;
  std::fprintf(stderr, "test_certificates: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

std::shared_ptr<EVP_PKEY> NewKey(int rsa_bits = 0) {
  std::shared_ptr<EVP_PKEY> key(
      rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<size_t>(rsa_bits)),
      EVP_PKEY_free);
  Must(key != nullptr, "making a key");
  return key;
}

std::string Content(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  const OwnedBio memory(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509(memory.get(), certificate) == 1, "writing a certificate");
  return Content(memory.get());
}

std::string KeyPem(EVP_PKEY* key) {
  const OwnedBio memory(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "writing a key");
  return Content(memory.get());
}

void AddExtension(X509* certificate, X509* issuer, int name, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const OpensslOwner<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, name, value.c_str()));
  Must(extension != nullptr, value.c_str());
  Must(X509_add_ext(certificate, extension.get(), -1) == 1, "adding an extension");
}

// A certificate of version 3 that says who, for whose key and when, but not yet by whom.
std::shared_ptr<X509> NewCertificate(const std::string& common_name, EVP_PKEY* key,
                                     absl::Time not_before, absl::Time not_after) {
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  uint64_t serial_number = 0;
  Must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial_number), sizeof(serial_number)) == 1,
       "a random number");
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const auto* const name = reinterpret_cast<const unsigned char*>(common_name.c_str());
  Must(X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial_number) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(not_before)) !=
               nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(not_after)) !=
               nullptr &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name, -1, -1, 0) ==
               1 &&
           X509_set_pubkey(certificate.get(), key) == 1,
       "filling in a certificate");
  return certificate;
}

void Sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  Must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1, "naming an issuer");
  AddExtension(certificate, issuer, NID_authority_key_identifier, "keyid");
  Must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, "signing");
}

// Lets `certificate` sign others.
void MakeAuthority(X509* certificate, X509* issuer) {
  AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(certificate, issuer, NID_subject_key_identifier, "hash");
}

std::string AlternativeNames(const TestCertificateRequest& request) {
  std::vector<std::string> names;
  for (const std::string& uri : request.uris) names.push_back(absl::StrCat("URI:", uri));
  for (const std::string& dns : request.dns_names) names.push_back(absl::StrCat("DNS:", dns));
  for (const std::string& address : request.addresses) {
    names.push_back(absl::StrCat("IP:", address));
  }
  return absl::StrJoin(names, ",");
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name, absl::Time not_before, absl::Time not_after)
    : key_(NewKey()) {
  certificate_ = NewCertificate(name, key_.get(), not_before, not_after);
  MakeAuthority(certificate_.get(), certificate_.get());
  Sign(certificate_.get(), certificate_.get(), key_.get());
  certificate_pem_ = CertificatePem(certificate_.get());
}

TestAuthority::TestAuthority(std::shared_ptr<X509> certificate, std::shared_ptr<EVP_PKEY> key)
    : certificate_pem_(CertificatePem(certificate.get())),
      certificate_(std::move(certificate)),
      key_(std::move(key)) {}

TestCertificate TestAuthority::Issue(const TestCertificateRequest& request) const {
  const std::shared_ptr<EVP_PKEY> key = NewKey(request.rsa_bits);
  const std::shared_ptr<X509> certificate =
      NewCertificate(request.common_name, key.get(), request.not_before, request.not_after);
  AddExtension(certificate.get(), certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate.get(), certificate_.get(), NID_key_usage, "critical,digitalSignature");
  if (!request.usage.empty()) {
    AddExtension(certificate.get(), certificate_.get(), NID_ext_key_usage, request.usage);
  }
  const std::string names = AlternativeNames(request);
  if (!names.empty()) {
    AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, names);
  }
  Sign(certificate.get(), certificate_.get(), key_.get());
  return {CertificatePem(certificate.get()), KeyPem(key.get())};
}

TestCertificate TestAuthority::ServerCertificate() const {
  TestCertificateRequest request;
  request.common_name = "gateway";
  request.dns_names = {"localhost"};
  request.addresses = {"127.0.0.1", "::1"};
  return Issue(request);
}

TestCertificate TestAuthority::ClientCertificate(const std::string& uri) const {
  TestCertificateRequest request;
  request.common_name = "client";
  request.uris = {uri};
  request.usage = "clientAuth";
  return Issue(request);
}

TestCertificate TestAuthority::ClientCertificateOfHost(const std::string& dns_name) const {
  TestCertificateRequest request;
  request.common_name = "client";
  request.dns_names = {dns_name};
  request.usage = "clientAuth";
  return Issue(request);
}

TestAuthority TestAuthority::Subordinate(const std::string& name) const {
  const std::shared_ptr<EVP_PKEY> key = NewKey();
  const std::shared_ptr<X509> certificate =
      NewCertificate(name, key.get(), absl::Now() - absl::Hours(1), absl::Now() + absl::Hours(48));
  MakeAuthority(certificate.get(), certificate_.get());
  Sign(certificate.get(), certificate_.get(), key_.get());
  return {certificate, key};
}

TestCertificate SignedByItself(const TestCertificateRequest& request) {
  const std::shared_ptr<EVP_PKEY> key = NewKey();
  const std::shared_ptr<X509> certificate =
      NewCertificate(request.common_name, key.get(), request.not_before, request.not_after);
  X509* const itself = certificate.get();
  AddExtension(itself, itself, NID_subject_key_identifier, "hash");
  AddExtension(itself, itself, NID_ext_key_usage, request.usage);
  AddExtension(itself, itself, NID_subject_alt_name, AlternativeNames(request));
  Sign(itself, itself, key.get());
  return {CertificatePem(itself), KeyPem(key.get())};
}

std::string EncryptedKeyPem(const TestCertificate& certificate) {
  const OwnedBio in(
      BIO_new_mem_buf(certificate.key_pem.data(), static_cast<int>(certificate.key_pem.size())));
  const OwnedKey key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  Must(key != nullptr, "reading a key");
  const OwnedBio memory(BIO_new(BIO_s_mem()));
  constexpr absl::string_view kPassphrase = "secret";
  Must(PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), EVP_aes_128_cbc(), kPassphrase.data(),
                                     static_cast<int>(kPassphrase.size()), nullptr, nullptr) == 1,
       "encrypting a key");
  return Content(memory.get());
}

TestCertificateFiles Write(const TemporaryDirectory& directory, absl::string_view name,
                           const TestCertificate& certificate) {
  return {directory.Write(absl::StrCat(name, ".crt"), certificate.certificate_pem),
          directory.Write(absl::StrCat(name, ".key"), certificate.key_pem)};
}

}  // namespace onhook
