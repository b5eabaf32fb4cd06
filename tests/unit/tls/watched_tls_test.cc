#include "gateway/tls/watched_tls.h"

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/tls/pem.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class WatchedTlsTest : public ::testing::Test {
 protected:
  // No line may hold anything of a key, in any test.
  ~WatchedTlsTest() override {
    for (const std::string& key : keys_) {
      for (size_t at = 28; at + 16 < key.size(); at += 16) {
        EXPECT_THAT(lines_, Each(Not(HasSubstr(key.substr(at, 16)))));
      }
    }
  }

  TestCertificate NewServer() {
    TestCertificate server = authority_.ServerCertificate();
    keys_.push_back(server.key_pem);
    return server;
  }
  TestCertificate Put(const TestCertificate& server) {
    const TestCertificateFiles files = Write(directory_, "server", server);
    options_.certificate_file = files.certificate_file;
    options_.key_file = files.key_file;
    return server;
  }
  TestCertificate PutNewServer() { return Put(NewServer()); }
  void Open() {
    auto opened = WatchedTls::Open("http", options_, &metrics_, &clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    watched_ = *std::move(opened);
  }
  // What is in use once the files have been looked at.
  std::string Look(int times = 1) {
    for (int i = 0; i < times; ++i) watched_->Look();
    return watched_->Get()->certificate_pem;
  }
  uint64_t version() const { return watched_->Get()->version; }
  std::string Metric(const std::string& name) const {
    const std::string text = metrics_.Text();
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "absent";
    const size_t value = at + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  std::string Reloads(const std::string& result) const {
    return Metric(
        absl::StrCat("onhook_tls_reloads_total{listener=\"http\",result=\"", result, "\"}"));
  }
  std::string LastSuccessful() const {
    return Metric("onhook_tls_last_reload_successful{listener=\"http\"}");
  }

  TemporaryDirectory directory_;
  ManualClock clock_{absl::Now()};
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
  Metrics metrics_;
  const TestAuthority authority_;
  std::vector<std::string> keys_;
  TlsOptions options_;
  std::unique_ptr<WatchedTls> watched_;
};

TEST_F(WatchedTlsTest, WhatIsThereAtFirstIsInUse) {
  const TestCertificate server = PutNewServer();
  Open();
  EXPECT_EQ(Look(), server.certificate_pem);
  EXPECT_EQ(version(), 1u);
  EXPECT_EQ(LastSuccessful(), "1");
  EXPECT_EQ(Metric("onhook_tls_certificate_expiry_timestamp_seconds{listener=\"http\"}"),
            absl::StrCat(absl::ToUnixSeconds(watched_->Get()->not_after)));
  EXPECT_EQ(Reloads("success"), "0");
  EXPECT_EQ(Reloads("failure"), "0");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(WatchedTlsTest, ItIsNotOpenedOnWhatIsNoGood) {
  Put({"garbage", "garbage"});
  EXPECT_EQ(WatchedTls::Open("http", options_, &metrics_, &clock_, &log_).status(),
            absl::InvalidArgumentError(absl::StrCat("certificate_file: ", options_.certificate_file,
                                                    " holds no certificate in PEM")));
  options_.certificate_file += "-absent";
  EXPECT_THAT(WatchedTls::Open("http", options_, &metrics_, &clock_, &log_).status().message(),
              HasSubstr("-absent cannot be read: No such file"));
}

TEST_F(WatchedTlsTest, ANewPairIsTakenAtTheNextLook) {
  PutNewServer();
  Open();
  const std::shared_ptr<const TlsMaterial> before = watched_->Get();
  const TestCertificate next = PutNewServer();
  EXPECT_EQ(Look(), next.certificate_pem);
  EXPECT_EQ(version(), 2u);
  EXPECT_NE(before->context, watched_->Get()->context);
  EXPECT_EQ(before->version, 1u) << "whoever holds the one before keeps it";
  EXPECT_EQ(Reloads("success"), "1");
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(" info tls: new files are in use"),
                                        HasSubstr("listener=\"http\""), HasSubstr("expires="))));
  EXPECT_EQ(Look(3), next.certificate_pem);
  EXPECT_EQ(version(), 2u) << "the same is not taken twice";
}

