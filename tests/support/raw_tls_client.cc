#include "tests/support/raw_tls_client.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

#include "gateway/tls/pem.h"

namespace onhook {
namespace {

OwnedTlsContext NewContext(const RawTlsClient::Options& options) {
  OwnedTlsContext context(SSL_CTX_new(TLS_client_method()));
  // Shows what it was told to show, not what could be found to go with it.
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN);
  // Lets versions be offered that no longer are.
  SSL_CTX_set_security_level(context.get(), 0);
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context.get(), options.version);
    SSL_CTX_set_max_proto_version(context.get(), options.version);
  }
  if (!options.ca_pem.empty()) {
    const auto authorities = ReadCertificates(options.ca_pem).value();
    for (int i = 0; i < sk_X509_num(authorities.get()); ++i) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                          sk_X509_value(authorities.get(), i));
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (!options.certificate.key_pem.empty()) {
    const auto chain = ReadCertificates(options.certificate.certificate_pem).value();
    const auto key = ReadKey(options.certificate.key_pem).value();
    SSL_CTX_use_cert_and_key(context.get(), sk_X509_value(chain.get(), 0), key.get(), nullptr, 1);
    for (int i = 1; i < sk_X509_num(chain.get()); ++i) {
      SSL_CTX_add1_chain_cert(context.get(), sk_X509_value(chain.get(), i));
    }
  }
  return context;
}

std::string TakeAll(BIO* memory) {
  std::string all(BIO_ctrl_pending(memory), '\0');
  if (!all.empty()) BIO_read(memory, all.data(), static_cast<int>(all.size()));
  return all;
}

}  // namespace

RawTlsClient::RawTlsClient(int port, const Options& options)
    : RawHttpClient(port),
      context_(NewContext(options)),
      tls_(SSL_new(context_.get())),
      incoming_(BIO_new(BIO_s_mem())),
      outgoing_(BIO_new(BIO_s_mem())),
      byte_by_byte_(options.byte_by_byte) {
  BIO_set_mem_eof_return(incoming_, -1);
  SSL_set_bio(tls_.get(), incoming_, outgoing_);
  SSL_set_connect_state(tls_.get());
  while (true) {
    const int result = SSL_do_handshake(tls_.get());
    secured_ = result == 1;
    if (!WantsMore(result) || !Feed()) break;
  }
}

std::string RawTlsClient::ServerCertificate() const {
  const OwnedCertificate certificate(SSL_get1_peer_certificate(tls_.get()));
  const OwnedBio memory(BIO_new(BIO_s_mem()));
  if (certificate != nullptr) PEM_write_bio_X509(memory.get(), certificate.get());
  return TakeAll(memory.get());
}

bool RawTlsClient::WantsMore(int result) {
  const bool wants_more = SSL_get_error(tls_.get(), result) == SSL_ERROR_WANT_READ;
  const unsigned long error = ERR_peek_error();
  if (!wants_more && ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET) {
    alert_ = ERR_reason_error_string(error);
  }
  ERR_clear_error();
  Flush();
  return wants_more;
}

bool RawTlsClient::Feed() {
  std::array<char, 4096> buffer;
  const ssize_t got = RawHttpClient::Receive(buffer.data(), buffer.size());
  if (got > 0) BIO_write(incoming_, buffer.data(), static_cast<int>(got));
  return got > 0;
}

void RawTlsClient::Flush() {
  const std::string bytes = TakeAll(outgoing_);
  const size_t piece = byte_by_byte_ ? 1 : bytes.size();
  for (size_t at = 0; at < bytes.size(); at += piece) RawHttpClient::Send(bytes.substr(at, piece));
}

RawHttpClient& RawTlsClient::Send(absl::string_view bytes) {
  // More than a record holds becomes several.
  SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
  Flush();
  return *this;
}

RawHttpClient& RawTlsClient::FinishSending() {
  SSL_shutdown(tls_.get());
  Flush();
  return Truncate();
}

RawTlsClient& RawTlsClient::Truncate() {
  RawHttpClient::FinishSending();
  return *this;
}

RawTlsClient& RawTlsClient::Renegotiate() {
  SSL_renegotiate(tls_.get());
  WantsMore(SSL_do_handshake(tls_.get()));
  return *this;
}

RawTlsClient& RawTlsClient::UpdateKeys(int times) {
  for (int i = 0; i < times; ++i) {
    SSL_key_update(tls_.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
    WantsMore(SSL_do_handshake(tls_.get()));
  }
  return *this;
}

std::string RawTlsClient::ClientHello() {
  const OwnedTlsContext context(SSL_CTX_new(TLS_client_method()));
  const OwnedTls tls(SSL_new(context.get()));
  BIO* const outgoing = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), outgoing);
  SSL_set_connect_state(tls.get());
  SSL_do_handshake(tls.get());
  ERR_clear_error();
  return TakeAll(outgoing);
}

ssize_t RawTlsClient::Receive(char* buffer, size_t size) {
  while (true) {
    const int got = SSL_read(tls_.get(), buffer, static_cast<int>(size));
    if (got > 0) return got;
    const bool ended = SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN;
    if (!WantsMore(got)) return ended || !alert_.empty() ? 0 : -1;
    // Without a goodbye it has not ended in order.
    if (!Feed()) return -1;
  }
}

}  // namespace onhook
