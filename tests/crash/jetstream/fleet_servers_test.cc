// The servers and cables that campaigns are made of do what is said of them.
#include "tests/crash/jetstream/fleet_servers.h"

#include <csignal>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);

class FleetServersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FleetServers::Missing().empty()) GTEST_SKIP() << FleetServers::Missing();
  }

  static void CreateStream(FleetServers& cluster) {
    const std::string config =
        absl::StrCat(R"({"name":"KEPT","subjects":["kept"],"num_replicas":)", cluster.size(), "}");
    // Servers that have only just found each other have no leader yet.
    for (int tries = 0; tries < 20; ++tries) {
      const std::string answer = cluster.Ask("$JS.API.STREAM.CREATE.KEPT", config);
      if (answer.find("\"error\"") == std::string::npos && !answer.empty()) break;
    }
    ASSERT_TRUE(cluster.WaitUntilCurrent({"KEPT"}, kPatience)) << cluster.logs();
  }
  // With the answers of the API, which are given once a message is kept.
  static void ExpectKept(FleetServers& cluster, int sequence) {
    EXPECT_THAT(cluster.Ask("kept", "it"), HasSubstr(absl::StrCat("\"seq\":", sequence)));
  }
};

TEST_F(FleetServersTest, OneServerAloneKeepsWhatItHasOverItsEnd) {
  FleetServers cluster(SeedOfRun(), {/*servers=*/1, /*sync_always=*/true, /*clients=*/1});
  ASSERT_TRUE(cluster.StartAll());
  CreateStream(cluster);
  ExpectKept(cluster, 1);
  cluster.KillAll();
  ASSERT_TRUE(cluster.StartAll());
  ExpectKept(cluster, 2);
}

TEST_F(FleetServersTest, TwoOfThreeGoOnWithoutTheThirdHoweverItIsGone) {
  FleetServers cluster(SeedOfRun(), FleetServers::Options());
  ASSERT_TRUE(cluster.StartAll());
  CreateStream(cluster);
  ExpectKept(cluster, 1);
  cluster.Kill(0);
  ExpectKept(cluster, 2);
  EXPECT_FALSE(cluster.WaitUntilCurrent({"KEPT"}, absl::ZeroDuration()));
  ASSERT_TRUE(cluster.Start(0));
  ASSERT_TRUE(cluster.WaitUntilCurrent({"KEPT"}, kPatience));
  cluster.CutServers(1, 0);
  cluster.CutServers(1, 2);
  ExpectKept(cluster, 3);
  cluster.MendAll();
  EXPECT_TRUE(cluster.WaitUntilCurrent({"KEPT"}, kPatience));
  ExpectKept(cluster, 4);
}

}  // namespace
}  // namespace onhook
