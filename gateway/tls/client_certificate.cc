#include "gateway/tls/client_certificate.h"

#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/tls/openssl_objects.h"
#include "gateway/tls/pem.h"

namespace onhook {
namespace {

absl::Status Fault(absl::string_view reason) {
  return absl::UnauthenticatedError(absl::StrCat("the client's certificate ", reason));
}

// What the code of a failed verification means to whom it concerns.
absl::string_view Reason(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not valid yet";
    case X509_V_ERR_INVALID_PURPOSE:
      return "is not for clients";
    default:
      return "is not signed by an authority that is known here";
  }
}

// Of those who have signed `leaf` up to an authority, the leaf included: when the first expires.
absl::StatusOr<absl::Time> Verify(X509* leaf, STACK_OF(X509) * between,
                                  STACK_OF(X509) * authorities, absl::Time now) {
  const OwnedCertificateStore store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(authorities); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(authorities, i));
  }
  const OwnedVerification verification(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(verification.get(), store.get(), leaf, between) != 1) {
    return Fault("cannot be verified");
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(verification.get());
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  // As the handshakes do it: see server_context.cc.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  if (X509_verify_cert(verification.get()) != 1) {
    return Fault(Reason(X509_STORE_CTX_get_error(verification.get())));
  }
  absl::Time not_after = absl::InfiniteFuture();
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(verification.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    not_after = std::min(not_after, NotAfter(sk_X509_value(chain, i)));
  }
  return not_after;
}

// A name may hold any bytes. One that is not plain ASCII stands in nobody's settings, and would
// only look like one that does.
bool ReadName(const ASN1_IA5STRING* value, std::string& name) {
  const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
  name.assign(bytes, static_cast<size_t>(ASN1_STRING_length(value)));
  return !name.empty() && std::all_of(name.begin(), name.end(), absl::ascii_isgraph);
}

void ReadNames(const X509* leaf, ClientCertificate& certificate) {
  const OwnedGeneralNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const entry = sk_GENERAL_NAME_value(names.get(), i);
    std::string name;
    if (entry->type == GEN_URI && ReadName(entry->d.uniformResourceIdentifier, name)) {
      certificate.uris.push_back(std::move(name));
    } else if (entry->type == GEN_DNS && ReadName(entry->d.dNSName, name)) {
      certificate.dns_names.push_back(absl::AsciiStrToLower(name));
    }
  }
}

}  // namespace

absl::StatusOr<ClientCertificate> VerifyClientCertificate(absl::string_view leaf_pem,
                                                          absl::string_view chain_pem,
                                                          absl::string_view ca_pem,
                                                          absl::Time now) {
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  const absl::StatusOr<OwnedCertificateStack> leaf = ReadCertificates(leaf_pem);
  if (!leaf.ok()) return Fault("cannot be read");
  OwnedCertificateStack between;
  if (!chain_pem.empty()) {
    absl::StatusOr<OwnedCertificateStack> chain = ReadCertificates(chain_pem);
    if (!chain.ok()) return Fault("comes with others that cannot be read");
    between = *std::move(chain);
  }
  const absl::StatusOr<OwnedCertificateStack> authorities = ReadCertificates(ca_pem);
  if (!authorities.ok()) return Fault(Reason(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT));
  X509* const own = sk_X509_value(leaf->get(), 0);
  const absl::StatusOr<absl::Time> not_after = Verify(own, between.get(), authorities->get(), now);
  if (!not_after.ok()) return not_after.status();
  ClientCertificate certificate;
  certificate.not_after = *not_after;
  ReadNames(own, certificate);
  return certificate;
}

}  // namespace onhook
