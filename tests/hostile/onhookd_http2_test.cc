// Hostile HTTP/2 against the program as it is shipped: gRPC 1.51.1, which Debian has, carries no
// patches, so whoever has no certificate must not get as far as to it.
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/hostile/flood.h"
#include "tests/hostile/healthy_client.h"
#include "tests/hostile/http2_attacks.h"
#include "tests/hostile/http2_frames.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr int64_t kMib = 1024 * 1024;
// gRPC's quota, and what the calls that may begin cost beside it, which the quota does not see. The
// worst, streams that are reset, took 12 to 236 MiB, by which threads ran when; 1,210 without a
// limit on calls.
constexpr int64_t kBounded = 320 * kMib;

class OnhookdHttp2Test : public testing::TestWithParam<Http2Attack> {
 protected:
  enum class Port { kTls, kMutualTls };

  void Start(Port port) {
    OnhookdProcess::Options options;
    options.store_directory = store_.path();
    const TestCertificateFiles files = Write(files_, "server", authority_.ServerCertificate());
    Write(files_, "authority", {authority_.certificate_pem(), ""});
    options.more_arguments = {"--grpc-tls-certificate-file=" + files.certificate_file,
                              "--grpc-tls-key-file=" + files.key_file};
    credentials_.pem_root_certs = authority_.certificate_pem();
    if (port == Port::kMutualTls) {
      options.more_arguments.push_back("--grpc-tls-client-ca-file=" + files_.path() +
                                       "/authority.crt");
      credentials_.pem_cert_chain = certificate_.certificate_pem;
      credentials_.pem_private_key = certificate_.key_pem;
    }
    if (port == Port::kMutualTls) {
      std::ofstream(files_.path() + "/onhook.yaml")
          << "access: [{name: crm, certificate: spiffe://example.org/crm, read_events: true, "
             "watch: true, subscribe: ['*']}]\n";
      options.more_arguments.push_back("--config=" + files_.path() + "/onhook.yaml");
    }
    if (port == Port::kTls) {
      options.more_arguments.push_back("--grpc-allow-unauthenticated=true");
    }
    onhookd_.emplace(options);
    ASSERT_TRUE(onhookd_->WaitUntilListening(kPatience)) << onhookd_->log();
    healthy_.emplace(onhookd_->grpc_port(), grpc::SslCredentials(credentials_));
    ASSERT_TRUE(healthy_->IsServed());
  }

  Http2AttackOutcome Attack(const std::optional<RawConnection::Tls>& tls) {
    Http2AttackOutcome outcome;
    growth_ = MemoryGrowth(onhookd_->pid(), [&] {
      outcome = MakeHttp2Attack(GetParam(), onhookd_->grpc_port(), tls,
                                [&] { served_beside_ = healthy_->IsServed(); });
    });
    RecordProperty("memory_growth_kib", static_cast<int>(growth_ / 1024));
    return outcome;
  }
  void ExpectServedAllTheTime() {
    EXPECT_TRUE(served_beside_);
    EXPECT_TRUE(healthy_->IsServed());
    EXPECT_THAT(healthy_->failures(), IsEmpty());
  }
  // Who is let in can keep gRPC's threads busy, so that calls beside may fail.
  void ExpectServedAfterwards() {
    bool served = false;
    for (int tries = 0; tries < 3 && !served; ++tries) served = healthy_->IsServed();
    EXPECT_TRUE(served) << testing::PrintToString(healthy_->failures());
  }
  void ExpectLittleGrowth(int64_t bytes) const {
// A sanitizer keeps freed memory for a while, so that there it measures itself.
#if !defined(__SANITIZE_ADDRESS__)
    EXPECT_LT(growth_, bytes);
#else
    static_cast<void>(bytes);
#endif
  }

  TestAuthority authority_;
  TestCertificate certificate_ = authority_.ClientCertificate("spiffe://example.org/crm");
  TemporaryDirectory store_;
  TemporaryDirectory files_;
  grpc::SslCredentialsOptions credentials_;
  std::optional<OnhookdProcess> onhookd_;
  std::optional<HealthyClient> healthy_;
  bool served_beside_ = false;
  int64_t growth_ = 0;
};

TEST_P(OnhookdHttp2Test, WithoutTheCertificateThatIsRequiredItHasNoEffect) {
  ASSERT_NO_FATAL_FAILURE(Start(Port::kMutualTls));
  const Http2AttackOutcome outcome = Attack(RawConnection::Tls{});
  EXPECT_EQ(outcome.bytes_answered, 0U);
  ExpectServedAllTheTime();
  ExpectLittleGrowth(16 * kMib);
}

TEST_P(OnhookdHttp2Test, WhoeverIsNotRecognisedCostsNoMoreThanTheQuota) {
  ASSERT_NO_FATAL_FAILURE(Start(Port::kMutualTls));
  Attack(RawConnection::Tls{authority_.ClientCertificate("spiffe://example.org/other")});
  ExpectServedAfterwards();
  ExpectLittleGrowth(kBounded);
}

TEST_P(OnhookdHttp2Test, WithACertificateItCostsNoMoreThanTheQuota) {
  ASSERT_NO_FATAL_FAILURE(Start(Port::kMutualTls));
  Attack(RawConnection::Tls{certificate_});
  ExpectServedAfterwards();
  ExpectLittleGrowth(kBounded);
}

// The control: where anybody is let in, it reaches gRPC.
TEST_P(OnhookdHttp2Test, WhereNoCertificateIsRequiredItReachesHttp2) {
  ASSERT_NO_FATAL_FAILURE(Start(Port::kTls));
  const Http2AttackOutcome outcome = Attack(RawConnection::Tls{});
  EXPECT_GT(outcome.settings_answered, 0);
}

INSTANTIATE_TEST_SUITE_P(Attacks, OnhookdHttp2Test, testing::ValuesIn(Http2Attacks()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& letter : name) {
                             if (!absl::ascii_isalnum(static_cast<unsigned char>(letter)))
                               letter = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace onhook
