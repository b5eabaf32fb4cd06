#include "gateway/tls/server_context.h"

#include <openssl/err.h>

#include <string>

#include "absl/strings/string_view.h"
#include "gateway/tls/pem.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

// Both ends of one connection, joined by memory.
class Handshake {
 public:
  Handshake(SSL_CTX* server, SSL_CTX* client) : server_(SSL_new(server)), client_(SSL_new(client)) {
    BIO* servers = nullptr;
    BIO* clients = nullptr;
    BIO_new_bio_pair(&servers, 0, &clients, 0);
    SSL_set_bio(server_.get(), servers, servers);
    SSL_set_bio(client_.get(), clients, clients);
    SSL_set_accept_state(server_.get());
    SSL_set_connect_state(client_.get());
  }
  ~Handshake() { ERR_clear_error(); }

  // Whether both ends are content, and go on being so: a server of TLS 1.3 hears of the client's
  // certificate when the client believes itself at the end.
  bool Succeeds() {
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client_.get());
      SSL_do_handshake(server_.get());
    }
    char byte = 0;
    SSL_read(client_.get(), &byte, 1);
    return SSL_is_init_finished(client_.get()) == 1 && SSL_is_init_finished(server_.get()) == 1;
  }
  // What the client says arrives, although it is said in two records.
  bool Talks() {
    char byte = 0;
    if (SSL_write(client_.get(), "a", 1) != 1 || SSL_write(client_.get(), "b", 1) != 1)
      return false;
    return SSL_read(server_.get(), &byte, 1) == 1 && byte == 'a' &&
           SSL_read(server_.get(), &byte, 1) == 1 && byte == 'b';
  }

  SSL* server() { return server_.get(); }
  SSL* client() { return client_.get(); }

 private:
  const OwnedTls server_;
  const OwnedTls client_;
};

class ServerContextTest : public ::testing::Test {
 protected:
  ServerContextTest() : client_(SSL_CTX_new(TLS_client_method())) {
    // Lets versions be offered that no longer are.
    SSL_CTX_set_security_level(client_.get(), 0);
  }
  ~ServerContextTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  std::shared_ptr<SSL_CTX> Server(bool asks = false, bool required = false) const {
    const TestCertificate certificate = authority_.ServerCertificate();
    const auto chain =
        ReadCertificates(certificate.certificate_pem + authority_.certificate_pem()).value();
    const auto key = ReadKey(certificate.key_pem).value();
    const auto authorities = ReadCertificates(authority_.certificate_pem()).value();
    auto context =
        MakeServerContext(chain.get(), key.get(), asks ? authorities.get() : nullptr, required);
    EXPECT_TRUE(context.ok()) << context.status();
    return *std::move(context);
  }
  void SpeakOnly(int version) {
    SSL_CTX_set_min_proto_version(client_.get(), version);
    SSL_CTX_set_max_proto_version(client_.get(), version);
  }

  const TestAuthority authority_;
  const OwnedTlsContext client_;
};

TEST_F(ServerContextTest, Tls12AndNewerAreSpoken) {
  const struct {
    int version;
    bool spoken;
  } rows[] = {{TLS1_VERSION, false},
              {TLS1_1_VERSION, false},
              {TLS1_2_VERSION, true},
              {TLS1_3_VERSION, true}};
  const auto server = Server();
  for (const auto& row : rows) {
    SpeakOnly(row.version);
    Handshake handshake(server.get(), client_.get());
    EXPECT_EQ(handshake.Succeeds(), row.spoken) << row.version;
    EXPECT_EQ(handshake.Talks(), row.spoken) << row.version;
  }
}

TEST_F(ServerContextTest, TheWholeChainIsShownAndNothingElse) {
  const auto server = Server(/*asks=*/true);
  Handshake handshake(server.get(), client_.get());
  ASSERT_TRUE(handshake.Succeeds());
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(handshake.client())), 2);
}

