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
  List(request,
       [this](const v1::StoredEvent& each) { audit_.EnterListed(each.event(), each.cursor()); });
}

void GatewayAudit::LookUpSome() {
  const int64_t step = std::max<int64_t>(1, ledger_->opened() / kLookedUp);
  for (int64_t number = 0; number < ledger_->opened(); number += step) {
    audit_.EnterFound(number, ListOf(ledger_->CallSerialNo(number)));
    audit_.EnterFoundOfWrong(number, ListOf(ledger_->content().WrongSerialNo(number)).size());
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
  // A log that is wrong owes what is wrong, and waiting does not help.
  const absl::Duration patience =
      audit_.Findings().empty() ? options_.patience : absl::ZeroDuration();
  const absl::Duration given_up = clock.Elapsed() + patience;
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

void GatewayAudit::List(v1::ListEventsRequest request,
                        const std::function<void(const v1::StoredEvent&)>& take) {
  request.set_page_size(kPageEvents);
  do {
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListEventsResponse page;
    const grpc::Status status = events_->ListEvents(&context, request, &page);
    ExpectOk(status);
    if (!status.ok()) return;
    for (const v1::StoredEvent& each : page.stored_events()) take(each);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
}

std::vector<v1::StoredEvent> GatewayAudit::ListOf(const std::string& call_serial_no) {
  std::vector<v1::StoredEvent> found;
  v1::ListEventsRequest request;
  request.set_call_serial_no(call_serial_no);
  List(request, [&](const v1::StoredEvent& each) { found.push_back(each); });
  return found;
}

}  // namespace onhook
