// Row 15 of what "never let in" is measured by: whoever lacks what an RPC takes gets no byte of
// what is stored, and changes nothing, whichever way he comes.
#include <gmock/gmock.h>

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/delivery/rpc_rules.h"
#include "tests/access/guarded_gateway.h"
#include "tests/access/raw_call.h"
#include "tests/access/rpc_list.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;
using Channel = std::shared_ptr<grpc::Channel>;

constexpr char kOwnersToken[] = "the-token-of-the-owner";
constexpr char kOwnersUri[] = "spiffe://example.org/owner";

RawMetadata Bearer(const std::string& token) {
  return {{"authorization", absl::StrCat("Bearer ", token)}};
}

// The ack of a Subscribe settles.
bool HasAnEffect(const std::string& rpc) {
  return FindRpcRule(rpc)->changes || absl::EndsWith(rpc, "/Subscribe");
}

bool HoldsSecrets(const std::string& text) {
  return std::any_of(std::begin(kSecretWords), std::end(kSecretWords),
                     [&](absl::string_view word) { return absl::StrContains(text, word); });
}

class AccessMatrixTest : public testing::Test {
 protected:
  // Fills a gateway that knows an owner, who may do everything, and `others`.
  void StartGateway(
      bool tls, std::vector<Settings::Identity> others = {},
      TlsOptions::ClientCertificate client_certificate = TlsOptions::ClientCertificate::kRequired) {
    GuardedGateway::Options options;
    options.tls = tls;
    options.client_certificate = client_certificate;
    options.access = std::move(others);
    options.access.push_back(Owner(tls));
    gateway_.Fill();
    gateway_.Start(options);
    rpcs_ = ServedRpcs(OwnersChannel(), OwnersMetadata());
  }
  Settings::Identity Owner(bool tls) {
    by_certificate_ = tls;
    return GuardedGateway::WithEverything(tls ? GuardedGateway::ByCertificate("owner", kOwnersUri)
                                              : gateway_.ByToken("owner", kOwnersToken));
  }
  Channel OwnersChannel() const {
    return by_certificate_ ? gateway_.Tls(gateway_.authority().ClientCertificate(kOwnersUri))
                           : gateway_.Plain();
  }
  RawMetadata OwnersMetadata() const {
    return by_certificate_ ? RawMetadata() : Bearer(kOwnersToken);
  }

  // What went wrong when all RPCs were called so: for each one that told something, changed
  // something, or was answered otherwise than with `expected`. `without`: those left out.
  std::vector<std::string> Leaks(const Channel& channel, const RawMetadata& metadata,
                                 StatusCode expected,
                                 const std::vector<std::string>& without = {}) {
    std::vector<std::string> leaks;
    for (const std::string& rpc : rpcs_) {
      if (absl::c_linear_search(without, rpc)) continue;
      const std::string before = gateway_.State();
      const RawAnswer answer = CallRaw(channel, rpc, RequestsOf(rpc, gateway_), metadata);
      const bool told = !answer.messages.empty() || HoldsSecrets(answer.Text());
      const bool as_expected = answer.status.error_code() == expected;
      if (told || !as_expected || gateway_.State() != before) {
        leaks.push_back(rpc);
        last_leak_ = absl::StrCat(rpc, ": ", answer.status.error_code(), " ", answer.Text());
      }
    }
    return leaks;
  }

  GuardedGateway gateway_;
  std::vector<std::string> rpcs_;
  std::string last_leak_;
  bool by_certificate_ = false;
};

