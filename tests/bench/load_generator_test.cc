// That the load generator hides no waiting: whoever a server keeps waiting is in the latencies.
// Each bound follows from how long the server stalls, and holds on a machine of any speed.
#include "tests/bench/load_generator.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "gtest/gtest.h"
#include "tests/bench/stalling_server.h"

namespace onhook {
namespace {

constexpr absl::Duration kStall = absl::Milliseconds(200);
constexpr int kConnections = 4;

class LoadGeneratorTest : public testing::Test {
 protected:
  LoadGeneratorTest() {
    options_.connections = kConnections;
    options_.rate = 1000;
    options_.last_answers = absl::Seconds(60);
  }

  LoadResult RunAgainst(const StallingServer::Options& server_options, absl::Duration duration) {
    const StallingServer server(server_options);
    options_.port = server.port();
    return LoadGenerator(options_).Run(duration);
  }

  static int64_t CountAbove(const LoadResult& result, absl::Duration bound) {
    return std::count_if(result.latencies.begin(), result.latencies.end(),
                         [&](absl::Duration each) { return each >= bound; });
  }

  LoadGenerator::Options options_;
};

TEST_F(LoadGeneratorTest, AStallIsInTheLatencyOfEveryPostThatWasDueMeanwhile) {
  StallingServer::Options server;
  server.stalls_at = 100;
  server.stall = kStall;
  const LoadResult result = RunAgainst(server, absl::Milliseconds(600));
  EXPECT_EQ(result.accepted, 600);
  EXPECT_EQ(result.errors(), 0);
  ASSERT_EQ(result.latencies.size(), 600u);
  EXPECT_GE(result.latencies.back(), kStall);
  // A hundred posts fell due in the first half of it, and those waited for the second half at
  // least. The posts of the other connections may have gone before the one it stalled at.
  EXPECT_GE(CountAbove(result, kStall / 2), 100 - kConnections);
  EXPECT_GE(result.Percentile(0.85), kStall / 2);
}

TEST_F(LoadGeneratorTest, WithoutARateNothingIsDueAndTheStallIsThatOfTheConnections) {
  options_.rate = 0;
  options_.posts = 600;
  StallingServer::Options server;
  server.stalls_at = 100;
  server.stall = kStall;
  const LoadResult result = RunAgainst(server, absl::Seconds(60));
  EXPECT_EQ(result.accepted, 600);
  EXPECT_GE(result.latencies.back(), kStall);
  EXPECT_EQ(result.behind, absl::ZeroDuration());
}

TEST_F(LoadGeneratorTest, WhatWasDueBeforeTheEndIsPostedAfterItAndWaits) {
  StallingServer::Options server;
  server.stalls_at = 1;
  server.stall = kStall;
  const LoadResult result = RunAgainst(server, kStall / 2);
  EXPECT_EQ(result.accepted, 100);
  EXPECT_EQ(result.errors(), 0);
  EXPECT_EQ(CountAbove(result, kStall / 2), 100);
}

TEST_F(LoadGeneratorTest,
       APostThatIsLostWithItsConnectionIsMadeAgainAndCountsFromItsFirstBeginning) {
  StallingServer::Options server;
  server.stalls_at = 10;
  server.stall = kStall;
  server.closes = true;
  const LoadResult result = RunAgainst(server, absl::Milliseconds(50));
  EXPECT_EQ(result.lost, 1);
  EXPECT_EQ(result.accepted, 50);
  ASSERT_EQ(result.latencies.size(), 50u);
  EXPECT_GE(result.latencies.back(), kStall);
}

TEST_F(LoadGeneratorTest, ARunThatIsStoppedHasPostedWhatWasDueByThen) {
  const StallingServer server({});
  options_.port = server.port();
  LoadGenerator load(options_);
  LoadResult result;
  std::thread run([&] { result = load.Run(absl::Hours(1)); });
  load.Stop();
  run.join();
  EXPECT_EQ(result.errors(), 0);
  EXPECT_EQ(result.accepted, load.callbacks());
  EXPECT_LE(static_cast<double>(result.accepted),
            options_.rate * absl::ToDoubleSeconds(result.elapsed) + 1);
}

TEST_F(LoadGeneratorTest, WhatHasNoAnswerAtTheEndIsLostAndCountsUntilThen) {
  options_.last_answers = absl::Milliseconds(50);
  StallingServer::Options server;
  server.stalls_at = 1;
  server.stall = absl::InfiniteDuration();
  const LoadResult result = RunAgainst(server, absl::Milliseconds(50));
  EXPECT_EQ(result.accepted, 0);
  EXPECT_EQ(result.lost, 50);
  ASSERT_EQ(result.latencies.size(), 50u);
  EXPECT_GE(result.latencies.front(), options_.last_answers);
}

TEST_F(LoadGeneratorTest, AServerThatTakesNoConnectionIsNoQuickOne) {
  options_.last_answers = absl::Milliseconds(50);
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(taken, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  options_.port = ntohs(address.sin_port);
  const LoadResult result = LoadGenerator(options_).Run(absl::Milliseconds(50));
  close(taken);
  EXPECT_EQ(result.lost, 50);
  EXPECT_GE(result.Percentile(0.01), options_.last_answers);
}

TEST_F(LoadGeneratorTest, AGeneratorThatIsLateItselfSaysHowMuch) {
  // All due at once, which no thread can do, though each has its connection.
  options_.rate = 1e9;
  options_.connections = 64;
  options_.posts = 64;
  const LoadResult result = RunAgainst({}, absl::Seconds(1));
  EXPECT_EQ(result.accepted, 64);
  EXPECT_GT(result.behind, absl::ZeroDuration());
  EXPECT_LE(result.behind, result.elapsed);
}

}  // namespace
}  // namespace onhook
