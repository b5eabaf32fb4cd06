// A disk that is full: what comes in is refused with a word about when to try again, what is stored
// goes on to be delivered and acknowledged, and with the room the gateway comes back by itself.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/run_parameters.h"
#include "tests/crash/small_tmpfs.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int64_t kMegabyte = int64_t{1} << 20;

// A store on a small file system of its own; keeps of what nobody is owed as little as it may.
class OnSmallDisk final : public Fault {
 public:
  explicit OnSmallDisk(const SmallTmpfs* disk, std::string retention = "unlimited")
      : disk_(disk), retention_(std::move(retention)) {}
  absl::string_view name() const override { return "on_small_disk"; }
  void Begin(CrashRun& run) override { run.PlaceStore(disk_->path() + "/store"); }
  void Prepare(OnhookdProcess::Options& options) override {
    options.more_arguments = {"--store-minimum-free-disk=16MiB",
                              "--store-retention-size=" + retention_};
  }
  void Strike(CrashRun&) override {}

 private:
  const SmallTmpfs* const disk_;
  const std::string retention_;
};

class SmallDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = MissingForPrivateMounts();
    if (!missing.empty()) GTEST_SKIP() << missing;
  }

  static void ExpectFull(CrashRun& run) {
    EXPECT_TRUE(
        run.gateway().WaitForLog("the disk is nearly full: nothing new is stored", kPatience))
        << run.gateway().log();
  }
  static void ExpectRefusedForNow(CrashRun& run) {
    const std::string body =
        R"({"callSerialNo":"refused","serviceNo":null,"called":"8610000000000",)"
        R"("callData":"","releaseTime":"2022/02/22,10:04:36:318",)"
        R"("talkDuration":"6","releaseReason":"0"})";
    const RawAnswer answer =
        RawHttpClient(run.gateway().http_port())
            .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\n",
                               "Content-Length: ", body.size(), "\r\n\r\n", body))
            .ReadAnswer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: 1"));
    EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"3")"));
  }
  // Both backends have come back, and acknowledge all that they are owed.
  static void LetBackendsSettle(CrashRun& run) {
    run.Kill();
    run.acking().Tell(consumer_lines::kBehave);
    run.holding().Tell(consumer_lines::kBehave);
    ASSERT_TRUE(run.Start());
  }
  static void ExpectBalanced(CrashRun& run) {
    run.FinishLoad();
    ASSERT_TRUE(run.Start());
    run.SettleEverything();
    EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  }
};

TEST_F(SmallDiskTest, WhatIsStoredIsDeliveredAndAcknowledgedWhileNothingNewIsTaken) {
  SmallTmpfs disk(128 * kMegabyte);
  CrashRun run(SeedOfRun(), /*connections=*/4);
  run.Add(std::make_unique<OnSmallDisk>(&disk));
  ASSERT_TRUE(run.Start());
  run.WorkFor(absl::Milliseconds(200));
  disk.Fill(12 * kMegabyte);
  ExpectFull(run);
  ExpectRefusedForNow(run);
  LetBackendsSettle(run);
  EXPECT_TRUE(run.ledger().WaitUntilSettled(kPatience)) << "acks do not go on";
  ExpectRefusedForNow(run);
  disk.Drain();
  run.WorkFor(absl::Milliseconds(50));
  ExpectBalanced(run);
}

TEST_F(SmallDiskTest, ADiskWithoutOneFreeByteCostsNothingThatWasAccepted) {
  SmallTmpfs disk(128 * kMegabyte);
  CrashRun run(SeedOfRun(), /*connections=*/4);
  run.Add(std::make_unique<OnSmallDisk>(&disk));
  ASSERT_TRUE(run.Start());
  run.WorkFor(absl::Milliseconds(200));
  disk.Fill();
  ExpectFull(run);
  ExpectRefusedForNow(run);
  disk.Drain();
  run.WorkFor(absl::Milliseconds(50));
  ExpectBalanced(run);
}

// The database's file never shrinks: the room is inside it.
TEST_F(SmallDiskTest, AStoreThatFilledTheDiskItselfTakesCallbacksAgainOnceItsEventsAreSettled) {
  SmallTmpfs disk(32 * kMegabyte);
  CrashRun run(SeedOfRun(), /*connections=*/8);
  run.Add(std::make_unique<OnSmallDisk>(&disk, "1MiB"));
  ASSERT_TRUE(run.Start());
  ExpectFull(run);
  LetBackendsSettle(run);
  EXPECT_TRUE(run.gateway().WaitForLog("the disk has room again", kPatience))
      << run.gateway().log();
  run.WorkFor(absl::Milliseconds(50));
}

}  // namespace
}  // namespace onhook
