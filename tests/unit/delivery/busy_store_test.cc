// What goes on while an administrator's call waits for the disk.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/delivery/delivery_fixture.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {
namespace {

using Stub = v1::SubscriptionService::Stub;

class BusyStoreTest : public DeliveryFixture {
 protected:
  std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) override {
    auto held = std::make_unique<HeldStore>(std::move(store));
    held_ = held.get();
    return held;
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    ASSERT_TRUE(store_->CreateSubscription("crm", {}).ok());
  }
  ~BusyStoreTest() override {
    held_->LetGo();
    if (administrator_.joinable()) administrator_.join();
  }
  // An administrator's call waits from now on.
  void KeepAnAdministratorWaiting() {
    held_->Hold();
    administrator_ = std::thread([this] {
      v1::PauseSubscriptionRequest request;
      request.set_name("other");
      v1::PauseSubscriptionResponse response;
      EXPECT_EQ(Call(&Stub::PauseSubscription, request, &response).error_code(),
                grpc::StatusCode::NOT_FOUND);
    });
    held_->AwaitHeld();
  }

  HeldStore* held_ = nullptr;
  std::thread administrator_;
};

TEST_F(BusyStoreTest, AStreamOfASubscriptionThatExistsOpens) {
  KeepAnAdministratorWaiting();
  Subscriber subscriber = Subscribe();
  EXPECT_TRUE(subscriber.Open("crm").has_ack_deadline()) << "create_if_missing with its spec";
}

TEST_F(BusyStoreTest, AStreamThatCannotOpenIsToldSo) {
  KeepAnAdministratorWaiting();
  Subscriber differs = Subscribe();
  differs.MutableOpen()->mutable_create_if_missing()->set_max_delivery_attempts(3);
  differs.Open("crm");
  EXPECT_EQ(differs.End().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  Subscriber missing = Subscribe();
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription("nobody");
  missing.Send(open);
  EXPECT_EQ(missing.End().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(BusyStoreTest, DeadLettersAreChanged) {
  KeepAnAdministratorWaiting();
  v1::DiscardDeadLettersRequest discard;
  discard.set_subscription("crm");
  discard.set_all(true);
  v1::DiscardDeadLettersResponse discarded;
  EXPECT_TRUE(Call(&Stub::DiscardDeadLetters, discard, &discarded).ok());
  v1::RedriveDeadLettersRequest redrive;
  redrive.set_subscription("crm");
  redrive.add_dead_letter_ids("nonsense");
  v1::RedriveDeadLettersResponse redriven;
  EXPECT_TRUE(Call(&Stub::RedriveDeadLetters, redrive, &redriven).ok());
  EXPECT_EQ(redriven.unknown_ids_size(), 1);
}

// It said in time what it wants; that the store takes long is no fault of its client.
TEST_F(BusyStoreTest, AStreamIsNotTimedOutWhileItsSubscriptionIsBeingCreated) {
  held_->Hold();
  Subscriber opening = Subscribe();
  opening.MutableOpen()->set_subscription("new");
  opening.MutableOpen()->mutable_create_if_missing();
  v1::SubscribeRequest request;
  *request.mutable_open() = *opening.MutableOpen();
  opening.Send(request);
  held_->AwaitHeld();
  Subscriber idle = Subscribe();
  idle.Open("crm");
  clock_.Advance(options_.heartbeat_interval);
  EXPECT_TRUE(idle.Next().has_heartbeat()) << "so the older stream's deadlines were looked at";
  held_->LetGo();
  EXPECT_TRUE(opening.Next().has_opened());
}

}  // namespace
}  // namespace onhook
