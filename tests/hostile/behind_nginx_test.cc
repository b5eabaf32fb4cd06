// The corpus of malformed requests through nginx, which shares its connections to the server among
// its clients: there the answer or the body of one could reach another.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "tests/hostile/hostile_fixture.h"
#include "tests/hostile/malformed_requests.h"
#include "tests/hostile/nginx_proxy.h"

namespace onhook {
namespace {

using testing::IsEmpty;

class BehindNginxTest : public HostileTest {
 protected:
  void SetUp() override {
    if (!NginxProxy::IsInstalled())
      GTEST_SKIP() << "nginx is not installed (deploy/setup.sh --tests)";
    Start();
    proxy_ = std::make_unique<NginxProxy>(port());
    ASSERT_TRUE(proxy_->WaitUntilListening(absl::Seconds(60))) << proxy_->log();
  }

  // Whose answers a client is given until its connection ends.
  static std::vector<std::string> ServedTo(RawHttpClient& client) {
    std::vector<std::string> served;
    for (RawAnswer answer = client.ReadAnswer(); answer.status != 0; answer = client.ReadAnswer()) {
      absl::string_view body = answer.body;
      if (absl::ConsumePrefix(&body, "served ")) served.emplace_back(body);
    }
    return served;
  }

  // A well-behaved client that comes by the same connections.
  void ExpectServed() {
    const std::string marker = record_.NewMarker();
    RawHttpClient client(proxy_->port());
    const RawAnswer answer = client.Send(RequestRecord::RequestOf(marker)).ReadAnswer();
    EXPECT_EQ(answer.body, RequestRecord::AnswerTo(marker)) << proxy_->log();
    EXPECT_EQ(record_.TimesTaken(marker), 1);
  }

  std::unique_ptr<NginxProxy> proxy_;
};

TEST_F(BehindNginxTest, AGoodRequestIsServedOnceAndAsItIs) {
  for (int i = 0; i < 10; ++i) ExpectServed();
  EXPECT_THAT(record_.TakeFaults(), IsEmpty());
}

TEST_F(BehindNginxTest, NoMalformedRequestIsServedTwiceOrWithTheBodyOfAnother) {
  for (const MalformedRequest& row : MalformedRequests()) {
    const std::string before = record_.NewMarker();
    const std::string malformed = record_.NewMarker();
    const std::string smuggled = record_.NewMarker();
    const std::string behind = record_.NewMarker();
    RawHttpClient client(proxy_->port());
    client.Send(absl::StrCat(RequestRecord::RequestOf(before), row.WithMarkers(malformed, smuggled),
                             RequestRecord::RequestOf(behind)));
    ExpectServed();  // while the malformed one may be under way
    const std::vector<std::string> served = ServedTo(client.FinishSending());
    ExpectServed();

    // nginx may mend a request, and then serve it and what is behind it: each its own answer, once.
    const std::set<std::string> sent = {before, malformed, smuggled, behind};
    const std::set<std::string> answered(served.begin(), served.end());
    EXPECT_EQ(answered.size(), served.size()) << row.name;
    EXPECT_TRUE(std::includes(sent.begin(), sent.end(), answered.begin(), answered.end()))
        << row.name;
    EXPECT_THAT(record_.TakeFaults(), IsEmpty()) << row.name;
  }
}

}  // namespace
}  // namespace onhook
