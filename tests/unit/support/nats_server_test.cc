#include "tests/support/nats_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/nats_cluster.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

class NatsServerTest : public ::testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    if (const std::string missing = NatsServer::Missing(GetParam()); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
  }

  NatsServer::Options Single() const {
    NatsServer::Options options;
    options.version = GetParam();
    return options;
  }

  std::unique_ptr<NatsCluster> LedCluster() const {
    NatsCluster::Options options;
    options.version = GetParam();
    auto cluster = std::make_unique<NatsCluster>(options);
    EXPECT_TRUE(cluster->Start()) << cluster->log();
    return cluster;
  }

  // Asks the server for a stream in files, in its own protocol; true once it has it. A leader that
  // has only just been chosen may leave the first request unanswered.
  static bool MakeStream(const NatsServer& server, absl::string_view name, int replicas) {
    const std::string stream =
        absl::StrCat(R"({"name":")", name, R"(","subjects":[")", name, R"("],"storage":"file",)",
                     R"("retention":"limits","num_replicas":)", replicas, "}");
    for (int attempt = 0; attempt < 12; ++attempt) {
      RawHttpClient client(server.port());
      client.Send(absl::StrCat("CONNECT {\"verbose\":false}\r\nPUB $JS.API.STREAM.CREATE.", name,
                               " ", stream.size(), "\r\n", stream, "\r\nPING\r\n"));
      if (HasStream(server, name, absl::Seconds(5))) return true;
    }
    return false;
  }

  static bool HasStream(const NatsServer& server, absl::string_view name,
                        absl::Duration timeout = absl::Minutes(1)) {
    return server.WaitForAnswer("/jsz?accounts=1&streams=1",
                                absl::StrCat("\"name\": \"", name, "\""), timeout);
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, NatsServerTest,
                         ::testing::Values(NatsVersion::kNewest, NatsVersion::kOldest),
                         ::testing::PrintToStringParamName());

TEST_P(NatsServerTest, AServerSyncsAsItIsTold) {
  for (const bool always : {true, false}) {
    NatsServer::Options options = Single();
    options.sync_always = always;
    NatsServer server(options);
    ASSERT_TRUE(server.Start()) << server.log();
    const std::string said = server.Ask("/jsz");
    EXPECT_EQ(absl::StrContains(said, "\"sync_always\": true"), always) << said;
  }
}

TEST_P(NatsServerTest, AServerKeepsItsStreamsAndItsPortWhenItIsKilledOrStopped) {
  NatsServer server(Single());
  ASSERT_TRUE(server.Start()) << server.log();
  const std::string url = server.url();
  ASSERT_TRUE(MakeStream(server, "KEPT", 1)) << server.log();

  server.Kill();
  EXPECT_FALSE(server.running());
  ASSERT_TRUE(server.Start()) << server.log();
  EXPECT_TRUE(HasStream(server, "KEPT"));

  server.Stop();
  ASSERT_TRUE(server.Start()) << server.log();
  EXPECT_TRUE(HasStream(server, "KEPT"));
  EXPECT_EQ(server.url(), url);
}

TEST_P(NatsServerTest, APausedServerGoesOnOrIsKilled) {
  NatsServer server(Single());
  ASSERT_TRUE(server.Start()) << server.log();
  server.Pause();
  EXPECT_TRUE(server.running());
  server.Continue();
  EXPECT_THAT(server.Ask("/jsz"), HasSubstr("store_dir"));
  server.Pause();
  server.Kill();
  EXPECT_FALSE(server.running());
}

TEST_P(NatsServerTest, AServerThatCannotReadItsConfigurationDoesNotStart) {
  NatsServer::Options options = Single();
  options.more_configuration = "jetstream {";
  NatsServer server(options);
  EXPECT_FALSE(server.Start());
  EXPECT_FALSE(server.running());
  EXPECT_THAT(server.log(), HasSubstr("Parse error"));
}

TEST_P(NatsServerTest, AClusterKeepsAStreamOfThreeReplicasThroughTheLossOfItsLeader) {
  const std::unique_ptr<NatsCluster> cluster = LedCluster();
  EXPECT_THAT(cluster->urls(), Each(Not(HasSubstr(":0"))));
  const int leader = cluster->Leader();
  ASSERT_GE(leader, 0) << cluster->log();
  ASSERT_TRUE(MakeStream(cluster->server(leader), "SPREAD", 3)) << cluster->log();
  for (int i = 0; i < NatsCluster::kServers; ++i) {
    EXPECT_TRUE(HasStream(cluster->server(i), "SPREAD")) << i;
  }

  cluster->server(leader).Kill();
  EXPECT_TRUE(cluster->WaitUntilLed()) << cluster->log();
  EXPECT_NE(cluster->Leader(), leader);
  ASSERT_TRUE(cluster->Start()) << cluster->log();
  EXPECT_TRUE(HasStream(cluster->server(leader), "SPREAD"));
}

TEST_P(NatsServerTest, AServerStartsThoughTheOthersOfItsClusterAreGone) {
  const std::unique_ptr<NatsCluster> cluster = LedCluster();
  for (int i = 0; i < NatsCluster::kServers; ++i) cluster->server(i).Kill();
  EXPECT_TRUE(cluster->server(0).Start()) << cluster->log();
  EXPECT_EQ(cluster->Leader(), -1);
  EXPECT_TRUE(cluster->Start()) << cluster->log();
}

}  // namespace
}  // namespace onhook
