#include "clients/cpp/tls_session.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhook::client {
namespace {

constexpr unsigned char kHttp2[] = {2, 'h', '2'};
constexpr size_t kAuthoritiesShown = 4;
constexpr int kAlerts = 256;

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

}  // namespace

TlsSession::TlsSession(const ProbeSocket* socket, const TlsCredentials& credentials,
                       const std::string& server_name, bool verify)
    : socket_(socket),
      context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
      ssl_(nullptr, &SSL_free) {
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_protos(context_.get(), kHttp2, sizeof(kHttp2));
  if (verify) {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, &TlsSession::NoteVerification);
    Trust(credentials.ca_pem);
  }
  SSL_CTX_set_cert_cb(context_.get(), &TlsSession::NoteRequest, &seen_);
  Show(credentials);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_app_data(ssl_.get(), &seen_);
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  Expect(server_name);
  ERR_clear_error();
}

TlsSession::~TlsSession() = default;

void TlsSession::Trust(const std::string& ca_pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
  for (const X509Pointer& authority : CertificatesOf(ca_pem)) {
    X509_STORE_add_cert(store, authority.get());
  }
}

void TlsSession::Show(const TlsCredentials& credentials) {
  bool is_first = true;
  for (X509Pointer& certificate : CertificatesOf(credentials.certificate_pem)) {
    if (is_first) {
      SSL_CTX_use_certificate(context_.get(), certificate.get());
    } else {
      SSL_CTX_add1_chain_cert(context_.get(), certificate.get());
    }
    is_first = false;
  }
  if (const KeyPointer key = KeyOf(credentials.key_pem); key != nullptr) {
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }
}

void TlsSession::Expect(const std::string& server_name) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl_.get());
  if (IsIpAddress(server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, server_name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(expected, server_name.c_str(), server_name.size());
    SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
  }
}

int TlsSession::NoteVerification(int preverified, X509_STORE_CTX* context) {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const seen = static_cast<Seen*>(SSL_get_app_data(ssl));
  if (preverified == 1) return 1;
  const auto keep = [](X509* certificate) {
    if (certificate != nullptr) X509_up_ref(certificate);
    return X509Pointer(certificate, &X509_free);
  };
  seen->verify_error = X509_STORE_CTX_get_error(context);
  seen->leaf = keep(X509_STORE_CTX_get0_cert(context));
  seen->faulty = keep(X509_STORE_CTX_get_current_cert(context));
  return 0;
}

int TlsSession::NoteRequest(SSL*, void* seen) {
  static_cast<Seen*>(seen)->certificate_asked = true;
  return 1;
}

bool TlsSession::SendWaiting(absl::Time deadline) const {
  BIO* const written = SSL_get_wbio(ssl_.get());
  std::array<char, 4096> buffer{};
  for (;;) {
    const int size = BIO_read(written, buffer.data(), static_cast<int>(buffer.size()));
    if (size <= 0) return true;
    size_t sent = 0;
    while (sent < static_cast<size_t>(size)) {
      if (!socket_->AwaitWritable(deadline)) return false;
      const ssize_t count = ::send(socket_->descriptor(), buffer.data() + sent,
                                   static_cast<size_t>(size) - sent, MSG_NOSIGNAL);
      if (count < 0) return false;
      sent += static_cast<size_t>(count);
    }
  }
}

TlsSession::Step TlsSession::Receive(absl::Time deadline) const {
  if (!socket_->AwaitReadable(deadline)) return Step::kTimedOut;
  std::array<char, 4096> buffer{};
  const ssize_t count = ::recv(socket_->descriptor(), buffer.data(), buffer.size(), 0);
  if (count <= 0) return Step::kClosed;
  BIO_write(SSL_get_rbio(ssl_.get()), buffer.data(), static_cast<int>(count));
  return Step::kDone;
}

TlsSession::Step TlsSession::Refused() {
  for (auto error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    const int reason = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
    if (reason >= 0 && reason < kAlerts && ERR_GET_LIB(error) == ERR_LIB_SSL) alert_ = reason;
  }
  return Step::kRefused;
}

template <typename Attempt>
TlsSession::Step TlsSession::Carry(absl::Time deadline, Attempt attempt) {
  for (;;) {
    ERR_clear_error();
    const int result = attempt();
    const int error = SSL_get_error(ssl_.get(), result);
    // What a failed write could not send is of no use: why it failed stands to be read.
    (void)SendWaiting(deadline);
    if (result > 0) return Step::kDone;
    if (error == SSL_ERROR_ZERO_RETURN) return Step::kClosed;
    if (error != SSL_ERROR_WANT_READ) return Refused();
    if (const Step received = Receive(deadline); received != Step::kDone) return received;
  }
}

TlsSession::Step TlsSession::ShakeHands(absl::Time deadline) {
  return Carry(deadline, [this] { return SSL_connect(ssl_.get()); });
}

TlsSession::Step TlsSession::AwaitAnswer(absl::Time deadline) {
  const absl::string_view greeting = Http2Greeting();
  const Step said = Carry(deadline, [&] {
    return SSL_write(ssl_.get(), greeting.data(), static_cast<int>(greeting.size()));
  });
  if (said != Step::kDone) return said;
  char first = 0;
  return Carry(deadline, [&] { return SSL_read(ssl_.get(), &first, 1); });
}

bool TlsSession::is_tls() const {
  return alert_ >= 0 || verify_error() != X509_V_OK ||
         SSL_get_current_cipher(ssl_.get()) != nullptr;
}

bool TlsSession::is_http2() const {
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
  return size == kHttp2[0] && std::equal(protocol, protocol + size, kHttp2 + 1);
}

std::string TlsSession::AcceptedAuthorities() const {
  const STACK_OF(X509_NAME)* const names = SSL_get0_peer_CA_list(ssl_.get());
  const size_t count = names == nullptr ? 0 : static_cast<size_t>(sk_X509_NAME_num(names));
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(count, kAuthoritiesShown); ++i) {
    words.push_back(NameWords(sk_X509_NAME_value(names, static_cast<int>(i))));
  }
  if (count > kAuthoritiesShown) words.push_back(absl::StrCat(count - kAuthoritiesShown, " more"));
  return absl::StrJoin(words, "; ");
}

bool TlsSession::Accepts(const X509_NAME* authority) const {
  const STACK_OF(X509_NAME)* const names = SSL_get0_peer_CA_list(ssl_.get());
  for (int i = 0; names != nullptr && i < sk_X509_NAME_num(names); ++i) {
    if (X509_NAME_cmp(sk_X509_NAME_value(names, i), authority) == 0) return true;
  }
  return false;
}

}  // namespace onhook::client