TEST_F(WatchedTlsTest, AnotherAuthorityIsTakenToo) {
  options_.client_ca_file = directory_.Write("clients.crt", authority_.certificate_pem());
  PutNewServer();
  Open();
  const TestAuthority other("Other");
  directory_.Write("clients.crt", other.certificate_pem());
  Look();
  EXPECT_EQ(watched_->Get()->client_ca_pem, other.certificate_pem());
  EXPECT_EQ(version(), 2u);
}

TEST_F(WatchedTlsTest, WhatIsNoGoodLeavesTheOldOneInUseUntilSomethingGoodComes) {
  const TestCertificate first = PutNewServer();
  Open();
  TestCertificateRequest expired;
  expired.not_after = clock_.Now() - absl::Minutes(1);
  const struct {
    const char* what;
    TestCertificate put;
  } rows[] = {
      {"garbage", {"garbage", "garbage"}},
      {"empty", {"", ""}},
      {"half-written", {first.certificate_pem.substr(0, 200), first.key_pem}},
      {"mismatched", {first.certificate_pem, NewServer().key_pem}},
      {"expired", authority_.Issue(expired)},
  };
  for (const auto& row : rows) {
    Put(row.put);
    EXPECT_EQ(Look(2), first.certificate_pem) << row.what;
    EXPECT_EQ(LastSuccessful(), "0") << row.what;
  }
  fs::remove(options_.key_file);
  EXPECT_EQ(Look(2), first.certificate_pem) << "missing";
  EXPECT_EQ(version(), 1u);
  EXPECT_EQ(Reloads("failure"), "6");
  const TestCertificate next = PutNewServer();
  EXPECT_EQ(Look(), next.certificate_pem);
  EXPECT_EQ(version(), 2u);
  EXPECT_EQ(LastSuccessful(), "1");
}

TEST_F(WatchedTlsTest, APairThatIsReplacedFileByFileIsNoFault) {
  const TestCertificate first = PutNewServer();
  Open();
  const TestCertificate next = NewServer();
  directory_.Write("server.crt", next.certificate_pem);
  EXPECT_EQ(Look(), first.certificate_pem);
  EXPECT_EQ(LastSuccessful(), "1");
  EXPECT_THAT(lines_, IsEmpty());
  directory_.Write("server.key", next.key_pem);
  EXPECT_EQ(Look(), next.certificate_pem);
  EXPECT_EQ(Reloads("failure"), "0");
}

TEST_F(WatchedTlsTest, EachContentThatIsNoGoodIsToldOnce) {
  const TestCertificate first = PutNewServer();
  Open();
  Put({"garbage", first.key_pem});
  Look(5);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(" warning tls: changed files are no good"),
                                        HasSubstr("holds no certificate in PEM"),
                                        Not(HasSubstr("garbage")))));
  Put({"other garbage", first.key_pem});
  Look(5);
  EXPECT_EQ(lines_.size(), 2u);
  EXPECT_EQ(Reloads("failure"), "2");
  Put(first);
  Look(5);
  EXPECT_EQ(lines_.size(), 3u);
  EXPECT_THAT(lines_.back(), HasSubstr("the files are good again"));
  EXPECT_EQ(LastSuccessful(), "1");
  EXPECT_EQ(version(), 1u);
  Put({"garbage", first.key_pem});
  Look(5);
  EXPECT_EQ(lines_.size(), 4u) << "it is news again";
}

