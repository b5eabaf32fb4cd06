#include "gateway/delivery/places.h"

#include <gmock/gmock.h>

#include "gateway/delivery/cursor.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;

class PlacesTest : public DeliveryFixture {
 protected:
  // The oldest event kept is the fourth.
  PlacesTest() { BeginTheLogAt(4); }
  absl::StatusOr<Sequence> PlaceBehind(Sequence sequence) {
    return PlaceOfCursor(FormatCursor(store_->store_id(), sequence), "after_cursor", *store_);
  }
  absl::StatusOr<Sequence> PlaceOf(v1::StartPosition position) {
    return PlaceOfPosition(position, v1::START_POSITION_LATEST, "position", store_->log());
  }
};

TEST_F(PlacesTest, ACursorThatJoinsTheOldestEventIsKeptAndOneBeforeIsNot) {
  Append("a");
  EXPECT_EQ(*PlaceBehind(3), 3);
  EXPECT_EQ(*PlaceBehind(4), 4);
  EXPECT_TRUE(absl::IsOutOfRange(PlaceBehind(2).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(PlaceBehind(5).status()));
}

TEST_F(PlacesTest, AnExpiredCursorIsToldWhereToGoOnAndWhatIsLost) {
  v1::WatchRequest request;
  request.set_after_cursor(FormatCursor(store_->store_id(), 1));
  Watcher watcher = Watch(request);
  const grpc::Status end = watcher.End();
  EXPECT_THAT(end.error_details(), HasSubstr(FormatCursor(store_->store_id(), 3)));
  EXPECT_THAT(end.error_details(), HasSubstr("events_lost"));
}

TEST_F(PlacesTest, ThePositionsAreTheEndsOfWhatIsKept) {
  Append("a");
  Append("b");
  EXPECT_EQ(*PlaceOf(v1::START_POSITION_EARLIEST), 3);
  EXPECT_EQ(*PlaceOf(v1::START_POSITION_LATEST), 5);
  EXPECT_EQ(*PlaceOf(v1::START_POSITION_UNSPECIFIED), 5);
  EXPECT_TRUE(absl::IsInvalidArgument(PlaceOf(v1::StartPosition(9)).status()));
}

}  // namespace
}  // namespace onhook
