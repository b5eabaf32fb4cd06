#include "gateway/delivery/subscription_service.h"

#include <gmock/gmock.h>

#include "gateway/delivery/cursor.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using Stub = v1::SubscriptionService::Stub;

class SubscriptionServiceTest : public DeliveryFixture {
 protected:
  v1::Subscription Create(const std::string& name) {
    v1::CreateSubscriptionRequest request;
    request.set_name(name);
    v1::CreateSubscriptionResponse response;
    EXPECT_TRUE(Call(&Stub::CreateSubscription, request, &response).ok());
    return response.subscription();
  }
  v1::Subscription Get(const std::string& name) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    v1::GetSubscriptionResponse response;
    EXPECT_TRUE(Call(&Stub::GetSubscription, request, &response).ok());
    return response.subscription();
  }
  // The calls of what is parked, by the id of their dead letters.
  std::vector<v1::DeadLetter> Parked(const std::string& subscription) {
    v1::ListDeadLettersRequest request;
    request.set_subscription(subscription);
    v1::ListDeadLettersResponse response;
    EXPECT_TRUE(Call(&Stub::ListDeadLetters, request, &response).ok());
    return {response.dead_letters().begin(), response.dead_letters().end()};
  }
  // Stores a call and has it parked by `crm`.
  void Park(const std::string& call) {
    Append(call);
    Subscriber subscriber = Subscribe();
    subscriber.Open("crm");
    v1::SubscribeRequest request;
    request.mutable_nack()->add_delivery_ids(subscriber.Deliveries(1)[0].delivery_id());
    request.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
    request.mutable_nack()->set_reason("no such customer");
    subscriber.Send(request);
    EXPECT_TRUE(subscriber.Next().has_ack_results());
  }
};

TEST_F(SubscriptionServiceTest, ASubscriptionIsCreatedFoundAndListedByName) {
  Append("a");
  Create("crm");
  Create("billing");
  EXPECT_EQ(Get("crm").stats().backlog_events(), 1);
  v1::ListSubscriptionsRequest request;
  request.set_page_size(1);
  v1::ListSubscriptionsResponse page;
  ASSERT_TRUE(Call(&Stub::ListSubscriptions, request, &page).ok());
  EXPECT_EQ(page.subscriptions(0).name(), "billing");
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(Call(&Stub::ListSubscriptions, request, &page).ok());
  EXPECT_EQ(page.subscriptions(0).name(), "crm");
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(SubscriptionServiceTest, AnUpdateKeepsThePosition) {
  Append("a");
  Create("crm");
  v1::UpdateSubscriptionRequest request;
  request.set_name("crm");
  request.mutable_spec()->mutable_ack_deadline()->set_seconds(5);
  request.mutable_update_mask()->add_paths("ack_deadline");
  v1::UpdateSubscriptionResponse response;
  ASSERT_TRUE(Call(&Stub::UpdateSubscription, request, &response).ok());
  EXPECT_EQ(Get("crm").spec().ack_deadline().seconds(), 5);
  EXPECT_EQ(Get("crm").stats().backlog_events(), 1);
}

TEST_F(SubscriptionServiceTest, ASeekBringsAckedEventsAgainAndForgetsOldIds) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto before = subscriber.Deliveries(1);
  subscriber.Ack(before);
  ASSERT_TRUE(subscriber.Next().has_ack_results());
  v1::SeekRequest request;
  request.set_name("crm");
  request.set_position(v1::START_POSITION_EARLIEST);
  v1::SeekResponse response;
  ASSERT_TRUE(Call(&Stub::Seek, request, &response).ok());
  EXPECT_EQ(response.cursor(), FormatCursor(store_->store_id(), 0));
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
  subscriber.Ack(before);
  EXPECT_EQ(subscriber.Next().ack_results().exceptions(0).result(), v1::AckResults::RESULT_UNKNOWN);
}

