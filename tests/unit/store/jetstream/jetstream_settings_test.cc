// Settings that do not fit the streams, which a gateway shares with others: it says which of them
// is wrong, and changes nothing behind the others' backs.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gmock/gmock.h"
#include "tests/contract/engine.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class JetStreamSettingsTest : public NatsTest {
 protected:
  JetStreamOptions Options() const {
    JetStreamOptions options;
    options.nats.servers = {server_->url()};
    options.replicas = 1;
    options.tick_interval = absl::Milliseconds(5);
    return options;
  }
  std::unique_ptr<Store> Open(const JetStreamOptions& options) {
    auto store = OpenJetStreamStore(options, &clock_, &log_, nullptr);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  // Why a gateway does not start with these.
  std::string Refusal(const JetStreamOptions& options) {
    const absl::Status status = OpenJetStreamStore(options, &clock_, &log_, nullptr).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return std::string(status.message());
  }
  static StoreLimits LimitsWithWindow(absl::Duration window) {
    StoreLimits limits;
    limits.retention.deduplication_window = window;
    return limits;
  }
  absl::Duration WindowOfStream() { return Info("ONHOOK")->config.duplicate_window; }
};

INSTANTIATE_TEST_SUITE_P(Servers, JetStreamSettingsTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST_P(JetStreamSettingsTest, AGatewayWithAnotherDeduplicationWindowDoesNotStartAndChangesNothing) {
  const auto other = Open(Options());
  for (const int hours : {1, 48}) {
    JetStreamOptions options = Options();
    options.retention.deduplication_window = absl::Hours(hours);
    EXPECT_THAT(Refusal(options),
                AllOf(StartsWith("store.deduplication_window: stream ONHOOK has a window of 24h"),
                      HasSubstr(absl::StrCat("not ", hours, "h"))));
  }
  EXPECT_EQ(WindowOfStream(), absl::Hours(24));
  EXPECT_TRUE(other->CheckRoom().ok());
}

TEST_P(JetStreamSettingsTest, AWindowIsChangedByReloadingAndGatewaysThatPromiseMoreAreNotReady) {
  const auto reloaded = Open(Options());
  const auto other = Open(Options());
  reloaded->SetLimits(LimitsWithWindow(absl::Hours(1)));
  EXPECT_EQ(WindowOfStream(), absl::Hours(1));
  Until([&] { return !other->CheckRoom().ok(); });
  EXPECT_THAT(std::string(other->CheckRoom().message()),
              StartsWith("store.deduplication_window: stream ONHOOK has a window of 1h"));
  other->SetLimits(LimitsWithWindow(absl::Hours(24)));  // reloaded for another reason
  EXPECT_EQ(WindowOfStream(), absl::Hours(1));
  other->SetLimits(LimitsWithWindow(absl::Hours(1)));
  Until([&] { return other->CheckRoom().ok(); });
  EXPECT_TRUE(reloaded->CheckRoom().ok());
}

TEST_P(JetStreamSettingsTest, AReloadLeavesALimitThatAnOperatorHasSetMeanwhile) {
  const auto store = Open(Options());
  StreamConfig config = Info("ONHOOK")->config;
  config.max_messages = 1000;
  ASSERT_TRUE(AwaitAnswer<StreamInfo>([&](auto done) {
                api_->UpdateStream(config, std::move(done));
              }).ok());
  store->SetLimits(LimitsWithWindow(absl::Hours(48)));
  EXPECT_EQ(WindowOfStream(), absl::Hours(48));
  EXPECT_EQ(Info("ONHOOK")->config.max_messages, 1000);
}

TEST_P(JetStreamSettingsTest, ASingleServerKeepsOneReplicaOnly) {
  JetStreamOptions options = Options();
  options.replicas = 3;
  EXPECT_THAT(Refusal(options), AllOf(StartsWith("store.jetstream.replicas: stream ONHOOK"),
                                      HasSubstr("set 1 for a single server")));
  Open(Options());
  EXPECT_THAT(Refusal(options), AllOf(StartsWith("store.jetstream.replicas: stream ONHOOK"),
                                      HasSubstr("it has 1 replicas, not 3; set 1")));
}

TEST_P(JetStreamSettingsTest, AnotherStreamOnTheSameSubjectsIsNamed) {
  Open(Options());
  JetStreamOptions options = Options();
  options.stream = "OTHER";
  EXPECT_THAT(Refusal(options), AllOf(StartsWith("store.jetstream.stream: stream OTHER"),
                                      HasSubstr("of store.jetstream.subject_prefix onhook")));
}

TEST_P(JetStreamSettingsTest, AnotherPrefixThanTheStreamsIsNamed) {
  Open(Options());
  JetStreamOptions options = Options();
  options.subject_prefix = "other";
  EXPECT_THAT(Refusal(options),
              AllOf(StartsWith("store.jetstream.subject_prefix: stream ONHOOK"),
                    HasSubstr("its subjects are onhook.state.>, not other.state.>")));
}

TEST_P(JetStreamSettingsTest, AServerWhoseClusterHasNoLeaderIsToldFromOneThatIsAway) {
  NatsServer::Options lone;
  lone.version = GetParam();
  lone.more_configuration =
      absl::StrCat("cluster {\n  name: lone\n  listen: \"127.0.0.1:", NatsServer::FreePort(),
                   "\"\n  routes: [\"nats://127.0.0.1:1\"]\n}\n");
  NatsServer server(lone);
  ASSERT_TRUE(server.Start()) << server.log();
  JetStreamOptions options = Options();
  options.nats.servers = {server.url()};
  options.nats.request_timeout = absl::Milliseconds(300);
  absl::Status status = OpenJetStreamStore(options, &clock_, &log_, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("may have no leader"));
  server.Kill();
  status = OpenJetStreamStore(options, &clock_, &log_, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("no NATS server answers; tried 1 of them: "),
                    testing::Not(HasSubstr("leader"))));
}

