#include "gateway/store/jetstream/rejected_index.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kBytesOfOne = 256 + 10;

class RejectedIndexTest : public ::testing::Test {
 protected:
  void Add(int64_t id, const std::string& source = "default", int64_t body_bytes = 10) {
    RejectedCallback callback;
    callback.id = id;
    callback.callback.source = source;
    callback.callback.received_at = absl::UnixEpoch() + absl::Seconds(id);
    callback.callback.raw_body = "dropped";
    callback.body_bytes = body_bytes;
    index_.Add(callback);
  }
  std::vector<int64_t> Ids(const std::string& source = "", int64_t after = 0, int most = 100) {
    std::vector<int64_t> ids;
    for (const RejectedCallback& callback : index_.List({source, after, most})) {
      EXPECT_EQ(callback.callback.raw_body, "");
      ids.push_back(callback.id);
    }
    return ids;
  }

  RejectedIndex index_;
};

TEST_F(RejectedIndexTest, ListsById) {
  Add(7);
  Add(3, "sales");
  Add(5);
  Add(5);
  EXPECT_THAT(Ids(), ElementsAre(3, 5, 7));
  EXPECT_THAT(Ids("default"), ElementsAre(5, 7));
  EXPECT_THAT(Ids("default", 5), ElementsAre(7));
  EXPECT_THAT(Ids("", 3, 1), ElementsAre(5));
  EXPECT_THAT(Ids("", 0, 0), IsEmpty());
  EXPECT_THAT(Ids("", 0, -1), IsEmpty());
  EXPECT_THAT(Ids("nobody"), IsEmpty());
  EXPECT_THAT(index_.IdsThrough(5), ElementsAre(3, 5));
  EXPECT_EQ(index_.size().callbacks, 3);
  EXPECT_EQ(index_.size().bytes, 3 * kBytesOfOne);
}

TEST_F(RejectedIndexTest, WhatIsGoneStaysGoneWhoeverTellsOfItLater) {
  Add(1);
  index_.Remove(1);
  index_.Remove(2);
  Add(1);
  Add(2);
  EXPECT_THAT(Ids(), IsEmpty());
  EXPECT_TRUE(index_.IsGone(1));
  EXPECT_EQ(index_.size().bytes, 0);
}

TEST_F(RejectedIndexTest, WhatIsAbsentMayBeYetToCome) {
  Add(5);
  index_.NoteAbsent(4);
  index_.NoteAbsent(6);
  Add(4);
  Add(6);
  EXPECT_THAT(Ids(), ElementsAre(5, 6));
}

TEST_F(RejectedIndexTest, WhatLeavesIsNeitherListedNorCountedUntilItIsPutBack) {
  Add(1);
  Add(2);
  index_.Take(1);
  index_.Take(9);
  EXPECT_THAT(Ids(), ElementsAre(2));
  EXPECT_EQ(index_.size().bytes, kBytesOfOne);
  EXPECT_EQ(index_.leaving(), 1);
  Add(1);
  EXPECT_THAT(Ids(), ElementsAre(2));
  index_.PutBack(1);
  index_.PutBack(1);
  EXPECT_THAT(Ids(), ElementsAre(1, 2));
  EXPECT_EQ(index_.leaving(), 0);
  index_.Take(1);
  index_.Remove(1);
  index_.PutBack(1);
  EXPECT_THAT(Ids(), ElementsAre(2)) << "what is gone cannot be put back";
}

TEST_F(RejectedIndexTest, TheSourceThatTakesMostLosesItsOldest) {
  for (int64_t id = 1; id <= 3; ++id) Add(id, "sales");
  for (int64_t id = 4; id <= 9; ++id) Add(id);
  EXPECT_THAT(index_.TakeOverflow(5 * kBytesOfOne, 100), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(Ids(), ElementsAre(1, 2, 3, 8, 9));
  EXPECT_THAT(index_.TakeOverflow(0, 2), ElementsAre(1, 8)) << "of equal ones the first by name";
}

TEST_F(RejectedIndexTest, TheNewestOfAllNeverGoesForItsSize) {
  Add(1, "a");
  Add(2, "large", 10'000);
  EXPECT_THAT(index_.TakeOverflow(100, 100), ElementsAre(1));
  EXPECT_THAT(Ids(), ElementsAre(2));
}

TEST_F(RejectedIndexTest, TheOldestGoFirstByTheTimeTheyWereReceived) {
  for (int64_t id = 1; id <= 5; ++id) Add(id);
  const absl::Time before = absl::UnixEpoch() + absl::Seconds(4);
  EXPECT_THAT(index_.TakeOld(before, 2), ElementsAre(1, 2));
  EXPECT_THAT(index_.TakeOld(before, 9), ElementsAre(3));
  EXPECT_THAT(index_.TakeOld(absl::InfinitePast(), 9), IsEmpty());
  EXPECT_THAT(index_.TakeOld(absl::InfiniteFuture(), 9), ElementsAre(4, 5))
      << "for their age even the newest go";
}

TEST_F(RejectedIndexTest, WhatIsForgottenMayBeAnotherLater) {
  for (const int64_t id : {1, 2, 3, 4}) Add(id);
  index_.Remove(2);
  index_.Remove(4);
  index_.Take(3);
  index_.ForgetBehind(2);
  EXPECT_THAT(Ids(), ElementsAre(1));
  EXPECT_EQ(index_.size().bytes, kBytesOfOne);
  EXPECT_EQ(index_.leaving(), 0);
  index_.NoteAbsent(4);  // its time is yet to come
  for (const int64_t id : {2, 3, 4}) Add(id, "another");
  EXPECT_THAT(Ids(), ElementsAre(1, 3, 4));
}

TEST_F(RejectedIndexTest, ItRemembersSoManyOfThoseThatWent) {
  for (int64_t id = 1; id <= 65'537; ++id) index_.Remove(id);
  EXPECT_FALSE(index_.IsGone(1));
  EXPECT_TRUE(index_.IsGone(2));
}

}  // namespace
}  // namespace onhook
