#include "clients/cpp/credential_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <string>

#include "clients/cpp/server_address.h"
#include "onhook/status.h"
#include "tests/unit/clients/secure_server.h"

namespace onhook::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// An error that names the reason and holds the words.
void ExpectRefused(const absl::Status& status, const std::string& reason,
                   const std::string& words) {
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ErrorReason(status), reason) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(words));
}

class CredentialFilesTest : public ::testing::Test {
 protected:
  static absl::Status Read(const SecurityOptions& security) {
    return ReadTlsCredentials(security, TlsCredentials()).status();
  }

  const ClientFiles files_;
};

TEST_F(CredentialFilesTest, WithoutTlsNothingIsRead) {
  const auto credentials = ReadTlsCredentials(SecurityOptions(), TlsCredentials());
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(*credentials, TlsCredentials());
}

TEST_F(CredentialFilesTest, AMatchingPairAndItsAuthorityAreTaken) {
  const TestCertificate billing = files_.Billing();
  const auto credentials = ReadTlsCredentials(files_.Showing(billing), TlsCredentials());
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->ca_pem, files_.authority.certificate_pem());
  EXPECT_EQ(credentials->certificate_pem, billing.certificate_pem);
  EXPECT_EQ(credentials->key_pem, billing.key_pem);
}

TEST_F(CredentialFilesTest, TheSystemsAuthoritiesAreThoseThatItNames) {
  ASSERT_EQ(::setenv("SSL_CERT_FILE", files_.ca_file.c_str(), 1), 0);
  SecurityOptions security;
  security.tls = true;
  const auto credentials = ReadTlsCredentials(security, TlsCredentials());
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_EQ(credentials->ca_pem, files_.authority.certificate_pem());
  EXPECT_EQ(credentials->ca_file, files_.ca_file);
}

TEST_F(CredentialFilesTest, WhatIsWrongWithAFileIsToldWithItsName) {
  const TestCertificate billing = files_.Billing();
  const SecurityOptions good = files_.Showing(billing);
  const std::string garbage = files_.directory.Write("garbage", "-----BEGIN CERTIFICATE-----\nno");
  const std::string large = files_.directory.Write("large", std::string((1 << 20) + 1, 'x'));
  const std::string other_key = files_.directory.Write("other.key", files_.Billing().key_pem);
  const std::string half =
      files_.directory.Write("half.crt", files_.authority.certificate_pem() +
                                             files_.authority.certificate_pem().substr(
                                                 0, files_.authority.certificate_pem().size() / 2));
  const std::string locked = files_.directory.Write("locked.key", EncryptedKeyPem(billing));
  const struct {
    const char* why;
    std::function<void(SecurityOptions&)> spoil;
    const char* reason;
    std::string words;
  } kCases[] = {
      {"no such file", [](auto& s) { s.ca_file = "/nowhere/ca.crt"; }, "CA_FILE",
       "/nowhere/ca.crt: No such file"},
      {"a folder", [&](auto& s) { s.ca_file = files_.directory.path(); }, "CA_FILE",
       "no regular file"},
      {"garbage", [&](auto& s) { s.ca_file = garbage; }, "CA_FILE", garbage},
      {"half written", [&](auto& s) { s.ca_file = half; }, "CA_FILE", half},
      {"a key where authorities belong", [&](auto& s) { s.ca_file = good.key_file; }, "CA_FILE",
       good.key_file},
      {"too large", [&](auto& s) { s.ca_file = large; }, "CA_FILE", "larger"},
      {"garbage", [&](auto& s) { s.certificate_file = garbage; }, "CERTIFICATE_FILE", garbage},
      {"garbage", [&](auto& s) { s.key_file = garbage; }, "KEY_FILE", garbage},
      {"a passphrase", [&](auto& s) { s.key_file = locked; }, "KEY_FILE", "passphrase"},
      {"another's key", [&](auto& s) { s.key_file = other_key; }, "CERTIFICATE_PAIR", other_key},
      {"half a pair", [](auto& s) { s.key_file.clear(); }, "CERTIFICATE_PAIR", "without its key"},
      {"half a pair", [](auto& s) { s.certificate_file.clear(); }, "CERTIFICATE_PAIR",
       "without its certificate"},
  };
  EXPECT_EQ(Read(good), absl::OkStatus());
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.why);
    SecurityOptions security = good;
    c.spoil(security);
    ExpectRefused(Read(security), c.reason, c.words);
  }
}

TEST_F(CredentialFilesTest, ATokenIsWhatItsFileHoldsWithoutALineEnd) {
  for (const char* content : {"secret-token", "secret-token\n", "secret-token\r\n"}) {
    const auto token = ReadToken(files_.directory.Write("token", content));
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(*token, "secret-token");
  }
}

TEST_F(CredentialFilesTest, WhatIsNoTokenIsRefusedAndNotRepeated) {
  ExpectRefused(ReadToken("/nowhere/token").status(), "TOKEN_FILE", "/nowhere/token: No such file");
  ExpectRefused(ReadToken(files_.directory.Write("token", "\n")).status(), "TOKEN_FILE", "empty");
  ExpectRefused(ReadToken(files_.directory.Write("token", std::string(4097, 'a'))).status(),
                "TOKEN_FILE", "larger");
  for (const char* content : {"secret token", "secret\r\nx: y", "secret\n\n", "secr\xC3\xA9t"}) {
    const absl::Status status = ReadToken(files_.directory.Write("token", content)).status();
    ExpectRefused(status, "TOKEN_FILE", files_.directory.path());
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secr")));
  }
}

TEST(ServerAddressTest, HostAndPortOrASocketsPath) {
  const struct {
    const char* text;
    const char* host;
    const char* port;
    const char* unix_path;
    bool is_local;
  } kCases[] = {
      {"127.0.0.1:50051", "127.0.0.1", "50051", "", true},
      {"127.9.9.9:1", "127.9.9.9", "1", "", true},
      {"localhost:50051", "localhost", "50051", "", true},
      {"[::1]:50051", "::1", "50051", "", true},
      {"[2001:db8::1]:50051", "2001:db8::1", "50051", "", false},
      {"gateway.example.org:443", "gateway.example.org", "443", "", false},
      {"localhost.example.org:443", "localhost.example.org", "443", "", false},
      {"127.0.0.1.example.org:443", "127.0.0.1.example.org", "443", "", false},
      {"0.0.0.0:50051", "0.0.0.0", "50051", "", false},
      {"unix:/run/onhook/grpc.sock", "", "", "/run/onhook/grpc.sock", true},
      {"unix:///run/onhook/grpc.sock", "", "", "/run/onhook/grpc.sock", true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto address = ParseServerAddress(c.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
    EXPECT_EQ(address->unix_path, c.unix_path);
    EXPECT_EQ(address->is_local(), c.is_local);
  }
}

TEST(ServerAddressTest, AnythingElseIsRefusedInWords) {
  for (const char* text : {"", "gateway", ":50051", "gateway:", "gateway:0", "gateway:65536",
                           "gateway:grpc", "::1:50051", "https://gateway:443", "unix:"}) {
    SCOPED_TRACE(text);
    ExpectRefused(ParseServerAddress(text).status(), "SERVER_ADDRESS", "neither HOST:PORT nor");
  }
}

}  // namespace
}  // namespace onhook::client
