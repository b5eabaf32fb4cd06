#include "gateway/store/embedded/free_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>

#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMinimum = 1000;

// A store on a disk of which a test says how much is free.
class FreeDiskTest : public EmbeddedStoreFixture {
 protected:
  FreeDiskTest() {
    options_.minimum_free_disk = kMinimum;
    options_.free_disk = [this]() -> absl::StatusOr<int64_t> {
      const int64_t free = free_;
      if (free < 0) return absl::UnavailableError("no such disk");
      return free;
    };
  }

  FreeDisk MakeFreeDisk() { return FreeDisk(kMinimum, options_.free_disk, &log_); }
  absl::Status Keep() {
    absl::Status status;
    absl::Notification done;
    store_->quarantine().Keep({"default", clock_.Now()}, [&](absl::StatusOr<int64_t> kept) {
      status = kept.status();
      done.Notify();
    });
    done.WaitForNotification();
    return status;
  }
  // Lets a second pass and waits for the line in the log that comes of it.
  void AwaitLine(const std::string& words) {
    clock_.Advance(absl::Seconds(1));
    const auto is_there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_mutex_) {
      return std::any_of(log_lines_.begin(), log_lines_.end(), [&words](const std::string& line) {
        return line.find(words) != std::string::npos;
      });
    };
    absl::MutexLock lock(&log_mutex_, absl::Condition(&is_there));
  }

  std::atomic<int64_t> free_{kMinimum};
};

TEST_F(FreeDiskTest, WhatIsFreeIsToldAsItWasSeenLast) {
  FreeDisk free_disk = MakeFreeDisk();
  EXPECT_EQ(free_disk.free(), kMinimum);
  free_ = 5;
  EXPECT_EQ(free_disk.free(), kMinimum);
  EXPECT_EQ(free_disk.FreeNow(), 5);
  free_disk.Look();
  EXPECT_EQ(free_disk.free(), 5);
  free_ = -1;
  EXPECT_EQ(free_disk.FreeNow(), std::nullopt);
  free_disk.Look();
  EXPECT_EQ(free_disk.free(), std::nullopt);
  EXPECT_EQ(free_disk.minimum(), kMinimum);
}

TEST_F(FreeDiskTest, WhatIsFreeIsToldAlsoWhereThereIsNoMinimum) {
  const FreeDisk free_disk(0, options_.free_disk, &log_);
  EXPECT_EQ(free_disk.free(), kMinimum);
  EXPECT_TRUE(free_disk.Check().ok());
  EXPECT_EQ(FreeDisk(0, nullptr, &log_).free(), std::nullopt);
}

// A database does not shrink: what was removed from it leaves room within.
TEST_F(FreeDiskTest, RoomWithinTheStoreCountsWhileItsLogFitsBesideIt) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
  int64_t reusable = 0;
  free_ = 10 * kMebibyte;
  FreeDisk free_disk(20 * kMebibyte, options_.free_disk, &log_, [&] { return reusable; });
  EXPECT_TRUE(absl::IsResourceExhausted(free_disk.Check()));
  reusable = 10 * kMebibyte;
  free_disk.Look();
  EXPECT_TRUE(free_disk.Check().ok());
  EXPECT_EQ(free_disk.free(), 10 * kMebibyte);
  free_ = 7 * kMebibyte;
  reusable = 100 * kMebibyte;
  free_disk.Look();
  EXPECT_TRUE(absl::IsResourceExhausted(free_disk.Check()));
}

TEST_F(FreeDiskTest, BelowTheMinimumThereIsNoRoomAndTheLogSaysWhenThatBeginsAndEnds) {
  FreeDisk free_disk = MakeFreeDisk();
  EXPECT_TRUE(free_disk.Check().ok());
  EXPECT_THAT(log_lines_, IsEmpty());
  free_ = kMinimum - 1;
  for (int i = 0; i < 3; ++i) free_disk.Look();
  EXPECT_EQ(free_disk.Check().code(), absl::StatusCode::kResourceExhausted);
  ASSERT_THAT(log_lines_, SizeIs(1));
  EXPECT_THAT(log_lines_[0], HasSubstr("the disk is nearly full"));
  free_ = kMinimum;
  for (int i = 0; i < 3; ++i) free_disk.Look();
  EXPECT_TRUE(free_disk.Check().ok());
  ASSERT_THAT(log_lines_, SizeIs(2));
  EXPECT_THAT(log_lines_[1], HasSubstr("the disk has room again"));
}

TEST_F(FreeDiskTest, WhatCannotBeToldChangesNothingAndIsSaidOnce) {
  FreeDisk free_disk = MakeFreeDisk();
  for (const int64_t known : {kMinimum, kMinimum - 1}) {
    free_ = known;
    free_disk.Look();
    const absl::Status before = free_disk.Check();
    log_lines_.clear();
    free_ = -1;
    for (int i = 0; i < 3; ++i) free_disk.Look();
    EXPECT_EQ(free_disk.Check(), before);
    ASSERT_THAT(log_lines_, SizeIs(1));
    EXPECT_THAT(log_lines_[0], HasSubstr("no such disk"));
  }
}

TEST_F(FreeDiskTest, WithoutMinimumOrProbeThereAlwaysIsRoom) {
  free_ = 0;
  EXPECT_TRUE(FreeDisk(0, options_.free_disk, &log_).Check().ok());
  EXPECT_TRUE(FreeDisk(kMinimum, nullptr, &log_).Check().ok());
}

TEST_F(FreeDiskTest, AStoreOpenedOnADiskThatIsNearlyFullTakesNothingNew) {
  free_ = 0;
  Open();
  EXPECT_EQ(Append("a").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Keep().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(faults_.count(Call::kBegin), 0) << "the disk is left alone";
}

TEST_F(FreeDiskTest, WhatWasStoredIsDeliveredAndAckedAndAllHealsByItself) {
  options_.tick_interval = absl::Milliseconds(1);
  Open();
  const QueuePtr queue = Queue();
  AppendMany(1);
  free_ = 0;
  AwaitLine("the disk is nearly full");
  EXPECT_EQ(Append("b").status().code(), absl::StatusCode::kResourceExhausted);
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, {consumer.PullWhenReady().leases.at(0).delivery_id}), IsEmpty());
  free_ = kMinimum;
  AwaitLine("the disk has room again");
  EXPECT_EQ(Append("b")->sequence, 2);
  EXPECT_TRUE(Keep().ok());
}

TEST_F(FreeDiskTest, AnotherMinimumHoldsFromTheNextLook) {
  FreeDisk free_disk = MakeFreeDisk();
  free_disk.SetMinimum(kMinimum + 1);
  free_disk.Look();
  EXPECT_TRUE(absl::IsResourceExhausted(free_disk.Check()));
  free_disk.SetMinimum(kMinimum);
  free_disk.Look();
  EXPECT_TRUE(free_disk.Check().ok());
}

}  // namespace
}  // namespace onhook