TEST_F(WatchedTlsTest, OneThatIsPutThereBeforeItIsValidIsTakenWhenItIs) {
  const TestCertificate first = PutNewServer();
  Open();
  TestCertificateRequest request;
  request.not_before = clock_.Now() + absl::Minutes(10);
  const TestCertificate next = Put(authority_.Issue(request));
  EXPECT_EQ(Look(2), first.certificate_pem);
  clock_.Advance(absl::Minutes(11));
  EXPECT_EQ(Look(), next.certificate_pem);
}

TEST_F(WatchedTlsTest, WhatExpiresInUseStaysInUseAndIsToldOnce) {
  const TestCertificate first = PutNewServer();
  Open();
  clock_.Advance(absl::Hours(25));
  EXPECT_EQ(Look(3), first.certificate_pem);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(" error tls: the certificate in use has expired")));
  TestCertificateRequest request;
  request.not_after = clock_.Now() + absl::Hours(1);
  const TestCertificate next = Put(authority_.Issue(request));
  EXPECT_EQ(Look(), next.certificate_pem);
  clock_.Advance(absl::Hours(2));
  Look(3);
  EXPECT_EQ(lines_.size(), 3u) << "the next one that expires is told too";
}

TEST_F(WatchedTlsTest, ThatSomeAuthoritiesHaveExpiredIsAWarning) {
  const TestAuthority old("Old", absl::Now() - absl::Hours(2), absl::Now() - absl::Hours(1));
  options_.client_ca_file =
      directory_.Write("clients.crt", old.certificate_pem() + authority_.certificate_pem());
  PutNewServer();
  Open();
  Look(3);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(" warning tls: some of the client authorities"),
                                        HasSubstr("count=1"))));
}

// As Kubernetes does it: server.crt -> ..data/server.crt, ..data -> a directory for each version.
TEST_F(WatchedTlsTest, ASwappedLinkOfAMountedSecretIsNoticed) {
  const auto put_version = [this](const std::string& name) {
    fs::create_directory(directory_.path() + "/" + name);
    const TestCertificate server = NewServer();
    Write(directory_, name + "/server", server);
    return server;
  };
  put_version("..1");
  fs::create_directory_symlink("..1", directory_.path() + "/..data");
  for (const char* file : {"/server.crt", "/server.key"}) {
    fs::create_symlink(absl::StrCat("..data", file), directory_.path() + file);
  }
  options_.certificate_file = directory_.path() + "/server.crt";
  options_.key_file = directory_.path() + "/server.key";
  Open();
  const TestCertificate next = put_version("..2");
  fs::create_directory_symlink("..2", directory_.path() + "/..data_tmp");
  fs::rename(directory_.path() + "/..data_tmp", directory_.path() + "/..data");
  fs::remove_all(directory_.path() + "/..1");
  EXPECT_EQ(Look(), next.certificate_pem);
}

bool IsPair(const TlsMaterial& material) {
  const auto certificates = ReadCertificates(material.certificate_pem);
  const auto key = ReadKey(material.key_pem);
  return certificates.ok() && key.ok() &&
         X509_check_private_key(sk_X509_value(certificates->get(), 0), key->get()) == 1;
}

// Truncated, written, one file after the other: the way that is asking for trouble.
TEST_F(WatchedTlsTest, WhileFilesAreRewrittenWithoutEndOnlyMatchingPairsAreSeen) {
  std::vector<TestCertificate> servers;
  for (int i = 0; i < 4; ++i) servers.push_back(NewServer());
  Put(servers[0]);
  Open();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (size_t i = 0; !done; ++i) Write(directory_, "server", servers[i % servers.size()]);
  });
  std::thread reader([&] {
    while (!done) {
      if (!IsPair(*watched_->Get())) ADD_FAILURE() << "a certificate with another's key";
    }
  });
  for (int i = 0; i < 300; ++i) {
    watched_->Look();
    EXPECT_TRUE(IsPair(*watched_->Get()));
  }
  done = true;
  writer.join();
  reader.join();
  Put(servers[1]);
  EXPECT_EQ(Look(), servers[1].certificate_pem);
}

}  // namespace
}  // namespace onhook