const std::vector<std::string>& OfEverybodyKnown() {
  static const auto* const kRpcs = new std::vector<std::string>{
      "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  return *kRpcs;
}

TEST_F(AccessMatrixTest, EveryServedRpcHasARuleAndEveryRuleIsOfOne) {
  StartGateway(false);
  std::vector<std::string> ruled;
  for (const RpcRule& rule : RpcRules()) ruled.emplace_back(rule.method);
  EXPECT_THAT(rpcs_, UnorderedElementsAreArray(ruled));
}

// The control of all that follows: the same calls, by somebody who may make them.
TEST_F(AccessMatrixTest, WhoHasThePermissionsGetsThroughEverywhere) {
  StartGateway(true);
  for (const std::string& rpc : rpcs_) {
    GuardedGateway gateway;
    GuardedGateway::Options options;
    options.access = {GuardedGateway::WithEverything(gateway.ByToken("owner", kOwnersToken))};
    gateway.Fill();
    gateway.Start(options);
    const std::string before = gateway.State();
    const size_t enough = absl::EndsWith(rpc, "/Subscribe") ? 100 : 1;  // it ends by itself
    const RawAnswer answer =
        CallRaw(gateway.Plain(), rpc, RequestsOf(rpc, gateway), Bearer(kOwnersToken), enough);
    EXPECT_FALSE(answer.messages.empty()) << rpc << " " << answer.Text();
    EXPECT_EQ(gateway.State() != before, HasAnEffect(rpc)) << rpc;
  }
}

TEST_F(AccessMatrixTest, WhoHasTheCertificateGetsThroughEverywhere) {
  StartGateway(true);
  const Channel channel = OwnersChannel();
  for (const std::string& rpc : rpcs_) {
    const RawAnswer answer = CallRaw(channel, rpc, RequestsOf(rpc, gateway_), {});
    EXPECT_FALSE(answer.messages.empty()) << rpc << " " << answer.Text();
  }
}

// The second control: the matrix notices when nobody is kept out.
TEST_F(AccessMatrixTest, WithoutAnAccessListEveryRpcLeaks) {
  gateway_.Fill();
  gateway_.Start({});
  rpcs_ = ServedRpcs(gateway_.Plain(), {});
  EXPECT_THAT(Leaks(gateway_.Plain(), {}, StatusCode::UNAUTHENTICATED), ElementsAreArray(rpcs_));
}

TEST_F(AccessMatrixTest, WhoHasNoGoodCertificateGetsNoFurtherThanTheHandshake) {
  StartGateway(true);
  TestCertificateRequest good;
  good.uris = {kOwnersUri};
  good.usage = "clientAuth";
  TestCertificateRequest of_server = good;
  of_server.usage = "serverAuth";
  TestCertificateRequest expired = good;
  expired.not_before = absl::Now() - absl::Hours(3);
  expired.not_after = absl::Now() - absl::Hours(1);
  const TestAuthority stranger("Test Authority");  // of the same name
  const std::pair<const char*, Channel> rows[] = {
      {"none", gateway_.Tls({})},
      {"by another authority", gateway_.Tls(stranger.ClientCertificate(kOwnersUri))},
      {"signed by itself", gateway_.Tls(SignedByItself(good))},
      {"expired", gateway_.Tls(gateway_.authority().Issue(expired))},
      {"of a server", gateway_.Tls(gateway_.authority().Issue(of_server))},
      {"no TLS at all", gateway_.Plain()},
  };
  for (const auto& [certificate, channel] : rows) {
    EXPECT_THAT(Leaks(channel, {}, StatusCode::UNAVAILABLE), IsEmpty())
        << certificate << ": " << last_leak_;
    EXPECT_THAT(Leaks(channel, Bearer(kOwnersToken), StatusCode::UNAVAILABLE), IsEmpty())
        << certificate << ": " << last_leak_;
  }
}

TEST_F(AccessMatrixTest, WhoIsNotRecognisedGetsNothing) {
  StartGateway(true, {gateway_.ByToken("by-token", kOwnersToken)},
               TlsOptions::ClientCertificate::kOptional);
  const TestAuthority& authority = gateway_.authority();
  const Channel owner = OwnersChannel();
  const Channel stranger =
      gateway_.Tls(authority.ClientCertificate("spiffe://example.org/somebody"));
  const Channel nobody = gateway_.Tls({});
  const struct {
    const char* what;
    Channel channel;
    RawMetadata metadata;
  } rows[] = {
      {"nothing is shown", nobody, {}},
      {"a certificate of a name that is not listed", stranger, {}},
      {"a wrong token", nobody, Bearer("the-token-of-the-ownes")},
      {"a token and more", nobody, Bearer(absl::StrCat(kOwnersToken, "x"))},
      {"a wrong token beside a good certificate", owner, Bearer("a-wrong-token-of-some-length")},
      {"no token after the scheme", nobody, Bearer("")},
      {"another scheme", nobody, {{"authorization", absl::StrCat("Basic ", kOwnersToken)}}},
      {"two tokens",
       nobody,
       {{"authorization", absl::StrCat("Bearer ", kOwnersToken)},
        {"authorization", absl::StrCat("Bearer ", kOwnersToken)}}},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(Leaks(row.channel, row.metadata, StatusCode::UNAUTHENTICATED), IsEmpty())
        << row.what << ": " << last_leak_;
  }
}

TEST_F(AccessMatrixTest, WhoIsNotRecognisedGetsNothingInClearText) {
  StartGateway(false);
  EXPECT_THAT(Leaks(gateway_.Plain(), {}, StatusCode::UNAUTHENTICATED), IsEmpty()) << last_leak_;
  EXPECT_THAT(
      Leaks(gateway_.Plain(), Bearer("a-wrong-token-of-some-length"), StatusCode::UNAUTHENTICATED),
      IsEmpty())
      << last_leak_;
}

// But health and reflection, which tell nothing of what is stored: gRPC lets no gate stand before
// connections of this kind, and who may open the socket is said by its file's permissions.
TEST_F(AccessMatrixTest, WhoIsNotRecognisedGetsNothingThroughTheUnixSocket) {
  StartGateway(true);
  for (const RawMetadata& metadata : {RawMetadata(), Bearer("a-wrong-token-of-some-length")}) {
    EXPECT_THAT(
        Leaks(gateway_.UnixSocket(), metadata, StatusCode::UNAUTHENTICATED, OfEverybodyKnown()),
        IsEmpty())
        << last_leak_;
  }
}

TEST_F(AccessMatrixTest, WhoIsGivenNothingGetsNothing) {
  StartGateway(false, {gateway_.ByToken("idle", "the-token-of-the-idle")});
  for (const Channel& channel : {gateway_.Plain(), gateway_.UnixSocket()}) {
    EXPECT_THAT(Leaks(channel, Bearer("the-token-of-the-idle"), StatusCode::PERMISSION_DENIED,
                      OfEverybodyKnown()),
                IsEmpty())
        << last_leak_;
  }
}

TEST_F(AccessMatrixTest, OnePermissionOpensNothingOfAnother) {
  const std::vector<Permission> permissions = {
      Permission::kSubscribe, Permission::kCreate,     Permission::kAdminister,
      Permission::kWatch,     Permission::kReadEvents, Permission::kRejectedCallbacks,
      Permission::kSeeNumbers};
  const auto token_of = [](Permission permission) {
    return absl::StrCat("the-token-of-", PermissionName(permission));
  };
  std::vector<Settings::Identity> identities;
  for (const Permission permission : permissions) {
    Settings::Identity identity =
        gateway_.ByToken(std::string(PermissionName(permission)), token_of(permission));
    if (permission == Permission::kSubscribe) identity.subscribe = {"*"};
    if (permission == Permission::kCreate) identity.create = {"*"};
    if (permission == Permission::kAdminister) identity.administer = {"*"};
    identity.watch = permission == Permission::kWatch;
    identity.read_events = permission == Permission::kReadEvents;
    identity.rejected_callbacks = permission == Permission::kRejectedCallbacks;
    identity.see_numbers = permission == Permission::kSeeNumbers;
    identities.push_back(identity);
  }
  StartGateway(false, identities);
  for (const Permission permission : permissions) {
    std::vector<std::string> open = OfEverybodyKnown();
    for (const RpcRule& rule : RpcRules()) {
      const bool enough = rule.permission == permission || rule.alternative == permission;
      if (enough && !rule.besides.has_value()) open.emplace_back(rule.method);
    }
    EXPECT_THAT(
        Leaks(gateway_.Plain(), Bearer(token_of(permission)), StatusCode::PERMISSION_DENIED, open),
        IsEmpty())
        << PermissionName(permission) << ": " << last_leak_;
  }
}

// All there is goes out with a backup: a pattern that does not stand for every subscription that
// there may be is not enough, nor is one permission without the other.
TEST_F(AccessMatrixTest, ABackupTakesTheAdministrationOfEverySubscriptionAndItsNumbers) {
  const struct {
    const char* name;
    std::vector<std::string> administer;
    bool see_numbers;
    StatusCode expected;
  } rows[] = {{"those-there-are",
               {"crm", "paused", "old", "secret-other"},
               true,
               StatusCode::PERMISSION_DENIED},
              {"nearly-all", {"crm*", "*-other"}, true, StatusCode::PERMISSION_DENIED},
              {"without-numbers", {"*"}, false, StatusCode::PERMISSION_DENIED},
              {"everything", {"*"}, true, StatusCode::OK}};
  const auto token_of = [](const auto& row) { return absl::StrCat("the-token-of-", row.name); };
  std::vector<Settings::Identity> identities;
  for (const auto& row : rows) {
    Settings::Identity identity = gateway_.ByToken(row.name, token_of(row));
    identity.administer = row.administer;
    identity.see_numbers = row.see_numbers;
    identities.push_back(identity);
  }
  StartGateway(false, identities);
  for (const auto& row : rows) {
    const RawAnswer answer = CallRaw(gateway_.Plain(), "/onhook.v1.BackupService/CreateBackup",
                                     {""}, Bearer(token_of(row)), 100);
    EXPECT_EQ(answer.status.error_code(), row.expected) << row.name << " " << answer.Text();
    EXPECT_EQ(answer.messages.empty(), row.expected != StatusCode::OK) << row.name;
  }
}

class NeighbourTest : public AccessMatrixTest {
 protected:
  // May do everything with subscriptions whose names begin with "next-", and nothing else.
  void SetUp() override {
    Settings::Identity neighbour = gateway_.ByToken("neighbour", "the-token-of-the-neighbour");
    neighbour.subscribe = neighbour.create = neighbour.administer = {"next-*"};
    StartGateway(false, {neighbour});
  }
  const RawMetadata token_ = Bearer("the-token-of-the-neighbour");
};

TEST_F(NeighbourTest, NothingOfOtherSubscriptionsIsToldOrChanged) {
  std::vector<std::string> without = OfEverybodyKnown();
  without.emplace_back("/onhook.v1.SubscriptionService/ListSubscriptions");
  EXPECT_THAT(Leaks(gateway_.Plain(), token_, StatusCode::PERMISSION_DENIED, without), IsEmpty())
      << last_leak_;
}

TEST_F(NeighbourTest, AListHoldsWhatMayBeSeenAndItsPagesAreFull) {
  ASSERT_TRUE(gateway_.store().CreateSubscription("next-1", {}).ok());
  ASSERT_TRUE(gateway_.store().CreateSubscription("next-2", {}).ok());
  v1::ListSubscriptionsRequest request;
  request.set_page_size(1);
  std::vector<std::string> names;
  do {
    const RawAnswer answer =
        CallRaw(gateway_.Plain(), "/onhook.v1.SubscriptionService/ListSubscriptions",
                {request.SerializeAsString()}, token_);
    ASSERT_EQ(answer.messages.size(), 1u) << answer.Text();
    EXPECT_FALSE(HoldsSecrets(answer.Text()));
    v1::ListSubscriptionsResponse page;
    ASSERT_TRUE(page.ParseFromString(answer.messages[0]));
    ASSERT_EQ(page.subscriptions_size(), 1);
    names.push_back(page.subscriptions(0).name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, testing::ElementsAre("next-1", "next-2"));
}

TEST_F(NeighbourTest, ADeliveryIdOfAnotherSubscriptionSettlesNothing) {
  ASSERT_TRUE(gateway_.store().CreateSubscription("next-1", {}).ok());
  const std::string before = gateway_.State();
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription("next-1");
  open.mutable_open()->set_max_outstanding_events(1);
  std::vector<std::string> requests = {open.SerializeAsString()};
  for (const char* kind : {"ack", "nack", "extend"}) {
    v1::SubscribeRequest request;
    if (absl::string_view(kind) == "ack") {
      request.mutable_ack()->add_delivery_ids(gateway_.held_delivery_id());
    } else if (absl::string_view(kind) == "nack") {
      request.mutable_nack()->add_delivery_ids(gateway_.held_delivery_id());
      request.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
    } else {
      request.mutable_extend()->add_delivery_ids(gateway_.held_delivery_id());
      request.mutable_extend()->mutable_ack_deadline()->set_seconds(60);
    }
    requests.push_back(request.SerializeAsString());
  }
  const RawAnswer answer =
      CallRaw(gateway_.Plain(), "/onhook.v1.ReleaseEventService/Subscribe", requests, token_, 100);
  int unknown = 0;
  for (const std::string& message : answer.messages) {
    v1::SubscribeResponse response;
    ASSERT_TRUE(response.ParseFromString(message));
    for (const auto& exception : response.ack_results().exceptions()) {
      unknown += exception.result() == v1::AckResults::RESULT_UNKNOWN ? 1 : 0;
    }
  }
  EXPECT_EQ(unknown, 3) << answer.Text();
  EXPECT_EQ(gateway_.State(), before);
}

TEST_F(AccessMatrixTest, WhoseIdentityIsTakenOffTheListGetsNothing) {
  StartGateway(false);
  const Channel channel = OwnersChannel();
  Settings::Identity powerless = gateway_.ByToken("owner", kOwnersToken);
  ASSERT_TRUE(gateway_.access().Replace({powerless}).ok());
  EXPECT_THAT(Leaks(channel, OwnersMetadata(), StatusCode::PERMISSION_DENIED, OfEverybodyKnown()),
              IsEmpty())
      << last_leak_;
  ASSERT_TRUE(gateway_.access().Replace({gateway_.ByToken("other", "the-token-of-another")}).ok());
  EXPECT_THAT(Leaks(channel, OwnersMetadata(), StatusCode::UNAUTHENTICATED), IsEmpty())
      << last_leak_;
}

// A method that somebody adds and forgets to write a rule for is as this one.
TEST_F(AccessMatrixTest, AMethodWithoutARuleIsForNobody) {
  StartGateway(false);
  const std::string method = "/onhook.v1.ReleaseEventService/ReadEverything";
  for (const auto& [metadata, expected] : std::vector<std::pair<RawMetadata, StatusCode>>{
           {OwnersMetadata(), StatusCode::PERMISSION_DENIED}, {{}, StatusCode::UNAUTHENTICATED}}) {
    const RawAnswer answer = CallRaw(gateway_.Plain(), method, {""}, metadata);
    EXPECT_EQ(answer.status.error_code(), expected) << answer.Text();
    EXPECT_THAT(answer.messages, IsEmpty());
  }
}

}  // namespace
}  // namespace onhook