TEST_F(SubscriptionServiceTest, APausedSubscriptionHandsOutNothingUntilItIsResumed) {
  Create("crm");
  v1::PauseSubscriptionRequest pause;
  pause.set_name("crm");
  v1::PauseSubscriptionResponse paused;
  ASSERT_TRUE(Call(&Stub::PauseSubscription, pause, &paused).ok());
  EXPECT_TRUE(Get("crm").paused());
  Append("a");
  Subscriber subscriber = Subscribe();
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 1);
  subscriber.Ack({});  // had "a" come, it would be read before this answer
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  v1::ResumeSubscriptionRequest resume;
  resume.set_name("crm");
  v1::ResumeSubscriptionResponse resumed;
  ASSERT_TRUE(Call(&Stub::ResumeSubscription, resume, &resumed).ok());
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
}

TEST_F(SubscriptionServiceTest, ADeadLetterTellsItsEventAndWhyItWasParked) {
  Park("a");
  const auto parked = Parked("crm");
  ASSERT_EQ(parked.size(), 1u);
  v1::GetDeadLetterRequest request;
  request.set_subscription("crm");
  request.set_dead_letter_id(parked[0].dead_letter_id());
  v1::GetDeadLetterResponse response;
  ASSERT_TRUE(Call(&Stub::GetDeadLetter, request, &response).ok());
  EXPECT_EQ(response.dead_letter().event().call_serial_no(), "a");
  EXPECT_EQ(response.dead_letter().reason(), v1::DeadLetter::REASON_REQUESTED);
  EXPECT_EQ(response.dead_letter().detail(), "no such customer");
}

TEST_F(SubscriptionServiceTest, ARedrivenDeadLetterIsDeliveredAgain) {
  Park("a");
  v1::RedriveDeadLettersRequest request;
  request.set_subscription("crm");
  request.add_dead_letter_ids(Parked("crm")[0].dead_letter_id());
  request.add_dead_letter_ids("nonsense");
  v1::RedriveDeadLettersResponse response;
  ASSERT_TRUE(Call(&Stub::RedriveDeadLetters, request, &response).ok());
  EXPECT_EQ(response.redriven(), 1);
  EXPECT_THAT(response.unknown_ids(), ElementsAre("nonsense"));
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto again = subscriber.Deliveries(1);
  EXPECT_EQ(again[0].redelivery_reason(), v1::Delivery::REDELIVERY_REASON_REDRIVEN);
}

TEST_F(SubscriptionServiceTest, ADiscardedDeadLetterIsGone) {
  Park("a");
  v1::DiscardDeadLettersRequest request;
  request.set_subscription("crm");
  request.set_all(true);
  v1::DiscardDeadLettersResponse response;
  ASSERT_TRUE(Call(&Stub::DiscardDeadLetters, request, &response).ok());
  EXPECT_EQ(response.discarded(), 1);
  EXPECT_TRUE(Parked("crm").empty());
}

class NoChangesTest : public SubscriptionServiceTest {
 protected:
  NoChangesTest() { options_.max_dead_letter_changes = 0; }
};

TEST_F(NoChangesTest, OneChangeOfDeadLettersTooManyIsToBeTriedAgain) {
  Create("crm");
  v1::DiscardDeadLettersRequest request;
  request.set_subscription("crm");
  request.set_all(true);
  v1::DiscardDeadLettersResponse response;
  EXPECT_EQ(Call(&Stub::DiscardDeadLetters, request, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(SubscriptionServiceTest, ATimelineSaysWhoSettledTheEvent) {
  Append("a");
  Create("billing");
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_consumer_name("worker-1");
  subscriber.Open("crm");
  subscriber.Ack(subscriber.Deliveries(1));
  ASSERT_TRUE(subscriber.Next().has_ack_results());
  v1::ListEventsRequest request;
  request.set_call_serial_no("a");
  v1::ListEventsResponse response;
  grpc::ClientContext context;
  LimitTime(context);
  ASSERT_TRUE(stub_->ListEvents(&context, request, &response).ok());
  ASSERT_EQ(response.stored_events(0).timelines_size(), 2);
  EXPECT_EQ(response.stored_events(0).timelines(0).state(),
            v1::SubscriptionTimeline::STATE_PENDING);
  const v1::SubscriptionTimeline& crm = response.stored_events(0).timelines(1);
  EXPECT_EQ(crm.state(), v1::SubscriptionTimeline::STATE_ACKED);
  EXPECT_EQ(crm.entries(crm.entries_size() - 1).consumer_name(), "worker-1");
}

}  // namespace
}  // namespace onhook
