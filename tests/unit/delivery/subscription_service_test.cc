#include "gateway/delivery/subscription_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using grpc::StatusCode;

class SubscriptionServiceTest : public DeliveryFixture {
 protected:
  void SetUp() override {
    DeliveryFixture::SetUp();
    admin_ = v1::SubscriptionService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::SubscriptionService::Stub::*call)(grpc::ClientContext*,
                                                                        const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    LimitTime(context);
    return ((*admin_).*call)(&context, request, response);
  }
  StatusCode Create(const std::string& name, const v1::SubscriptionSpec& spec = {}) {
    v1::CreateSubscriptionRequest request;
    request.set_name(name);
    *request.mutable_spec() = spec;
    v1::CreateSubscriptionResponse response;
    return Call(&v1::SubscriptionService::Stub::CreateSubscription, request, &response)
        .error_code();
  }
  v1::Subscription Get(const std::string& name) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    v1::GetSubscriptionResponse response;
    EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::GetSubscription, request, &response).ok());
    return response.subscription();
  }
  StatusCode Update(const std::string& name, const std::string& path,
                    const v1::SubscriptionSpec& spec = {}) {
    v1::UpdateSubscriptionRequest request;
    request.set_name(name);
    *request.mutable_spec() = spec;
    if (!path.empty()) request.mutable_update_mask()->add_paths(path);
    v1::UpdateSubscriptionResponse response;
    return Call(&v1::SubscriptionService::Stub::UpdateSubscription, request, &response)
        .error_code();
  }
  StatusCode Seek(const std::function<void(v1::SeekRequest&)>& to, int64_t* backlog = nullptr) {
    v1::SeekRequest request;
    request.set_name("crm");
    to(request);
    v1::SeekResponse response;
    const grpc::Status status = Call(&v1::SubscriptionService::Stub::Seek, request, &response);
    if (backlog != nullptr) *backlog = response.backlog_events();
    return status.error_code();
  }

  std::unique_ptr<v1::SubscriptionService::Stub> admin_;
};

TEST_F(SubscriptionServiceTest, ASubscriptionIsCreatedOnceAndShownWithItsStatistics) {
  Append("a");
  EXPECT_EQ(Create("crm"), StatusCode::OK);
  EXPECT_EQ(Create("crm"), StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Create("No Capitals"), StatusCode::INVALID_ARGUMENT);
  const v1::Subscription crm = Get("crm");
  EXPECT_EQ(crm.stats().backlog_events(), 1);
  EXPECT_TRUE(crm.stats().has_oldest_unsettled_age());
  EXPECT_FALSE(crm.declared());
  EXPECT_TRUE(crm.has_created_at());
}

TEST_F(SubscriptionServiceTest, ListsComeInPagesByName) {
  for (const char* name : {"c", "a", "b"}) EXPECT_EQ(Create(name), StatusCode::OK);
  v1::ListSubscriptionsRequest request;
  request.set_page_size(2);
  v1::ListSubscriptionsResponse page;
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::ListSubscriptions, request, &page).ok());
  EXPECT_EQ(page.subscriptions(1).name(), "b");
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::ListSubscriptions, request, &page).ok());
  ASSERT_EQ(page.subscriptions_size(), 1);
  EXPECT_EQ(page.subscriptions(0).name(), "c");
  EXPECT_TRUE(page.next_page_token().empty());
}

TEST_F(SubscriptionServiceTest, AnUpdateChangesWhatTheMaskNamesAndNothingElse) {
  v1::SubscriptionSpec spec;
  spec.set_max_unacked_events(5);
  spec.set_max_delivery_attempts(3);
  Create("crm", spec);
  v1::SubscriptionSpec change;
  change.mutable_filter()->add_sources("sales");
  change.mutable_unlimited_delivery_attempts();
  EXPECT_EQ(Update("crm", "filter.sources", change), StatusCode::OK);
  EXPECT_EQ(Update("crm", "unlimited_delivery_attempts", change), StatusCode::OK);
  EXPECT_EQ(Update("crm", "max_unacked_events"), StatusCode::OK);
  const v1::SubscriptionSpec updated = Get("crm").spec();
  EXPECT_EQ(updated.filter().sources(0), "sales");
  EXPECT_TRUE(updated.has_unlimited_delivery_attempts());
  EXPECT_FALSE(updated.has_max_unacked_events()) << "back to its default";
}

TEST_F(SubscriptionServiceTest, BadUpdatesAreRefused) {
  Create("crm");
  v1::SubscriptionSpec bad;
  bad.set_max_unacked_events(-1);
  EXPECT_EQ(Update("crm", ""), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Update("crm", "no_such_field"), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Update("crm", "start_position"), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Update("crm", "max_unacked_events", bad), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Update("none", "filter"), StatusCode::NOT_FOUND);
  ASSERT_TRUE(store_->Declare({{"crm", {}}}).ok());
  EXPECT_EQ(Update("crm", "filter"), StatusCode::FAILED_PRECONDITION);
}

