#include "gateway/access/certificate_cache.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;

class CertificateCacheTest : public ::testing::Test {
 protected:
  using Verified = absl::StatusOr<std::shared_ptr<const ClientCertificate>>;

  Verified Verify(const TestCertificate& certificate, uint64_t version = 1) {
    return cache_.Verify(certificate.certificate_pem, "", authority_.certificate_pem(), version,
                         now_);
  }
  TestCertificate Issue(const std::string& name) const {
    return authority_.ClientCertificate(absl::StrCat("spiffe://example.org/", name));
  }

  const TestAuthority authority_;
  absl::Time now_ = absl::Now();
  CertificateCache cache_;
};

TEST_F(CertificateCacheTest, WhatWasVerifiedIsAnsweredFromMemory) {
  const TestCertificate certificate = Issue("crm");
  const Verified first = Verify(certificate);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT((*first)->uris, ElementsAre("spiffe://example.org/crm"));
  EXPECT_EQ(Verify(certificate).value().get(), first->get());
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(CertificateCacheTest, WhatDoesNotVerifyIsNotKept) {
  const TestAuthority stranger;
  EXPECT_EQ(Verify(stranger.ClientCertificate("spiffe://example.org/crm")).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Verify({"garbage", ""}).status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(CertificateCacheTest, AChainIsPartOfWhatWasVerified) {
  const TestAuthority middle = authority_.Subordinate("Middle");
  const TestCertificate certificate = middle.ClientCertificate("spiffe://example.org/crm");
  const auto with_chain = [&](const std::string& chain) {
    return cache_.Verify(certificate.certificate_pem, chain, authority_.certificate_pem(), 1, now_)
        .ok();
  };
  EXPECT_FALSE(with_chain("")) << "it does not hang on the authority by itself";
  EXPECT_TRUE(with_chain(middle.certificate_pem()));
}

TEST_F(CertificateCacheTest, WhatCameWithACertificateIsKnownWhenItComesAloneLikeInAResumedSession) {
  const TestAuthority middle = authority_.Subordinate("Middle");
  const TestCertificate certificate = middle.ClientCertificate("spiffe://example.org/crm");
  const auto verifies = [&](const std::string& chain, const std::string& ca, uint64_t version) {
    return cache_.Verify(certificate.certificate_pem, chain, ca, version, now_).ok();
  };
  EXPECT_TRUE(verifies(middle.certificate_pem(), authority_.certificate_pem(), 1));
  EXPECT_TRUE(verifies("", authority_.certificate_pem(), 1));
  EXPECT_FALSE(verifies("", TestAuthority().certificate_pem(), 2)) << "it proves nothing by itself";
  EXPECT_TRUE(verifies("", authority_.certificate_pem(), 3));
}

TEST_F(CertificateCacheTest, OnlySoManyChainsAreKept) {
  const TestAuthority middle = authority_.Subordinate("Middle");
  const TestCertificate first = middle.ClientCertificate("spiffe://example.org/crm");
  const auto verify = [&](const TestCertificate& certificate, const std::string& chain) {
    return cache_.Verify(certificate.certificate_pem, chain, authority_.certificate_pem(), 1, now_)
        .ok();
  };
  ASSERT_TRUE(verify(first, middle.certificate_pem()));
  for (size_t i = 0; i < 2 * CertificateCache::kMostChainsOfAGeneration; ++i) {
    const std::string name = absl::StrCat("spiffe://example.org/", i);
    ASSERT_TRUE(verify(middle.ClientCertificate(name), middle.certificate_pem()));
  }
  EXPECT_FALSE(verify(first, ""));
}

TEST_F(CertificateCacheTest, OtherAuthoritiesAreAskedAnew) {
  const TestCertificate certificate = Issue("crm");
  ASSERT_TRUE(Verify(certificate, 1).ok());
  const TestAuthority next;
  EXPECT_FALSE(
      cache_.Verify(certificate.certificate_pem, "", next.certificate_pem(), 2, now_).ok());
  ASSERT_TRUE(Verify(certificate, 3).ok());
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(CertificateCacheTest, AnAnswerByEarlierAuthoritiesIsNotKeptForLaterOnes) {
  ASSERT_TRUE(Verify(Issue("crm"), 2).ok());
  ASSERT_TRUE(Verify(Issue("late"), 1).ok());
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(CertificateCacheTest, OneThatHasExpiredIsNotAnsweredFromMemory) {
  const TestCertificate certificate = Issue("crm");
  const Verified verified = Verify(certificate);
  ASSERT_TRUE(verified.ok());
  now_ = (*verified)->not_after + absl::Seconds(1);
  EXPECT_EQ(Verify(certificate).status().code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(CertificateCacheTest, AFloodOfCertificatesDoesNotMakeItGrowNorForgetsWhoIsThere) {
  const TestCertificate faithful = Issue("faithful");
  const std::shared_ptr<const ClientCertificate> first = Verify(faithful).value();
  const TestCertificate other = Issue("other");
  for (size_t i = 0; i < 3 * CertificateCache::kMostOfAGeneration; ++i) {
    // The same certificate in another writing: line ends behind it are nothing to OpenSSL.
    const std::string spelled = absl::StrCat(other.certificate_pem, "# ", i, "\n");
    ASSERT_TRUE(Verify({spelled, ""}).ok());
    if (i % 100 == 0) {
      EXPECT_EQ(Verify(faithful).value(), first) << i;
    }
    ASSERT_LE(cache_.size(), 2 * CertificateCache::kMostOfAGeneration);
  }
  EXPECT_GE(cache_.size(), CertificateCache::kMostOfAGeneration);
}

}  // namespace
}  // namespace onhook
