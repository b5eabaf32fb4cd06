// What onhookd shows of its settings, and of files that they name: never a secret.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(60);

class OnhookdPrivacyTest : public ::testing::Test {
 protected:
  OnhookdPrivacyTest() {
    for (const char* name : {"key", "bearer", "password", "path", "identity"}) {
      Put(name, absl::StrCat("canary-", name, "-0123456789"));
    }
    PutServer(authority_.ServerCertificate());
    Put("clients.crt", authority_.certificate_pem());
    settings_file_ = directory_.Write("onhook.yaml", SettingsText());
  }

  void Put(const std::string& name, const std::string& content) { directory_.Write(name, content); }
  void PutServer(const TestCertificate& certificate) {
    Write(directory_, "server", certificate);
    // Each line of a key is a secret, but for those that frame it.
    for (const absl::string_view line : absl::StrSplit(certificate.key_pem, '\n')) {
      if (line.size() > 20 && !absl::StrContains(line, "PRIVATE KEY"))
        key_lines_.emplace_back(line);
    }
  }
  std::string SettingsText() const {
    const std::string& path = directory_.path();
    const std::string tls = absl::StrCat("tls: {certificate_file: ", path,
                                         "/server.crt, key_file: ", path, "/server.key");
    return absl::StrCat(
        "http: {", tls, "}}\ngrpc: {", tls, ", client_ca_file: ", path,
        "/clients.crt, client_certificate: optional}}\nsources:\n",
        "  - {name: a, path: /a, authentication: {shared_key: {key_files: [", path, "/key]}}}\n",
        "  - {name: b, path: /b, authentication: {bearer: {token_files: [", path, "/bearer]}}}\n",
        "  - {name: c, path: /c, authentication: {basic: {username: u, password_files: [", path,
        "/password]}}}\n", "  - {name: d, path: /d, path_token_file: ", path, "/path}\n",
        "access:\n  - {name: operator, token_files: [", path, "/identity], watch: true}\n");
  }
  // What it says, to standard output and standard error.
  std::string Run(const std::string& flag) const {
    ChildProcess program({ONHOOKD_PATH, "--config=" + settings_file_, flag});
    EXPECT_TRUE(program.Wait(kPatience).has_value());
    return program.output();
  }
  void ExpectNoSecret(const std::string& said) const {
    EXPECT_THAT(said, Not(HasSubstr("canary-")));
    for (const std::string& line : key_lines_) EXPECT_THAT(said, Not(HasSubstr(line)));
  }

  const TemporaryDirectory directory_;
  const TestAuthority authority_;
  std::vector<std::string> key_lines_;
  std::string settings_file_;
};

TEST_F(OnhookdPrivacyTest, TheSettingsAreShownWithoutWhatIsInTheFilesTheyName) {
  const std::string said = Run("--print-config");
  for (const char* name : {"key", "bearer", "password", "path", "identity", "server.key"}) {
    EXPECT_THAT(said, HasSubstr(absl::StrCat(directory_.path(), "/", name)));
  }
  EXPECT_EQ(key_lines_.size(), 3u);
  ExpectNoSecret(said);
}

TEST_F(OnhookdPrivacyTest, WhatIsWrongWithAFileIsToldWithoutWhatIsInIt) {
  PutServer({"canary-certificate", authority_.ServerCertificate().key_pem});
  for (const char* name : {"key", "bearer", "password", "path", "identity"}) {
    Put(name, absl::StrCat("canary-", name, " \x01 with what may not be in it\nand another line"));
  }
  const std::string said = Run("--check");
  EXPECT_THAT(said, HasSubstr("server.crt holds no certificate in PEM"));
  EXPECT_THAT(said, HasSubstr("/identity"));
  ExpectNoSecret(said);
}

}  // namespace
}  // namespace onhook
