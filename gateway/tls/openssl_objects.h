#ifndef ONHOOK_GATEWAY_TLS_OPENSSL_OBJECTS_H_
#define ONHOOK_GATEWAY_TLS_OPENSSL_OBJECTS_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace onhook {

// OpenSSL's objects, each freed by its one owner.

template <typename Object, void (*Free)(Object*)>
struct OpensslFree {
  void operator()(Object* object) const { Free(object); }
};

template <typename Object, void (*Free)(Object*)>
using OpensslOwner = std::unique_ptr<Object, OpensslFree<Object, Free>>;

// With the certificates in it.
struct CertificateStackFree {
  void operator()(STACK_OF(X509) * certificates) const {
    sk_X509_pop_free(certificates, X509_free);
  }
};

using OwnedBio = OpensslOwner<BIO, BIO_free_all>;
using OwnedCertificate = OpensslOwner<X509, X509_free>;
using OwnedCertificateStack = std::unique_ptr<STACK_OF(X509), CertificateStackFree>;
using OwnedCertificateStore = OpensslOwner<X509_STORE, X509_STORE_free>;
using OwnedGeneralNames = OpensslOwner<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedKey = OpensslOwner<EVP_PKEY, EVP_PKEY_free>;
using OwnedTls = OpensslOwner<SSL, SSL_free>;
using OwnedTlsContext = OpensslOwner<SSL_CTX, SSL_CTX_free>;
using OwnedVerification = OpensslOwner<X509_STORE_CTX, X509_STORE_CTX_free>;

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_OPENSSL_OBJECTS_H_
