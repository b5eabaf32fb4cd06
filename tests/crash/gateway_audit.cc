#include "tests/crash/gateway_audit.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr int32_t kPageEvents = 1000;
constexpr int64_t kLookedUp = 50;
// Far beyond what reading a log of some gigabytes takes.
constexpr std::chrono::minutes kPatience{5};

std::shared_ptr<grpc::Channel> ChannelTo(int grpc_port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", grpc_port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void LimitTime(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
}

void ExpectOk(const grpc::Status& status) {
  EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
}

}  // namespace

GatewayAudit::GatewayAudit(int grpc_port, CallLedger* ledger, Options options)
    : ledger_(ledger),
      options_(std::move(options)),
      events_(v1::ReleaseEventService::NewStub(ChannelTo(grpc_port))),
      subscriptions_(v1::SubscriptionService::NewStub(ChannelTo(grpc_port))),
      audit_(ledger, options_.may_be_removed) {}

int64_t GatewayAudit::Run() {
  WatchAll();
  ListAll();
  LookUpSome();
  for (const std::string& subscription : ledger_->Subscriptions()) AskWhatIsOwed(subscription);
  for (std::string& finding : audit_.Findings()) ledger_->Find(std::move(finding));
  return audit_.events();
}

void GatewayAudit::WatchAll() {
  grpc::ClientContext context;
  LimitTime(context);
  v1::WatchRequest request;
  request.set_position(v1::START_POSITION_EARLIEST);
  request.set_stop_at_end(true);
  request.set_observe_only(true);
  const auto stream = events_->Watch(&context, request);
  v1::WatchResponse response;
  while (stream->Read(&response)) {
    for (const v1::WatchedEvent& each : response.events().events()) {
      audit_.EnterWatched(each.event(), each.cursor());
    }
  }
  ExpectOk(stream->Finish());
}

void GatewayAudit::ListAll() {
  v1::ListEventsRequest request;
  request.mutable_received_from()->set_seconds(1);
  for (const v1::StoredEvent& each : List(request)) {
    audit_.EnterListed(each.event(), each.cursor());
  }
}

void GatewayAudit::LookUpSome() {
  const int64_t step = std::max<int64_t>(1, ledger_->opened() / kLookedUp);
  for (int64_t number = 0; number < ledger_->opened(); number += step) {
    v1::ListEventsRequest request;
    request.set_call_serial_no(ledger_->CallSerialNo(number));
    audit_.EnterFound(number, List(request));
    request.set_call_serial_no(ledger_->content().WrongSerialNo(number));
    audit_.EnterFoundOfWrong(number, List(request).size());
    v1::GetEventRequest wanted;
    wanted.set_event_id(audit_.EventId(number));
    if (wanted.event_id().empty()) continue;
    grpc::ClientContext context;
    LimitTime(context);
    v1::GetEventResponse response;
    const grpc::Status status = events_->GetEvent(&context, wanted, &response);
    ExpectOk(status);
    if (status.ok()) audit_.EnterFound(number, {response.stored_event()});
  }
}

void GatewayAudit::AskWhatIsOwed(const std::string& subscription) {
  const SystemClock clock;
  const absl::Duration given_up = clock.Elapsed() + options_.patience;
  v1::GetSubscriptionRequest request;
  request.set_name(subscription);
  while (true) {
    grpc::ClientContext context;
    LimitTime(context);
    v1::GetSubscriptionResponse response;
    const grpc::Status status = subscriptions_->GetSubscription(&context, request, &response);
    ExpectOk(status);
    const int64_t backlog = response.subscription().stats().backlog_events();
    if (!status.ok() || audit_.IsOwed(subscription, backlog)) return;
    if (clock.Elapsed() > given_up) return audit_.EnterOwed(subscription, backlog);
    options_.wait();
  }
}

std::vector<v1::StoredEvent> GatewayAudit::List(v1::ListEventsRequest request) {
  std::vector<v1::StoredEvent> listed;
  request.set_page_size(kPageEvents);
  do {
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListEventsResponse page;
    const grpc::Status status = events_->ListEvents(&context, request, &page);
    ExpectOk(status);
    if (!status.ok()) break;
    listed.insert(listed.end(), page.stored_events().begin(), page.stored_events().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return listed;
}

}  // namespace onhook
