// Many at once.
#include <atomic>
#include <thread>
#include <vector>

#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;

using CrowdTest = GatewayTest;

TEST_F(CrowdTest, OneBodyPostedAThousandTimesIsOneEventAndAThousandSuccesses) {
  constexpr int kConnections = 200;
  constexpr int kPostsEach = 5;
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");

  std::atomic<int> successes{0};
  std::vector<std::thread> vendors;
  for (int i = 0; i < kConnections; ++i) {
    vendors.emplace_back([&] {
      RawHttpClient connection(gateway_->http_port());
      for (int j = 0; j < kPostsEach; ++j) {
        const RawAnswer answer = connection.Send(PostOf(CallbackOf("1"))).ReadAnswer();
        if (answer.status == 200 && answer.body == kSuccess) ++successes;
      }
    });
  }
  for (std::thread& vendor : vendors) vendor.join();

  EXPECT_EQ(successes, kConnections * kPostsEach);
  EXPECT_THAT(StoredCalls(), ElementsAre("1"));
  AckDurably(subscriber, subscriber.Deliveries(1));
  EXPECT_EQ(PostCall("2").body, kSuccess);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("2"));  // and not "1" again
}

TEST_F(CrowdTest, EveryoneOfManyCallbacksIsDeliveredOnce) {
  constexpr int kConnections = 32;
  constexpr int kPostsEach = 25;
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");

  std::atomic<int> successes{0};
  std::vector<std::thread> vendors;
  for (int i = 0; i < kConnections; ++i) {
    vendors.emplace_back([&, i] {
      RawHttpClient connection(gateway_->http_port());
      for (int j = 0; j < kPostsEach; ++j) {
        const std::string call = absl::StrCat(i, "-", j);
        if (connection.Send(PostOf(CallbackOf(call))).ReadAnswer().body == kSuccess) ++successes;
      }
    });
  }
  std::vector<std::string> calls;
  while (calls.size() < kConnections * kPostsEach) {
    const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
    if (deliveries.empty()) break;
    for (const std::string& call : CallsOf(deliveries)) calls.push_back(call);
  }
  for (std::thread& vendor : vendors) vendor.join();

  EXPECT_EQ(successes, kConnections * kPostsEach);
  EXPECT_THAT(calls, ::testing::UnorderedElementsAreArray(StoredCalls()));
}

}  // namespace
}  // namespace onhook
