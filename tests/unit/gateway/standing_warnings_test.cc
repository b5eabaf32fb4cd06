#include "gateway/standing_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/base/clock.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is said of the store.
std::vector<std::string> WarningsOf(const Settings::JetStream& jetstream) {
  Settings settings;
  settings.store.engine = Settings::Store::Engine::kJetStream;
  settings.store.jetstream = jetstream;
  const SystemClock clock;
  std::vector<std::string> lines;
  const Log log(&clock, LogLevel::kInfo, Log::Format::kJson, [&lines](absl::string_view line) {
    if (line.find(R"("component":"store")") != absl::string_view::npos) lines.emplace_back(line);
  });
  LogStandingWarnings(settings, log);
  return lines;
}

Settings::JetStream Servers(int replicas, bool sync_always) {
  Settings::JetStream servers;
  servers.replicas = replicas;
  servers.servers_sync_always = sync_always;
  return servers;
}

TEST(StandingWarningsTest, SeveralServersThatSyncNeedNone) {
  EXPECT_THAT(WarningsOf(Servers(3, true)), IsEmpty());
}

TEST(StandingWarningsTest, WhatAPowerCutTakesIsToldOfOneServerAndOfSeveral) {
  EXPECT_THAT(WarningsOf(Servers(3, false)),
              ElementsAre(AllOf(HasSubstr("power of several fails at a time"),
                                HasSubstr("servers_sync_always"))));
  EXPECT_THAT(WarningsOf(Servers(1, false)),
              ElementsAre(HasSubstr("lies on one NATS server"), HasSubstr("if its power fails")));
}

TEST(StandingWarningsTest, OneServerIsToldToBeOne) {
  EXPECT_THAT(WarningsOf(Servers(1, true)),
              ElementsAre(AllOf(HasSubstr("lies on one NATS server"), HasSubstr("three servers"),
                                HasSubstr("store.jetstream.replicas"))));
}

TEST(StandingWarningsTest, CleartextToOtherMachinesIsTold) {
  Settings::JetStream servers = Servers(3, true);
  servers.servers = {"nats://nats.example:4222"};
  EXPECT_THAT(WarningsOf(servers), ElementsAre(HasSubstr("without TLS")));
  servers.servers = {"tls://nats.example:4222"};
  EXPECT_THAT(WarningsOf(servers), IsEmpty());
}

}  // namespace
}  // namespace onhook
