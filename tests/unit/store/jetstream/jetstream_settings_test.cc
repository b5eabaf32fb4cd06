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

}  // namespace
}  // namespace onhook
