// The disks and their power, held against servers alone: who syncs before it acknowledges has what
// it acknowledged after a cut, and who does not has not.
#include "tests/crash/jetstream/server_disks.h"

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/fleet_servers.h"
#include "tests/crash/jetstream/nats_question.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr int kMessages = 20;
constexpr int kBetweenTriesMs = 200;

// Of the acknowledgement of a message; 0: it is none.
int64_t SequenceIn(absl::string_view answer) {
  const std::vector<absl::string_view> parts = absl::StrSplit(answer, "\"seq\":");
  if (parts.size() != 2) return 0;
  int64_t sequence = 0;
  return absl::SimpleAtoi(parts[1].substr(0, parts[1].find_first_of(",}")), &sequence) ? sequence
                                                                                       : 0;
}

class ServerDisksTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDisks::Missing().empty()) GTEST_SKIP() << ServerDisks::Missing();
  }

  // What the only server says of its stream after some messages, of which each was acknowledged,
  // and a cut.
  static std::string StreamAfterACut(bool sync_always) {
    const uint64_t seed = SeedOfRun();
    ServerDisks disks(1, seed);
    FleetServers cluster(seed, {/*servers=*/1, sync_always, /*clients=*/1});
    disks.Give(cluster);
    EXPECT_TRUE(cluster.StartAll());
    cluster.Ask("$JS.API.STREAM.CREATE.KEPT", R"({"name":"KEPT","subjects":["kept"]})");
    EXPECT_TRUE(cluster.WaitUntilCurrent({"KEPT"}, kPatience));
    disks.SyncAll();
    for (int i = 1; i <= kMessages; ++i) {
      EXPECT_THAT(cluster.Ask("kept", "it"), HasSubstr(absl::StrCat("\"seq\":", i)));
    }
    disks.CutPower(cluster, {0});
    EXPECT_TRUE(cluster.StartAll());
    return cluster.Ask("$JS.API.STREAM.INFO.KEPT");
  }
};

TEST_F(ServerDisksTest, WhoSyncsAlwaysHasWhatItAcknowledged) {
  EXPECT_THAT(StreamAfterACut(/*sync_always=*/true),
              HasSubstr(absl::StrCat("\"messages\":", kMessages, ",")));
}

TEST_F(ServerDisksTest, WhoSyncsEveryTwoMinutesHasNot) {
  EXPECT_THAT(StreamAfterACut(/*sync_always=*/false),
              Not(HasSubstr(absl::StrCat("\"messages\":", kMessages, ","))));
}

// Posts messages one after the other, from a thread of its own, until it is told to end, and keeps
// what was acknowledged.
class Publisher {
 public:
  explicit Publisher(const FleetServers* cluster) : cluster_(*cluster) {
    thread_ = std::thread([this] {
      for (int64_t number = 0; !ends_; ++number) Publish(absl::StrCat("message ", number));
    });
  }
  ~Publisher() { End(); }
  void End() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int64_t acknowledged() const { return acknowledged_; }
  // After End(): by sequence.
  const std::map<int64_t, std::string>& kept() const { return kept_; }

 private:
  void Publish(const std::string& message) {
    const int64_t sequence = SequenceIn(AskNats(cluster_.cable_port(0, last_), "kept", message));
    if (sequence == 0) {
      last_ = (last_ + 1) % cluster_.size();
      return;
    }
    kept_[sequence] = message;
    ++acknowledged_;
  }

  const FleetServers& cluster_;
  int last_ = 0;
  std::map<int64_t, std::string> kept_;
  std::atomic<int64_t> acknowledged_{0};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

// What it is worth that events are lost by nobody here: the servers by themselves keep what they
// acknowledged.
TEST_F(ServerDisksTest, ThreeThatSyncAlwaysHaveWhatTheyAcknowledgedWhicheverIsCut) {
  const uint64_t rounds = FromEnvironment("ONHOOK_ROUNDS", 1);
  const bool all_at_once = FromEnvironment("ONHOOK_ALL_AT_ONCE", 0) != 0;
  const uint64_t seed = SeedOfRun();
  std::mt19937_64 random(seed);
  ServerDisks disks(3, seed);
  FleetServers cluster(seed, {/*servers=*/3, /*sync_always=*/true, /*clients=*/1});
  disks.Give(cluster);
  ASSERT_TRUE(cluster.StartAll());
  const auto is_there = [&] {
    cluster.Ask("$JS.API.STREAM.CREATE.KEPT",
                R"({"name":"KEPT","subjects":["kept"],"num_replicas":3})");
    return cluster.WaitUntilCurrent({"KEPT"}, absl::Seconds(1));
  };
  for (int tries = 0; tries < 30 && !is_there(); ++tries) continue;
  Publisher publisher(&cluster);
  for (uint64_t round = 0; round < rounds; ++round) {
    const int64_t before = publisher.acknowledged();
    const int cut = static_cast<int>(random() % 3);
    disks.CutPower(cluster, all_at_once ? std::vector<int>{0, 1, 2} : std::vector<int>{cut});
    ASSERT_TRUE(cluster.StartAll());
    ASSERT_TRUE(cluster.WaitUntilCurrent({"KEPT"}, kPatience));
    std::cout << "cut " << round << ": " << before << " acknowledged" << std::endl;
  }
  publisher.End();
  EXPECT_GT(publisher.acknowledged(), 0);
  int64_t lost = 0;
  for (const auto& [sequence, message] : publisher.kept()) {
    const std::string question = absl::StrCat("{\"seq\":", sequence, "}");
    std::string found;
    // A new leader may not be ready for it.
    for (int tries = 0; tries < 50 && !absl::StrContains(found, "\"message\":") &&
                        !absl::StrContains(found, "no message found");
         ++tries) {
      if (tries > 0) poll(nullptr, 0, kBetweenTriesMs);
      found = cluster.Ask("$JS.API.STREAM.MSG.GET.KEPT", question);
    }
    if (absl::StrContains(found, absl::Base64Escape(message))) continue;
    ++lost;
    std::cout << "lost: " << message << " at " << sequence << ", where there is " << found << "\n";
  }
  EXPECT_EQ(lost, 0) << "of " << publisher.acknowledged();
  std::cout << rounds << " cuts, " << publisher.acknowledged() << " messages acknowledged, " << lost
            << " lost" << std::endl;
}

}  // namespace
}  // namespace onhook
