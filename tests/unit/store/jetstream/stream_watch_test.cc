#include "gateway/store/jetstream/stream_watch.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kStoreId[] = "0123456789abcdef";

class StreamWatchTest : public NatsTest {
 protected:
  absl::Status CreateOf(const std::string& stream, const std::string& store_id) {
    StreamConfig config = Stream(stream, stream);
    config.description = "onhook format 1 store " + store_id;
    return Create(config).status();
  }
  // Until what it asks was answered: the servers answer one connection in order.
  void Look(StreamWatch& watch) {
    watch_clock_.Advance(absl::Seconds(5));
    watch.Tick();
    for (const char* stream : {"A", "B"}) Info(stream).status().IgnoreError();
  }

  ManualClock watch_clock_;
};
INSTANTIATE_TEST_SUITE_P(Servers, StreamWatchTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST_P(StreamWatchTest, AStreamOfAnotherStoreIsToldOfOnce) {
  ASSERT_TRUE(CreateOf("A", kStoreId).ok());
  ASSERT_TRUE(CreateOf("B", "fedcba9876543210").ok());
  Recorded<std::string> told;
  StreamWatch watch(api_.get(), {"A", "B"}, kStoreId, &watch_clock_,
                    [&told](const std::string& stream) { told.Add(stream); });
  watch.Tick();
  EXPECT_THAT(told.Get(), IsEmpty());
  Look(watch);
  EXPECT_THAT(told.Await(1), ElementsAre("B"));
  Look(watch);
  connection_->Close();
  EXPECT_THAT(told.Get(), ElementsAre("B"));
}

TEST_P(StreamWatchTest, OneThatIsMissingOrCannotBeAskedForIsNotAnother) {
  ASSERT_TRUE(CreateOf("A", kStoreId).ok());
  Recorded<std::string> told;
  StreamWatch watch(api_.get(), {"A", "B"}, kStoreId, &watch_clock_,
                    [&told](const std::string& stream) { told.Add(stream); });
  Look(watch);
  server_->Kill();
  Look(watch);
  connection_->Close();
  EXPECT_THAT(told.Get(), IsEmpty());
}

}  // namespace
}  // namespace onhook
