// What onhookd does with settings of an engine that it cannot reach, or that has nothing on a disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/support/child_process.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Answer {
  int exit_code = -1;
  std::string said;
};

Answer AnswerOf(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {OnhookdProgram()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ChildProcess program(command);
  const std::optional<ProcessEnd> end = program.Wait(absl::Seconds(60));
  return {end.has_value() ? end->exit_code : -1, program.output()};
}

TEST(OnhookdEngineTest, SettingsOfServersAreCheckedWithoutTheServers) {
  const Answer answer = AnswerOf(
      {"--check", "--store-engine=jetstream", "--store-jetstream-servers=nats://127.0.0.1:1"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.said, HasSubstr("the settings are right"));
}

TEST(OnhookdEngineTest, ABackupMakesAStoreOfSqliteOnly) {
  const TemporaryDirectory directory;
  directory.Write("backup", "");
  const Answer answer = AnswerOf(
      {"--restore", absl::StrCat(directory.path(), "/backup"), "--store-engine=jetstream"});
  EXPECT_EQ(answer.exit_code, 2);
  EXPECT_THAT(answer.said, AllOf(StartsWith("store.engine (flag --store-engine): is jetstream"),
                                 HasSubstr("no backups")));
}

TEST(OnhookdEngineTest, WhatAnotherEngineHasIsRefusedWithItsPlace) {
  const TemporaryDirectory directory;
  directory.Write("o.yaml",
                  "store:\n"
                  "  engine: jetstream\n"
                  "  directory: /var/lib/onhook\n"
                  "subscriptions:\n"
                  "  - name: crm\n"
                  "    backlog_limit: {bytes: 1MiB}\n");
  const Answer answer =
      AnswerOf({"--check", "--config", absl::StrCat(directory.path(), "/o.yaml")});
  EXPECT_EQ(answer.exit_code, 2);
  EXPECT_THAT(answer.said, AllOf(HasSubstr("o.yaml:3:14): belongs to store.engine sqlite"),
                                 HasSubstr("subscriptions[0].backlog_limit.bytes (file "),
                                 HasSubstr("o.yaml:6:")));
}

// What cannot be reached answers no better for being asked by a probe.
TEST(OnhookdEngineTest, AStartThatWaitsForServersSaysWhy) {
  OnhookdProcess::Options options;
  options.more_arguments = {"--store-engine=jetstream",
                            "--store-jetstream-servers=nats://127.0.0.1:1",
                            "--store-jetstream-request-timeout=100ms"};
  OnhookdProcess onhookd(options);
  ASSERT_TRUE(onhookd.WaitUntilAdminListens(absl::Seconds(60))) << onhookd.log();
  for (const char* path : {"/startupz", "/readyz"}) {
    RawAnswer answer;
    do {
      answer = RawHttpClient(onhookd.admin_port())
                   .Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"))
                   .ReadAnswer();
      ASSERT_EQ(answer.status, 503) << answer.body;
    } while (!absl::StrContains(answer.body, "tried 1 of them"));
    EXPECT_THAT(answer.body,
                AllOf(StartsWith("gateway: starting: recovers the store: asks the NATS servers ("),
                      HasSubstr("store.jetstream.servers: no NATS server answers"),
                      HasSubstr("No server available for connection")));
  }
}

}  // namespace
}  // namespace onhook
