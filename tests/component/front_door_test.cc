// Sources, signatures and the quarantine, through the real ports and a real disk.
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/outside_faults.h"
#include "onhook/v1/rejected_callback_service.grpc.pb.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/signed_callback.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kKey[] = "0123456789abcdef";
constexpr char kOtherKey[] = "fedcba9876543210";
constexpr char kWords[] =
    R"("callSerialNo":"42","called":"88880067","caller":"3","callData":"order 7")";

class FrontDoorTest : public GatewayTest {
 protected:
  FrontDoorTest() {
    settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
    Settings::Source::SharedKey shared_key;
    shared_key.key_files = {directory_.Write("key", kKey)};
    Source().shared_key = shared_key;
  }
  Settings::Source& Source() { return settings_.sources.at(0); }

  static std::string Signed(absl::string_view words = kWords, absl::string_view nonce = "1",
                            absl::Duration ago = absl::ZeroDuration(),
                            absl::string_view key = kKey) {
    return SignedCallback(key, absl::Now() - ago, nonce, words);
  }
  std::unique_ptr<v1::RejectedCallbackService::Stub> Quarantine() {
    return v1::RejectedCallbackService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", gateway_->grpc_port()), grpc::InsecureChannelCredentials()));
  }
  std::vector<v1::RejectedCallback> Rejected() {
    grpc::ClientContext context;
    v1::ListRejectedCallbacksResponse response;
    EXPECT_TRUE(Quarantine()->ListRejectedCallbacks(&context, {}, &response).ok());
    return {response.rejected_callbacks().begin(), response.rejected_callbacks().end()};
  }
  v1::ReparseRejectedCallbacksResponse ReparseAll() {
    grpc::ClientContext context;
    v1::ReparseRejectedCallbacksRequest request;
    request.set_all(true);
    v1::ReparseRejectedCallbacksResponse response;
    const grpc::Status status =
        Quarantine()->ReparseRejectedCallbacks(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(FrontDoorTest, ARepeatOfASignedCallbackIsOneEventOverARestartToo) {
  StartGateway();
  const std::string callback = Signed();
  EXPECT_EQ(Post(callback).body, kSuccess);
  EXPECT_EQ(Post(callback).body, kSuccess);
  RestartGateway();
  EXPECT_EQ(Post(callback).body, kSuccess);
  EXPECT_EQ(Post(Signed(kWords, "2")).body, kSuccess) << "the same, signed again";
  EXPECT_THAT(StoredCalls(), ElementsAre("42"));
}

// What the scheme does not cover: spaces, and where one value ends and another field begins.
TEST_F(FrontDoorTest, WhatIsMadeOfACapturedCallbackIsNotAllowedOverARestartToo) {
  StartGateway();
  const std::string captured = Signed();
  EXPECT_EQ(Post(captured).body, kSuccess);
  const std::string altered[] = {
      absl::StrReplaceAll(captured, {{"order 7", "ord er7"}}),
      absl::StrReplaceAll(captured, {{R"("callData":"order 7","called":"88880067")", ""},
                                     {R"("caller":"3")", R"("caller":"3 ")"}}),
      absl::StrReplaceAll(
          captured, {{R"(,"called":"88880067","caller":"3")", R"(,"called":"88880067,caller=3")"}}),
  };
  for (const bool restarted : {false, true}) {
    if (restarted) RestartGateway();
    for (const std::string& body : altered) {
      const RawAnswer answer = Post(body);
      EXPECT_EQ(answer.status, 403) << body;
      EXPECT_EQ(answer.body, R"({"retCode":"1","retMsg":"not allowed"})") << body;
    }
  }
  EXPECT_THAT(StoredCalls(), ElementsAre("42"));
}

TEST_F(FrontDoorTest, AStaleRepeatGetsItsSuccessAndAStaleStrangerNone) {
  StartGateway();
  EXPECT_EQ(Post(Signed()).body, kSuccess);
  EXPECT_EQ(Post(Signed(kWords, "2", absl::Hours(1))).body, kSuccess);
  const RawAnswer stranger =
      Post(Signed(R"("callSerialNo":"43","called":"1")", "3", absl::Hours(1)));
  EXPECT_EQ(stranger.status, 401);
  EXPECT_EQ(Post(Signed(R"("callSerialNo":"44","called":"1")", "4", -absl::Hours(1))).status, 401)
      << "nor one from the future";
  EXPECT_THAT(StoredCalls(), ElementsAre("42"));
}

// Every byte of what is signed, changed at random: nothing may get in.
TEST_F(FrontDoorTest, NoForgeryIsAccepted) {
  StartGateway();
  const std::string genuine = Signed();
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  RawHttpClient client(gateway_->http_port());
  for (int i = 0; i < 300; ++i) {
    std::string forged = genuine;
    const size_t at = std::uniform_int_distribution<size_t>(0, forged.size() - 1)(random);
    const char byte = static_cast<char>(std::uniform_int_distribution<int>(33, 126)(random));
    if (forged[at] == byte || forged[at] == ' ') continue;
    forged[at] = byte;
    EXPECT_NE(client.Send(PostOf(forged)).ReadAnswer().status, 200) << forged;
  }
  EXPECT_THAT(StoredCalls(), IsEmpty());
  EXPECT_EQ(Post(genuine).body, kSuccess) << "the control: unchanged, it is";
}

TEST_F(FrontDoorTest, KeysChangeInTheirFilesWithoutALostCallback) {
  Source().shared_key->key_files.push_back(directory_.Write("previous", kOtherKey));
  StartGateway();
  EXPECT_EQ(Post(Signed(R"("callSerialNo":"1","called":"1")", "1", {}, kOtherKey)).body, kSuccess);
  EXPECT_EQ(Post(Signed(R"("callSerialNo":"2","called":"1")", "2")).body, kSuccess);
  directory_.Write("key", "a new key of more than 16 bytes");
  int answered = 0;
  // Within about a second the file is looked at again; until then the key is wrong.
  while (answered != 200) {
    answered = Post(Signed(R"("callSerialNo":"3","called":"1")", "3", {},
                           "a new key of more than 16 bytes"))
                   .status;
  }
  EXPECT_EQ(Post(Signed(R"("callSerialNo":"4","called":"1")", "4", {}, kOtherKey)).body, kSuccess);
  EXPECT_THAT(StoredCalls(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(FrontDoorTest, WhatWasSignedWithAKeyToComeBecomesAnEventOnceItIsThere) {
  StartGateway();
  EXPECT_EQ(Post(Signed(kWords, "1", {}, kOtherKey)).status, 401);
  EXPECT_EQ(Post("{").status, 400);
  ASSERT_THAT(Rejected(), SizeIs(2));
  EXPECT_EQ(Rejected().at(0).reason(), v1::RejectedCallback::REASON_SIGNATURE);

  Source().shared_key->key_files.push_back(directory_.Write("next", kOtherKey));
  RestartGateway();
  const v1::ReparseRejectedCallbacksResponse judged = ReparseAll();
  ASSERT_EQ(judged.event_ids_size(), 1);
  ASSERT_EQ(judged.refusals_size(), 1);
  EXPECT_EQ(judged.refusals(0).reason(), v1::RejectedCallback::REASON_MALFORMED);
  EXPECT_THAT(Rejected(), SizeIs(1)) << "what passed has left";

  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const v1::ReleaseEvent event = subscriber.Deliveries(1).at(0).event();
  EXPECT_EQ(event.event_id(), judged.event_ids(0));
  EXPECT_EQ(event.authentication(), v1::AUTHENTICATION_SIGNATURE);
  EXPECT_EQ(Post(Signed(kWords, "1", {}, kOtherKey)).body, kSuccess) << "a repeat of it";
  EXPECT_THAT(StoredCalls(), ElementsAre("42"));
}

TEST_F(FrontDoorTest, EachSourceHasItsPathItsProofAndItsZone) {
  Settings::Source shanghai;
  shanghai.name = "shanghai";
  shanghai.path = "/release-events/shanghai";
  shanghai.path_token_file = directory_.Write("path", "0123456789-path-token");
  shanghai.time_zone = "Asia/Shanghai";
  settings_.sources.push_back(shanghai);
  StartGateway();
  const std::string body =
      R"({"callSerialNo":"42","called":"1","releaseTime":"2022/02/22,10:04:36:318"})";
  const auto post_to = [&](absl::string_view path) {
    return RawHttpClient(gateway_->http_port())
        .Send(absl::StrReplaceAll(PostOf(body), {{"/release-events", path}}))
        .ReadAnswer();
  };
  EXPECT_EQ(post_to("/release-events").status, 401);
  EXPECT_EQ(post_to("/release-events/shanghai").status, 404);
  EXPECT_EQ(post_to("/release-events/shanghai/0123456789-path-tokem").status, 404);
  EXPECT_EQ(post_to("/release-events/shanghai/0123456789-path-token").status, 200);
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const v1::ReleaseEvent event = subscriber.Deliveries(1).at(0).event();
  EXPECT_EQ(event.source(), "shanghai");
  EXPECT_EQ(event.authentication(), v1::AUTHENTICATION_PATH);
  EXPECT_EQ(event.time_zone(), "Asia/Shanghai");
  EXPECT_EQ(event.release_time().seconds(), 1645495476) << "02:04:36 in UTC";
}

TEST_F(FrontDoorTest, AForwardedAddressIsBelievedFromATrustedProxyOnly) {
  Source().shared_key.reset();
  Source().allowed_networks = {*IpNetwork::Parse("198.51.100.0/24")};
  const auto post_from = [&](absl::string_view forwarded) {
    return RawHttpClient(gateway_->http_port())
        .Send(absl::StrReplaceAll(
            PostOf(CallbackOf("1")),
            {{"Host:", absl::StrCat("X-Forwarded-For: ", forwarded, "\r\nHost:")}}))
        .ReadAnswer()
        .status;
  };
  StartGateway();
  EXPECT_EQ(post_from("198.51.100.7"), 403) << "the peer is nobody's proxy";
  Source().trusted_proxies = {*IpNetwork::Parse("127.0.0.0/8")};
  RestartGateway();
  EXPECT_EQ(post_from("198.51.100.7"), 200);
  EXPECT_EQ(post_from("198.51.100.7, 203.0.113.9"), 403) << "the proxy saw another";
}

TEST_F(FrontDoorTest, ABodyIsKeptBesideItsEventIfThatIsWished) {
  settings_.store.keep_raw_body = true;
  StartGateway();
  const std::string callback = Signed();
  EXPECT_EQ(Post(callback).body, kSuccess);
  v1::ListEventsRequest list;
  list.set_call_serial_no("42");
  v1::ListEventsResponse listed;
  grpc::ClientContext listing;
  ASSERT_TRUE(stub_->ListEvents(&listing, list, &listed).ok());
  v1::GetEventRequest get;
  get.set_event_id(listed.stored_events(0).event().event_id());
  v1::GetEventResponse got;
  grpc::ClientContext getting;
  ASSERT_TRUE(stub_->GetEvent(&getting, get, &got).ok());
  EXPECT_EQ(got.stored_event().raw_body(), callback);
}

TEST_F(FrontDoorTest, ASourceThatOnlyReportsTakesWhatDoesNotVerify) {
  Source().shared_key->enforce = Settings::Source::SharedKey::Enforce::kReport;
  StartGateway();
  const std::string captured = Signed();
  EXPECT_EQ(Post(captured).body, kSuccess);
  EXPECT_EQ(Post(absl::StrReplaceAll(captured, {{"order 7", "ord er7"}})).body, kSuccess)
      << "of a captured callback, with its nonce";
  EXPECT_EQ(Post(CallbackOf("43")).body, kSuccess) << "unsigned";
  EXPECT_THAT(StoredCalls(), SizeIs(3));
  EXPECT_THAT(Rejected(), IsEmpty());
  EXPECT_THAT(AskAdmin("/metrics").body,
              HasSubstr("onhook_unverified_callbacks_total{source=\"default\"} 2\n"));
}

TEST_F(FrontDoorTest, WithoutRoomOnTheDiskNothingIsTakenAndTheGatewayIsNotReady) {
  Source().shared_key.reset();
  settings_.store.minimum_free_disk = int64_t{1} << 62;
  StartGateway();
  for (const std::string& body : {CallbackOf("1"), std::string("{")}) {
    const RawAnswer answer = Post(body);
    EXPECT_EQ(answer.status, 503) << body;
    EXPECT_EQ(answer.body, R"({"retCode":"3","retMsg":"not stored, try again"})") << body;
  }
  EXPECT_EQ(AskAdmin("/readyz").status, 503);
  EXPECT_THAT(AskAdmin("/readyz").body, HasSubstr("store: "));
  settings_.store.minimum_free_disk = 0;
  RestartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(AskAdmin("/readyz").status, 200);
}

TEST_F(FrontDoorTest, AFileOfASecretThatIsNoGoodKeepsTheGatewayFromStarting) {
  Source().shared_key->key_files = {directory_.Write("short", "too short")};
  Gateway gateway(settings_, &clock_, &log_);
  const absl::Status started = gateway.Start();
  EXPECT_EQ(started.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(started.message()), HasSubstr("sources: source default: "));
  EXPECT_THAT(std::string(started.message()), HasSubstr("/short"));
  EXPECT_THAT(FindOutsideFaults(settings_).faults, SizeIs(1));
}

}  // namespace
}  // namespace onhook