TEST_P(JetStreamSettingsTest, CallbacksThatTheServersDoNotTakeAreToldOfAtTheStart) {
  constexpr int64_t kServersTake = 1 << 20;
  struct Row {
    int64_t largest_body;
    bool keeps_bodies;
    bool is_told;
  };
  for (const Row row : {Row{kServersTake, false, true},
                        {kServersTake - 2048, false, false},
                        {kServersTake / 2, false, false},
                        {kServersTake / 2, true, true},
                        {kServersTake / 2 - 2048, true, false},
                        {0, false, false}}) {
    JetStreamOptions options = Options();
    options.largest_body = row.largest_body;
    options.keeps_bodies = row.keeps_bodies;
    Recorded<std::string> lines;
    const Log log{&clock_, LogLevel::kWarning, Log::Format::kText,
                  [&lines](absl::string_view line) { lines.Add(std::string(line)); }};
    ASSERT_TRUE(OpenJetStreamStore(options, &clock_, &log, nullptr).ok());
    const auto figures = AllOf(HasSubstr("http.max_body_bytes"),
                               HasSubstr(absl::StrCat("max_body_bytes=", row.largest_body)),
                               HasSubstr(absl::StrCat("max_payload=", kServersTake)));
    EXPECT_THAT(lines.Get(),
                row.is_told ? testing::Matcher<std::vector<std::string>>(testing::Contains(figures))
                            : testing::Not(testing::Contains(figures)))
        << row.largest_body;
  }
}

TEST_P(JetStreamSettingsTest, WhoAsksForABackupIsSentToTheServers) {
  const absl::Status status = Open(Options())->MakeBackup([] { return absl::OkStatus(); }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the NATS servers"));
}

TEST_P(JetStreamSettingsTest, AGatewayThatIsNotReadySaysWhyItIsNotConnected) {
  const auto store = Open(Options());
  server_->Kill();
  Until([&] { return !store->CheckRoom().ok(); });
  EXPECT_THAT(std::string(store->CheckRoom().message()),
              StartsWith("no NATS server is connected: "));
}

}  // namespace
}  // namespace onhook
