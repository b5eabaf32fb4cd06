#include "gateway/delivery/resume_advice.h"

#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/cursor.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/unit/delivery/delivery_fixture.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBefore[] = "00000000000000aa";
constexpr char kLongBefore[] = "00000000000000bb";

// A store that holds three events of a backup, and one that came since.
class ResumeAdviceTest : public DeliveryFixture {
 protected:
  std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) override {
    auto held = std::make_unique<HeldStore>(std::move(store));
    StoreAncestor long_before;
    long_before.store_id = kLongBefore;
    long_before.newest = 1;
    long_before.taken_at = absl::FromUnixSeconds(2'000'000'000);
    StoreAncestor before;
    before.store_id = kBefore;
    before.newest = 3;
    before.taken_at = absl::FromUnixSeconds(2'000'000'100);
    held->SetAncestors({long_before, before});
    return held;
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    for (const char* call : {"a", "b", "c", "d"}) Append(call);
  }

  absl::Status AdviceFor(const std::string& cursor) {
    absl::Status advised;
    absl::Notification done;
    AdviseResuming(absl::FailedPreconditionError("refused"), cursor, *store_,
                   [&](absl::Status status) {
                     advised = std::move(status);
                     done.Notify();
                   });
    done.WaitForNotification();
    return advised;
  }
  Sequence PlaceOf(absl::Time time) {
    Sequence place = -1;
    absl::Notification done;
    store_->log().FindPlace(time, [&](absl::StatusOr<Sequence> found) {
      place = found.value_or(-1);
      done.Notify();
    });
    done.WaitForNotification();
    return place;
  }
  // The time that the message names.
  static absl::Time TimeIn(const absl::Status& status) {
    const std::string message(status.message());
    const size_t begin = message.find("the time ") + 9;
    absl::Time time = absl::InfiniteFuture();
    std::string error;
    EXPECT_TRUE(absl::ParseTime(
        absl::RFC3339_full, message.substr(begin, message.find(' ', begin) - begin), &time, &error))
        << message << ": " << error;
    return time;
  }
};

TEST_F(ResumeAdviceTest, UpToTheBackupsNewestEventNothingBehindTheCursorIsMissed) {
  for (Sequence at = 0; at <= 3; ++at) {
    const absl::Status advised = AdviceFor(FormatCursor(kBefore, at));
    EXPECT_LE(PlaceOf(TimeIn(advised)), at) << advised;
  }
}

TEST_F(ResumeAdviceTest, BeyondItReadingGoesOnWithWhatCameAfterTheBackup) {
  for (const Sequence at : {4, 5, 1'000'000}) {
    EXPECT_EQ(TimeIn(AdviceFor(FormatCursor(kBefore, at))), absl::FromUnixSeconds(2'000'000'100));
  }
  EXPECT_EQ(TimeIn(AdviceFor(FormatCursor(kLongBefore, 2))), absl::FromUnixSeconds(2'000'000'000));
}

TEST_F(ResumeAdviceTest, ACursorOfAnyOtherStoreStaysRefusedAsItWas) {
  for (const std::string& cursor :
       {FormatCursor("00000000000000cc", 1), std::string("nonsense"), std::string()}) {
    EXPECT_EQ(AdviceFor(cursor), absl::FailedPreconditionError("refused"));
  }
}

TEST_F(ResumeAdviceTest, WatchTellsItForProgramsToo) {
  v1::WatchRequest request;
  request.set_after_cursor(FormatCursor(kBefore, 9));
  Watcher watcher = Watch(request);
  const grpc::Status end = watcher.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(end.error_details(), HasSubstr("FOREIGN_CURSOR"));
  EXPECT_THAT(end.error_details(), HasSubstr("resume_from"));
  EXPECT_THAT(end.error_details(), HasSubstr("2033-05-18T03:35:00.000000Z"));
}

TEST_F(ResumeAdviceTest, SeekTellsItToo) {
  ASSERT_TRUE(store_->CreateSubscription("crm", {}).ok());
  v1::SeekRequest request;
  request.set_name("crm");
  request.set_after_cursor(FormatCursor(kBefore, 9));
  v1::SeekResponse response;
  const grpc::Status end = Call(&v1::SubscriptionService::Stub::Seek, request, &response);
  EXPECT_EQ(end.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(end.error_details(), HasSubstr("2033-05-18T03:35:00.000000Z"));
}

}  // namespace
}  // namespace onhook
