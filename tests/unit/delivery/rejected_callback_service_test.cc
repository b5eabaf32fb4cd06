// RejectedCallbackService over real gRPC.
#include "gateway/delivery/rejected_callback_service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/support/fake_quarantine.h"
#include "tests/unit/delivery/delivery_fixture.h"
#include "tests/unit/delivery/fake_judge.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {
namespace {

using testing::ElementsAre;

class RejectedCallbackServiceTest : public DeliveryFixture {
 protected:
  RejectedCallbackServiceTest() { callback_judge_ = &judge_; }
  std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) override {
    return std::make_unique<HeldStore>(std::move(store), &quarantine_);
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    rejected_ = v1::RejectedCallbackService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void Keep(const std::string& body) {
    NewRejectedCallback callback;
    callback.raw_body = body;
    quarantine_.Keep(callback, [](const absl::StatusOr<int64_t>&) {});
  }
  std::vector<v1::RejectedCallback> Left() {
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListRejectedCallbacksResponse response;
    EXPECT_TRUE(rejected_->ListRejectedCallbacks(&context, {}, &response).ok());
    return {response.rejected_callbacks().begin(), response.rejected_callbacks().end()};
  }
  grpc::Status ReparseAll(v1::ReparseRejectedCallbacksResponse* response,
                          grpc::ClientContext& context) {
    LimitTime(context);
    v1::ReparseRejectedCallbacksRequest request;
    request.set_all(true);
    return rejected_->ReparseRejectedCallbacks(&context, request, response);
  }

  FakeQuarantine quarantine_;
  FakeJudge judge_;
  std::unique_ptr<v1::RejectedCallbackService::Stub> rejected_;
};

TEST_F(RejectedCallbackServiceTest, ACallbackIsListedGotReparsedAndDiscarded) {
  Keep("a");
  Keep("bad");
  const auto kept = Left();
  ASSERT_EQ(kept.size(), 2u);
  grpc::ClientContext getting;
  v1::GetRejectedCallbackRequest get;
  get.set_rejected_callback_id(kept[0].rejected_callback_id());
  v1::GetRejectedCallbackResponse got;
  ASSERT_TRUE(rejected_->GetRejectedCallback(&getting, get, &got).ok());
  EXPECT_EQ(got.raw_body(), "a");

  grpc::ClientContext reparsing;
  v1::ReparseRejectedCallbacksResponse reparsed;
  ASSERT_TRUE(ReparseAll(&reparsed, reparsing).ok());
  EXPECT_THAT(reparsed.event_ids(), ElementsAre("v1-a"));

  grpc::ClientContext discarding;
  v1::DiscardRejectedCallbacksRequest discard;
  discard.add_rejected_callback_ids(kept[1].rejected_callback_id());
  v1::DiscardRejectedCallbacksResponse discarded;
  ASSERT_TRUE(rejected_->DiscardRejectedCallbacks(&discarding, discard, &discarded).ok());
  EXPECT_EQ(discarded.discarded(), 1);
  EXPECT_TRUE(Left().empty());
}

// A judge that waits until a test lets it go on.
class BusyJudgeTest : public RejectedCallbackServiceTest {
 protected:
  BusyJudgeTest() {
    judge_.on_judge = [this] {
      if (!judging_.HasBeenNotified()) judging_.Notify();
      let_go_.WaitForNotification();
    };
  }
  ~BusyJudgeTest() override {
    if (!let_go_.HasBeenNotified()) let_go_.Notify();
    if (reparse_.joinable()) reparse_.join();
    StopGateway();  // before what its threads use is gone
  }
  void StartReparse() {
    reparse_ = std::thread([this] { status_ = ReparseAll(&response_, context_); });
  }
  void AwaitReparse() { reparse_.join(); }

  absl::Notification judging_;
  absl::Notification let_go_;
  std::thread reparse_;
  grpc::ClientContext context_;  // of this reparse, with its end
  grpc::Status status_;
  v1::ReparseRejectedCallbacksResponse response_;
};

TEST_F(BusyJudgeTest, OtherAdministrationGoesOnMeanwhile) {
  Keep("a");
  StartReparse();
  judging_.WaitForNotification();
  EXPECT_EQ(Left().size(), 1u);
  v1::ListSubscriptionsResponse response;
  EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::ListSubscriptions,
                   v1::ListSubscriptionsRequest(), &response)
                  .ok());
  let_go_.Notify();
}

TEST_F(BusyJudgeTest, ADrainEndsAReparseAfterTheCallbackItIsAtAndRefusesOthers) {
  Keep("a");
  Keep("b");
  StartReparse();
  judging_.WaitForNotification();
  server_->Drain(absl::ZeroDuration());
  let_go_.Notify();
  AwaitReparse();
  EXPECT_TRUE(status_.ok());
  EXPECT_THAT(response_.event_ids(), ElementsAre("v1-a"));
  EXPECT_NE(response_.next_page_token(), "");
  grpc::ClientContext late;
  v1::ReparseRejectedCallbacksResponse response;
  const grpc::Status refused = ReparseAll(&response, late);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_details(), testing::HasSubstr("GOING_AWAY"));
}

TEST_F(BusyJudgeTest, OneTooManyIsToBeTriedAgain) {
  Keep("a");
  StartReparse();
  judging_.WaitForNotification();
  // Two wait behind the first. Of four more, two are refused, whichever they are.
  grpc::ClientContext more[4];
  std::vector<std::thread> asking;
  std::atomic<int> refused{0};
  absl::Notification two_refused;
  for (grpc::ClientContext& one : more) {
    asking.emplace_back([this, &one, &refused, &two_refused] {
      v1::ReparseRejectedCallbacksResponse response;
      const grpc::Status status = ReparseAll(&response, one);
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return;
      if (++refused == 2) two_refused.Notify();
    });
  }
  two_refused.WaitForNotification();
  let_go_.Notify();
  for (std::thread& one : asking) one.join();
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace onhook
