// Who may not see numbers gets none, from any RPC.
#include <gmock/gmock.h>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "onhook/v1/subscription_service.pb.h"
#include "tests/access/guarded_gateway.h"
#include "tests/access/raw_call.h"
#include "tests/access/rpc_list.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

using testing::ElementsAre;

constexpr char kBlindToken[] = "the-token-of-the-blind";
constexpr char kSeeingToken[] = "the-token-of-the-seeing";
constexpr absl::string_view kNumberWords[] = {"8888006", "canary"};

class NumbersTest : public testing::Test {
 protected:
  static RawMetadata Bearer(const std::string& token) {
    return {{"authorization", absl::StrCat("Bearer ", token)}};
  }
  static bool HoldsNumbers(const std::string& text) {
    return absl::c_any_of(kNumberWords,
                          [&](absl::string_view word) { return absl::StrContains(text, word); });
  }
  // With everything, but for numbers.
  static Settings::Identity Blind(GuardedGateway& gateway, bool sees_numbers = false) {
    Settings::Identity blind =
        GuardedGateway::WithEverything(gateway.ByToken("blind", kBlindToken));
    blind.see_numbers = sees_numbers;
    return blind;
  }
  static void Start(GuardedGateway& gateway) {
    GuardedGateway::Options options;
    options.access = {Blind(gateway),
                      GuardedGateway::WithEverything(gateway.ByToken("seeing", kSeeingToken))};
    gateway.Fill();
    gateway.Start(options);
  }
  // The RPCs by which somebody with this token got numbers, each from a gateway of its own.
  static std::vector<std::string> RpcsThatTold(const std::string& token) {
    GuardedGateway any;
    Start(any);
    std::vector<std::string> told;
    for (const std::string& rpc : ServedRpcs(any.Plain(), Bearer(token))) {
      GuardedGateway gateway;
      Start(gateway);
      const size_t enough = absl::EndsWith(rpc, "/Watch") ? 2 : 1;  // the first is a heartbeat
      const RawAnswer answer =
          absl::StartsWith(rpc, "/grpc.")
              ? CallRaw(gateway.Plain(), rpc, RequestsOf(rpc, gateway), Bearer(token))
              : CallRaw(gateway.Plain(), rpc, RequestsOf(rpc, gateway), Bearer(token), enough);
      if (HoldsNumbers(answer.Text())) told.push_back(rpc.substr(rpc.rfind('/') + 1));
    }
    return told;
  }
};

TEST_F(NumbersTest, NoRpcTellsThemToWhoMayNotSeeThem) {
  EXPECT_THAT(RpcsThatTold(kBlindToken), testing::IsEmpty());
}

// The control. Of Subscribe, which tells nothing to a client that half-closes, see below.
TEST_F(NumbersTest, WhoMaySeeThemGetsThem) {
  EXPECT_THAT(RpcsThatTold(kSeeingToken),
              testing::UnorderedElementsAre("Watch", "GetEvent", "ListEvents", "ListDeadLetters",
                                            "GetDeadLetter", "GetRejectedCallback"));
}

TEST_F(NumbersTest, ASubscriberWhoMayNotSeeThemGetsMaskedEvents) {
  GuardedGateway gateway;
  Start(gateway);
  const auto stub = v1::ReleaseEventService::NewStub(gateway.Plain());
  Subscriber subscriber(stub.get(), kBlindToken);
  subscriber.Open("old");
  const v1::ReleaseEvent event = subscriber.Deliveries(1)[0].event();
  EXPECT_TRUE(event.masked());
  EXPECT_EQ(event.called(), "888***67");
  EXPECT_EQ(event.call_data(), "***");
  EXPECT_EQ(event.recordfile(), "***");
  EXPECT_EQ(event.extra().at("mood"), "***");
  EXPECT_EQ(event.event_id(), gateway.EventIdOf("secret-1"));
  EXPECT_EQ(event.call_serial_no(), "secret-1");
  EXPECT_FALSE(HoldsNumbers(event.SerializeAsString()));
}

TEST_F(NumbersTest, ASubscriberWhoMaySeeThemGetsEventsAsTheyAreStored) {
  GuardedGateway gateway;
  Start(gateway);
  const auto stub = v1::ReleaseEventService::NewStub(gateway.Plain());
  Subscriber subscriber(stub.get(), kSeeingToken);
  subscriber.Open("old");
  const v1::ReleaseEvent event = subscriber.Deliveries(1)[0].event();
  EXPECT_FALSE(event.masked());
  EXPECT_EQ(event.called(), "88880067");
}

TEST_F(NumbersTest, AnOpenStreamFollowsThePermission) {
  GuardedGateway gateway;
  Start(gateway);
  const auto stub = v1::ReleaseEventService::NewStub(gateway.Plain());
  Watcher watcher(stub.get(), {}, kBlindToken);
  ASSERT_TRUE(watcher.Next().has_heartbeat());
  int calls = 0;
  for (const bool sees_numbers : {false, true, false}) {
    ASSERT_TRUE(gateway.access().Replace({Blind(gateway, sees_numbers)}).ok());
    gateway.Append(absl::StrCat("call-", ++calls));
    const v1::WatchResponse response = watcher.Next();
    ASSERT_EQ(response.events().events_size(), 1) << response.ShortDebugString();
    EXPECT_EQ(response.events().events(0).event().masked(), !sees_numbers);
    EXPECT_EQ(HoldsNumbers(response.SerializeAsString()), sees_numbers);
  }
}

}  // namespace
}  // namespace onhook