TEST_F(SubscriptionServiceTest, ASeekGoesWhereItIsTold) {
  Create("crm");
  for (const char* call : {"a", "b", "c"}) Append(call);
  int64_t backlog = -1;
  EXPECT_EQ(Seek([](auto& r) { r.set_position(v1::START_POSITION_LATEST); }, &backlog),
            StatusCode::OK);
  EXPECT_EQ(backlog, 0);
  EXPECT_EQ(Seek([](auto& r) { r.set_position(v1::START_POSITION_EARLIEST); }, &backlog),
            StatusCode::OK);
  EXPECT_EQ(backlog, 3);
  const std::string id = store_->store_id();
  EXPECT_EQ(Seek([&](auto& r) { r.set_after_cursor("c1-" + id + "-2"); }, &backlog),
            StatusCode::OK);
  EXPECT_EQ(backlog, 1);
  EXPECT_EQ(Seek([&](auto& r) { r.set_after_cursor("c1-" + id + "-9"); }),
            StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Seek([](auto& r) { r.set_after_cursor("c1-0000000000000000-1"); }),
            StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Seek([](auto& r) { r.set_after_cursor("nonsense"); }), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Seek([](auto&) {}), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Seek([](auto& r) { r.mutable_time()->set_seconds(1); }, &backlog), StatusCode::OK);
  EXPECT_EQ(backlog, 3);
}

TEST_F(SubscriptionServiceTest, DeadLettersAreListedShownRedrivenAndDiscarded) {
  for (const char* call : {"a", "b", "c"}) Append(call);
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::SubscribeRequest park;
  park.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
  park.mutable_nack()->set_reason("no such customer");
  for (const v1::Delivery& delivery : subscriber.Deliveries(3)) {
    park.mutable_nack()->add_delivery_ids(delivery.delivery_id());
  }
  subscriber.Send(park);
  EXPECT_EQ(subscriber.Next().ack_results().exceptions_size(), 0);

  v1::ListDeadLettersRequest list;
  list.set_subscription("crm");
  list.set_page_size(2);
  v1::ListDeadLettersResponse page;
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::ListDeadLetters, list, &page).ok());
  ASSERT_EQ(page.dead_letters_size(), 2);
  EXPECT_EQ(page.dead_letters(0).event().call_serial_no(), "a");
  EXPECT_EQ(page.dead_letters(0).detail(), "no such customer");
  EXPECT_FALSE(page.next_page_token().empty());

  v1::GetDeadLetterRequest get;
  get.set_subscription("crm");
  get.set_dead_letter_id(page.dead_letters(1).dead_letter_id());
  v1::GetDeadLetterResponse got;
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::GetDeadLetter, get, &got).ok());
  EXPECT_EQ(got.dead_letter().event().call_serial_no(), "b");
  get.set_dead_letter_id("nonsense");
  EXPECT_EQ(Call(&v1::SubscriptionService::Stub::GetDeadLetter, get, &got).error_code(),
            StatusCode::NOT_FOUND);

  v1::RedriveDeadLettersRequest redrive;
  redrive.set_subscription("crm");
  redrive.add_dead_letter_ids(page.dead_letters(0).dead_letter_id());
  redrive.add_dead_letter_ids("nonsense");
  v1::RedriveDeadLettersResponse redriven;
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::RedriveDeadLetters, redrive, &redriven).ok());
  EXPECT_EQ(redriven.redriven(), 1);
  EXPECT_THAT(redriven.unknown_ids(), testing::ElementsAre("nonsense"));
  const v1::Delivery again = subscriber.Deliveries(1)[0];
  EXPECT_EQ(again.event().call_serial_no(), "a");
  EXPECT_EQ(again.redelivery_reason(), v1::Delivery::REDELIVERY_REASON_REDRIVEN);

  v1::DiscardDeadLettersRequest discard;
  discard.set_subscription("crm");
  v1::DiscardDeadLettersResponse discarded;
  EXPECT_EQ(
      Call(&v1::SubscriptionService::Stub::DiscardDeadLetters, discard, &discarded).error_code(),
      StatusCode::INVALID_ARGUMENT);
  discard.set_all(true);
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::DiscardDeadLetters, discard, &discarded).ok());
  EXPECT_EQ(discarded.discarded(), 2);
}

TEST_F(SubscriptionServiceTest, PausingAndDeletingAndWhatIsNotThere) {
  Create("crm");
  v1::PauseSubscriptionRequest pause;
  pause.set_name("crm");
  v1::PauseSubscriptionResponse paused;
  EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::PauseSubscription, pause, &paused).ok());
  EXPECT_TRUE(Get("crm").paused());
  v1::ResumeSubscriptionRequest resume;
  resume.set_name("crm");
  v1::ResumeSubscriptionResponse resumed;
  EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::ResumeSubscription, resume, &resumed).ok());
  EXPECT_FALSE(Get("crm").paused());
  v1::DeleteSubscriptionRequest remove;
  remove.set_name("crm");
  v1::DeleteSubscriptionResponse removed;
  EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::DeleteSubscription, remove, &removed).ok());
  const grpc::Status gone =
      Call(&v1::SubscriptionService::Stub::DeleteSubscription, remove, &removed);
  EXPECT_EQ(gone.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(gone.error_message(), testing::HasSubstr("crm"));
}

TEST_F(SubscriptionServiceTest, AnEventTellsWhoHandledIt) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_consumer_name("pod-7");
  subscriber.Open("crm");
  subscriber.Ack(subscriber.Deliveries(1));
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  v1::ListEventsRequest request;
  request.set_call_serial_no("a");
  v1::ListEventsResponse response;
  grpc::ClientContext context;
  LimitTime(context);
  ASSERT_TRUE(stub_->ListEvents(&context, request, &response).ok());
  ASSERT_EQ(response.stored_events(0).timelines_size(), 1);
  const v1::SubscriptionTimeline& timeline = response.stored_events(0).timelines(0);
  EXPECT_EQ(timeline.state(), v1::SubscriptionTimeline::STATE_ACKED);
  EXPECT_EQ(timeline.entries(timeline.entries_size() - 1).consumer_name(), "pod-7");
}

}  // namespace
}  // namespace onhook