TEST_F(ServerContextTest, OnlyHttp11IsAgreedUpon) {
  const struct {
    absl::string_view offered;
    absl::string_view chosen;
  } rows[] = {
      {absl::string_view("\x02h2\x08http/1.1", 12), "http/1.1"},
      {absl::string_view("\x02h2", 3), ""},
      {"", ""},
  };
  const auto server = Server();
  for (const auto& row : rows) {
    SSL_CTX_set_alpn_protos(client_.get(),
                            reinterpret_cast<const unsigned char*>(row.offered.data()),
                            static_cast<unsigned int>(row.offered.size()));
    Handshake handshake(server.get(), client_.get());
    ASSERT_TRUE(handshake.Succeeds());
    const unsigned char* chosen = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(handshake.client(), &chosen, &size);
    EXPECT_EQ(absl::string_view(reinterpret_cast<const char*>(chosen), size), row.chosen);
  }
}

// Or else a peer whose authority was taken away would come in by what it got before.
TEST_F(ServerContextTest, NoSessionCanBeResumed) {
  SSL_CTX_set_session_cache_mode(client_.get(), SSL_SESS_CACHE_CLIENT);
  const auto server = Server();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SpeakOnly(version);
    Handshake first(server.get(), client_.get());
    ASSERT_TRUE(first.Succeeds() && first.Talks());
    const OpensslOwner<SSL_SESSION, SSL_SESSION_free> session(SSL_get1_session(first.client()));
    Handshake second(server.get(), client_.get());
    SSL_set_session(second.client(), session.get());
    ASSERT_TRUE(second.Succeeds());
    EXPECT_EQ(SSL_session_reused(second.client()), 0) << version;
  }
}

TEST_F(ServerContextTest, NobodyRenegotiates) {
  SpeakOnly(TLS1_2_VERSION);
  const auto server = Server();
  Handshake handshake(server.get(), client_.get());
  ASSERT_TRUE(handshake.Succeeds());
  ASSERT_EQ(SSL_renegotiate(handshake.client()), 1);
  SSL_do_handshake(handshake.client());
  char byte = 0;
  SSL_read(handshake.server(), &byte, 1);
  EXPECT_EQ(SSL_num_renegotiations(handshake.server()), 0);
  EXPECT_EQ(SSL_is_init_finished(handshake.server()), 1);
  EXPECT_NE(SSL_do_handshake(handshake.client()), 1) << "the client is told so";
}

TEST_F(ServerContextTest, ACertificateIsDemandedOrAskedForOrNeither) {
  const TestCertificate known = authority_.ClientCertificate("spiffe://example.org/billing");
  const TestCertificate unknown = TestAuthority("Stranger").ClientCertificate("spiffe://a/b");
  const TestCertificate of_server = authority_.ServerCertificate();
  const struct {
    const char* what;
    bool asks;
    bool required;
    const TestCertificate* shown;
    bool succeeds;
  } rows[] = {
      {"not asked", false, false, nullptr, true},
      {"not asked, a stranger's", false, false, &unknown, true},
      {"optional, none", true, false, nullptr, true},
      {"optional, known", true, false, &known, true},
      {"optional, a stranger's", true, false, &unknown, false},
      {"required, none", true, true, nullptr, false},
      {"required, known", true, true, &known, true},
      {"required, a stranger's", true, true, &unknown, false},
      {"required, a server's", true, true, &of_server, false},
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& row : rows) {
      const OwnedTlsContext client(SSL_CTX_new(TLS_client_method()));
      SSL_CTX_set_max_proto_version(client_.get(), version);
      SSL_CTX_set_min_proto_version(client_.get(), version);
      Handshake handshake(Server(row.asks, row.required).get(), client_.get());
      if (row.shown != nullptr) {
        const auto chain = ReadCertificates(row.shown->certificate_pem).value();
        const auto key = ReadKey(row.shown->key_pem).value();
        SSL_use_certificate(handshake.client(), sk_X509_value(chain.get(), 0));
        SSL_use_PrivateKey(handshake.client(), key.get());
      }
      EXPECT_EQ(handshake.Succeeds(), row.succeeds) << row.what << " " << version;
    }
  }
}

}  // namespace
}  // namespace onhook
