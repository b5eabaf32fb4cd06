#include "gateway/tls/tls_material.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/regular_file.h"
#include "gateway/tls/pem.h"
#include "gateway/tls/server_context.h"

namespace onhook {
namespace {

// Some twenty certificates, where three are usual. The names of all authorities must fit into one
// message of a handshake, which takes as many bytes.
constexpr size_t kMostBytes = 64 << 10;

// Who replaces files without end is met again at the next look.
constexpr int kMostReadings = 10;

absl::Status About(absl::string_view member, const std::string& file, const absl::Status& fault) {
  return absl::InvalidArgumentError(absl::StrCat(member, ": ", file, " ", fault.message()));
}

absl::Status AboutCertificate(const TlsOptions& options, const absl::Status& fault) {
  return About("certificate_file", options.certificate_file, fault);
}

absl::Status AboutKey(const TlsOptions& options, const absl::Status& fault) {
  return About("key_file", options.key_file, fault);
}

absl::Status AboutAuthorities(const TlsOptions& options, const absl::Status& fault) {
  return About("client_ca_file", options.client_ca_file, fault);
}

absl::Status ReadCertificateFile(const TlsOptions& options, TlsContent& content) {
  const std::string& file = options.certificate_file;
  const absl::Status read = ReadRegularFile(file, kMostBytes, content.certificate_pem);
  return read.ok() ? read : AboutCertificate(options, read);
}

absl::Status ReadKeyFile(const TlsOptions& options, TlsContent& content) {
  const absl::Status read = ReadRegularFile(options.key_file, kMostBytes, content.key_pem);
  return read.ok() ? read : AboutKey(options, read);
}

absl::Status ReadAuthoritiesFile(const TlsOptions& options, TlsContent& content) {
  const std::string& file = options.client_ca_file;
  if (file.empty()) return absl::OkStatus();
  const absl::Status read = ReadRegularFile(file, kMostBytes, content.client_ca_pem);
  return read.ok() ? read : AboutAuthorities(options, read);
}

absl::Status ReadOnce(const TlsOptions& options, TlsContent& content) {
  content = TlsContent();
  absl::Status read = ReadCertificateFile(options, content);
  if (read.ok()) read = ReadKeyFile(options, content);
  if (read.ok()) read = ReadAuthoritiesFile(options, content);
  return read;
}

// The port's own certificates, in `content`'s order.
absl::StatusOr<OwnedCertificateStack> ReadChain(const TlsOptions& options,
                                                const TlsContent& content, absl::Time now) {
  absl::StatusOr<OwnedCertificateStack> chain = ReadCertificates(content.certificate_pem);
  if (!chain.ok()) return AboutCertificate(options, chain.status());
  for (int i = 0; i < sk_X509_num(chain->get()); ++i) {
    const absl::Status valid = CheckValidity(sk_X509_value(chain->get(), i), now);
    if (valid.ok()) continue;
    const absl::string_view which =
        i == 0 ? "holds a certificate that " : "holds an authority's certificate that ";
    return AboutCertificate(options,
                            absl::InvalidArgumentError(absl::StrCat(which, valid.message())));
  }
  // 0: how a signer of other certificates would be told apart.
  if (X509_check_purpose(sk_X509_value(chain->get(), 0), X509_PURPOSE_SSL_SERVER, 0) != 1) {
    return AboutCertificate(
        options, absl::InvalidArgumentError("holds a certificate that is not for servers"));
  }
  return chain;
}

// Those who may sign the certificates of peers; counts those that are not valid now.
absl::StatusOr<OwnedCertificateStack> ReadAuthorities(const TlsOptions& options,
                                                      const TlsContent& content, absl::Time now,
                                                      int& unusable) {
  absl::StatusOr<OwnedCertificateStack> authorities = ReadCertificates(content.client_ca_pem);
  if (!authorities.ok()) return AboutAuthorities(options, authorities.status());
  absl::Status last_fault;
  for (int i = 0; i < sk_X509_num(authorities->get()); ++i) {
    const absl::Status valid = CheckValidity(sk_X509_value(authorities->get(), i), now);
    if (valid.ok()) continue;
    ++unusable;
    last_fault = valid;
  }
  // Of a bundle it is usual that some have expired.
  if (unusable == sk_X509_num(authorities->get())) {
    return AboutAuthorities(
        options, absl::InvalidArgumentError(absl::StrCat(
                     "holds no certificate that is valid now: one ", last_fault.message())));
  }
  return authorities;
}

absl::Status CheckPair(const TlsOptions& options, STACK_OF(X509) * chain, EVP_PKEY* key) {
  if (X509_check_private_key(sk_X509_value(chain, 0), key) == 1) return absl::OkStatus();
  ERR_clear_error();
  return AboutKey(options, absl::InvalidArgumentError(
                               absl::StrCat("holds another key than that of the certificate in ",
                                            options.certificate_file)));
}

absl::StatusOr<OwnedCertificateStack> LoadChain(const TlsOptions& options, TlsContent& content,
                                                absl::Time now) {
  absl::Status read = ReadCertificateFile(options, content);
  if (!read.ok()) return read;
  return ReadChain(options, content, now);
}

absl::StatusOr<OwnedKey> LoadKey(const TlsOptions& options, TlsContent& content) {
  absl::Status read = ReadKeyFile(options, content);
  if (!read.ok()) return read;
  absl::StatusOr<OwnedKey> key = ReadKey(content.key_pem);
  if (!key.ok()) return AboutKey(options, key.status());
  return key;
}

}  // namespace

absl::Status ReadTlsContent(const TlsOptions& options, TlsContent& content) {
  absl::Status read = ReadOnce(options, content);
  for (int i = 1; i < kMostReadings; ++i) {
    TlsContent before = std::move(content);
    const absl::Status read_before = std::exchange(read, ReadOnce(options, content));
    if (read == read_before && content == before) break;
  }
  return read;
}

absl::StatusOr<TlsMaterial> MakeTlsMaterial(const TlsOptions& options, const TlsContent& content,
                                            absl::Time now) {
  TlsMaterial material;
  static_cast<TlsContent&>(material) = content;
  absl::StatusOr<OwnedCertificateStack> chain = ReadChain(options, content, now);
  if (!chain.ok()) return chain.status();
  material.not_after = absl::InfiniteFuture();
  for (int i = 0; i < sk_X509_num(chain->get()); ++i) {
    material.not_after = std::min(material.not_after, NotAfter(sk_X509_value(chain->get(), i)));
  }
  absl::StatusOr<OwnedKey> key = ReadKey(content.key_pem);
  if (!key.ok()) return AboutKey(options, key.status());
  absl::Status pair = CheckPair(options, chain->get(), key->get());
  if (!pair.ok()) return pair;
  OwnedCertificateStack authorities;
  if (!options.client_ca_file.empty()) {
    absl::StatusOr<OwnedCertificateStack> read =
        ReadAuthorities(options, content, now, material.unusable_authorities);
    if (!read.ok()) return read.status();
    authorities = *std::move(read);
  }
  absl::StatusOr<std::shared_ptr<ssl_ctx_st>> context = MakeServerContext(
      chain->get(), key->get(), authorities.get(), options.requires_client_certificate());
  if (!context.ok()) return AboutCertificate(options, context.status());
  material.context = *std::move(context);
  return material;
}

std::vector<absl::Status> FindTlsFaults(const TlsOptions& options, absl::Time now) {
  std::vector<absl::Status> faults;
  const auto note = [&faults](absl::Status status) {
    if (!status.ok()) faults.push_back(std::move(status));
  };
  TlsContent content;
  const absl::StatusOr<OwnedCertificateStack> chain = LoadChain(options, content, now);
  note(chain.status());
  const absl::StatusOr<OwnedKey> key = LoadKey(options, content);
  note(key.status());
  if (chain.ok() && key.ok()) note(CheckPair(options, chain->get(), key->get()));
  absl::Status authorities = ReadAuthoritiesFile(options, content);
  int unusable = 0;
  if (authorities.ok() && !options.client_ca_file.empty()) {
    authorities = ReadAuthorities(options, content, now, unusable).status();
  }
  note(authorities);
  // What is left is between them.
  if (faults.empty()) note(MakeTlsMaterial(options, content, now).status());
  return faults;
}

absl::Status FindAuthorityDoubt(const TlsOptions& options, const TlsContent& content) {
  if (content.client_ca_pem.empty()) return absl::OkStatus();
  const absl::StatusOr<OwnedCertificateStack> read = ReadCertificates(content.client_ca_pem);
  if (!read.ok()) return absl::OkStatus();
  for (int i = 0; i < sk_X509_num(read->get()); ++i) {
    if (X509_check_ca(sk_X509_value(read->get(), i)) != 0) continue;
    return AboutAuthorities(
        options, absl::InvalidArgumentError(
                     "holds a certificate that may sign no other, so nobody but its own holder "
                     "is let in by it; name the authority's that signs those of clients"));
  }
  return absl::OkStatus();
}

}  // namespace onhook
