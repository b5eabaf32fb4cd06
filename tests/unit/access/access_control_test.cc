#include "gateway/access/access_control.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Port = AccessControl::Port;

constexpr char kToken[] = "token-of-crm-000000";
constexpr char kOther[] = "other-token-0000000";

// A list of identities, before a port without TLS.
class AccessControlTest : public ::testing::Test {
 protected:
  static Settings::Identity Named(const std::string& name) {
    Settings::Identity identity;
    identity.name = name;
    return identity;
  }
  Settings::Identity WithToken(const std::string& name, const std::string& token) const {
    Settings::Identity identity = Named(name);
    identity.token_files = {directory_.Write(absl::StrCat("token-of-", name), token)};
    return identity;
  }
  static Settings::Identity OfUnixSocket(const std::string& name) {
    Settings::Identity identity = Named(name);
    identity.unix_socket = true;
    return identity;
  }
  static PeerCredentials Token(absl::string_view token) {
    PeerCredentials credentials;
    credentials.bearer_token = std::string(token);
    return credentials;
  }
  static PeerCredentials UnixSocket() {
    PeerCredentials credentials;
    credentials.over_unix_socket = true;
    return credentials;
  }

  void Open(std::vector<Settings::Identity> identities) {
    auto opened = AccessControl::Open(std::move(identities), nullptr, nullptr, &clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    access_ = *std::move(opened);
  }
  // The name of who is recognised, or why nobody is.
  std::string Identify(const PeerCredentials& credentials, Port port = Port::kGrpc) const {
    const absl::StatusOr<Caller> caller = access_->Identify(port, credentials);
    if (caller.ok()) return caller->name();
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    return absl::StrCat("! ", caller.status().message());
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  std::unique_ptr<AccessControl> access_;
};

TEST_F(AccessControlTest, WithAnEmptyListNobodyNeedsToBeRecognised) {
  Open({});
  EXPECT_TRUE(access_->is_open());
  for (const PeerCredentials& credentials : {PeerCredentials(), Token(kToken), UnixSocket()}) {
    EXPECT_EQ(Identify(credentials), "");
  }
  EXPECT_TRUE(access_->Identify(Port::kGrpc, {})->May(Permission::kAdminister, "crm"));
}

TEST_F(AccessControlTest, WithAListWhoeverShowsNothingIsRefused) {
  Open({Named("crm")});
  EXPECT_FALSE(access_->is_open());
  EXPECT_THAT(Identify({}), HasSubstr("neither a bearer token nor a client certificate"));
  EXPECT_THAT(Identify({}, Port::kAdmin), HasSubstr("neither"));
  EXPECT_THAT(Identify(UnixSocket()), HasSubstr("unix_socket: true"));
}

TEST_F(AccessControlTest, ATokenIsKnownOnBothPorts) {
  Open({Named("billing"), WithToken("crm", kToken)});
  EXPECT_EQ(Identify(Token(kToken)), "crm");
  EXPECT_EQ(Identify(Token(kToken), Port::kAdmin), "crm");
  EXPECT_EQ(access_->Identify(Port::kGrpc, Token(kToken))->valid_until(), absl::InfiniteFuture());
}

TEST_F(AccessControlTest, AWrongTokenIsRefusedWithoutBeingRepeated) {
  Open({WithToken("crm", kToken)});
  EXPECT_THAT(Identify(Token(kOther)), AllOf(HasSubstr("not known"), Not(HasSubstr(kOther))));
  EXPECT_THAT(Identify(Token("")), HasSubstr("Bearer TOKEN"));
}

TEST_F(AccessControlTest, AWrongTokenIsNotCoveredUpByTheUnixSocket) {
  Open({WithToken("crm", kToken), OfUnixSocket("sidecar")});
  PeerCredentials credentials = UnixSocket();
  EXPECT_EQ(Identify(credentials), "sidecar");
  credentials.bearer_token = kToken;
  EXPECT_EQ(Identify(credentials), "crm");
  credentials.bearer_token = kOther;
  EXPECT_THAT(Identify(credentials), HasSubstr("not known"));
  credentials.bearer_token = "";
  EXPECT_THAT(Identify(credentials), HasSubstr("Bearer TOKEN"));
}

TEST_F(AccessControlTest, ACertificateOnAPortWithoutAuthoritiesIsRefused) {
  PeerCredentials credentials;
  credentials.certificate_pem = "-----BEGIN CERTIFICATE-----";
  Open({});
  EXPECT_THAT(Identify(credentials), HasSubstr("no authority"));
  Open({OfUnixSocket("sidecar")});
  EXPECT_THAT(Identify(credentials), HasSubstr("no authority"));
}

TEST_F(AccessControlTest, WhatAnIdentityMayDoIsWhatTheListSays) {
  Settings::Identity crm = WithToken("crm", kToken);
  crm.subscribe = {"crm"};
  Open({crm});
  const absl::StatusOr<Caller> caller = access_->Identify(Port::kGrpc, Token(kToken));
  ASSERT_TRUE(caller.ok());
  EXPECT_TRUE(caller->May(Permission::kSubscribe, "crm"));
  EXPECT_FALSE(caller->May(Permission::kSubscribe, "billing"));
  EXPECT_FALSE(caller->May(Permission::kWatch));
  EXPECT_TRUE(access_->IsGivenToAnybody(Permission::kSubscribe));
  EXPECT_FALSE(access_->IsGivenToAnybody(Permission::kMonitor));
}

TEST_F(AccessControlTest, AnotherTokenInTheFileMovesTheGenerationWithoutAnyCall) {
  Open({WithToken("crm", kToken)});
  const uint64_t before = access_->generation();
  access_->Look();
  EXPECT_EQ(access_->generation(), before) << "nothing has changed";
  WithToken("crm", kOther);
  clock_.Advance(absl::Seconds(1));
  access_->Look();
  EXPECT_GT(access_->generation(), before);
  EXPECT_EQ(Identify(Token(kOther)), "crm");
}

TEST_F(AccessControlTest, ItsOwnThreadLooksToo) {
  const SystemClock real;
  absl::Notification noticed;
  const Log log(&real, LogLevel::kInfo, Log::Format::kText,
                [&noticed](absl::string_view) { noticed.Notify(); });
  auto opened = AccessControl::Open({WithToken("crm", kToken)}, nullptr, nullptr, &real, &log);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const uint64_t before = (*opened)->generation();
  WithToken("crm", kOther);
  noticed.WaitForNotification();
  while ((*opened)->generation() == before) std::this_thread::yield();
  EXPECT_TRUE((*opened)->Identify(Port::kGrpc, Token(kOther)).ok());
}

TEST_F(AccessControlTest, ARevokedTokenMovesTheGenerationWhenItIsNoLongerGood) {
  Open({WithToken("crm", kToken)});
  WithToken("crm", kOther);
  clock_.Advance(absl::Seconds(1));
  access_->Look();
  const uint64_t noticed = access_->generation();
  EXPECT_EQ(Identify(Token(kToken)), "crm");
  clock_.Advance(absl::Seconds(2));
  access_->Look();
  EXPECT_GT(access_->generation(), noticed);
  EXPECT_THAT(Identify(Token(kToken)), HasSubstr("not known"));
}

TEST_F(AccessControlTest, AnotherListHoldsAtOnce) {
  Open({WithToken("crm", kToken), WithToken("billing", kOther)});
  const uint64_t before = access_->generation();
  Settings::Identity billing = WithToken("billing", kOther);
  billing.watch = true;
  ASSERT_TRUE(access_->Replace({billing}).ok());
  EXPECT_GT(access_->generation(), before);
  EXPECT_THAT(Identify(Token(kToken)), HasSubstr("not known"));
  EXPECT_TRUE(access_->Identify(Port::kGrpc, Token(kOther))->May(Permission::kWatch));
}

TEST_F(AccessControlTest, AListThatIsNoGoodLeavesTheOldOneInUse) {
  Open({WithToken("crm", kToken)});
  const uint64_t before = access_->generation();
  Settings::Identity billing = Named("billing");
  billing.token_files = {directory_.path() + "/absent"};
  const absl::Status replaced = access_->Replace({billing});
  EXPECT_EQ(replaced.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(replaced.message()), HasSubstr("identity \"billing\""));
  EXPECT_EQ(access_->generation(), before);
  EXPECT_EQ(Identify(Token(kToken)), "crm");
}

TEST_F(AccessControlTest, ACallerKeepsWhatItWasGivenThoughTheListChanges) {
  Settings::Identity crm = WithToken("crm", kToken);
  crm.watch = true;
  Open({crm});
  const absl::StatusOr<Caller> caller = access_->Identify(Port::kGrpc, Token(kToken));
  ASSERT_TRUE(access_->Replace({Named("other")}).ok());
  EXPECT_EQ(caller->name(), "crm");
  EXPECT_TRUE(caller->May(Permission::kWatch));
}

TEST_F(AccessControlTest, FaultsOfTokenFilesNameTheSetting) {
  Settings settings;
  settings.access = {WithToken("crm", kToken), WithToken("billing", "short")};
  const std::vector<SettingFault> faults = FindTokenFaults(settings);
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_EQ(faults[0].setting, "access[1].token_files");
  EXPECT_THAT(faults[0].description, HasSubstr("at least 16"));
}

TEST_F(AccessControlTest, TwoIdentitiesWithOneTokenAreAFault) {
  Settings settings;
  settings.access = {WithToken("crm", kToken), WithToken("billing", kToken)};
  const std::vector<SettingFault> faults = FindTokenFaults(settings);
  ASSERT_THAT(faults, SizeIs(1));
  EXPECT_EQ(faults[0].setting, "access");
  EXPECT_THAT(faults[0].description, HasSubstr("\"crm\" and \"billing\" have the same token"));
  settings.access[1] = WithToken("billing", kOther);
  EXPECT_THAT(FindTokenFaults(settings), IsEmpty());
}

}  // namespace
}  // namespace onhook
