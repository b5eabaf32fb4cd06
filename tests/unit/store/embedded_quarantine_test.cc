// What one Keep does to a quarantine whose size was lowered; nothing else happens meanwhile.
#include "gateway/store/embedded/embedded_quarantine.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

constexpr int kCallbacks = 1000;

class EmbeddedQuarantineTest : public EmbeddedStoreFixture {
 protected:
  EmbeddedQuarantineTest() {
    Open();
    absl::BlockingCounter missing(kCallbacks);
    for (int i = 0; i < kCallbacks; ++i) {
      store_->quarantine().Keep({"flood", clock_.Now(), {}, "", "", absl::StrCat(i)},
                                [&](const absl::StatusOr<int64_t>& kept) {
                                  EXPECT_TRUE(kept.ok()) << kept.status();
                                  missing.DecrementCount();
                                });
    }
    missing.Wait();
  }
  void Limit(int64_t bytes) {
    options_.quarantine.bytes = bytes;
    Open();
  }
  // Keeps one of another source and says how many that removed.
  int64_t RemovedByKeeping(const std::string& body) {
    const int64_t before = store_->quarantine().removed_by_limit();
    absl::Notification done;
    store_->quarantine().Keep({"default", clock_.Now(), {}, "", "", body},
                              [&](const absl::StatusOr<int64_t>& kept) {
                                EXPECT_TRUE(kept.ok()) << kept.status();
                                done.Notify();
                              });
    done.WaitForNotification();
    return store_->quarantine().removed_by_limit() - before;
  }
};

TEST_F(EmbeddedQuarantineTest, OneKeepRemovesSomeHundredsAndTheNextOnesTheRest) {
  Limit(100'000);
  EXPECT_EQ(RemovedByKeeping("one"), 300);
  EXPECT_EQ(RemovedByKeeping("two"), 300);
  EXPECT_LT(RemovedByKeeping("three"), 300);
  EXPECT_EQ(RemovedByKeeping("four"), 1) << "now it fits";
}

TEST_F(EmbeddedQuarantineTest, ALargeOneRemovesAsManyAsTakeWhatItTakes) {
  Limit(150'000);
  EXPECT_EQ(RemovedByKeeping(std::string(400 * 256, 'x')), 402);
}

TEST_F(EmbeddedQuarantineTest, ASizeThatIsSetLaterHoldsForTheNext) {
  StoreLimits limits;
  limits.quarantine.bytes = 150'000;
  store_->SetLimits(limits);
  EXPECT_EQ(RemovedByKeeping(std::string(400 * 256, 'x')), 402);
}

}  // namespace
}  // namespace onhook
