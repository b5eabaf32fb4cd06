#include "tests/chaos/gateway_life.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

// Between two looks at what can only be asked for.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);

// Calls one method, and expects that it succeeds.
template <typename Stub, typename Request, typename Response>
Response Call(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoSeconds(GatewayLife::kPatience));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
  return response;
}

}  // namespace

using Stub = v1::SubscriptionService::Stub;

GatewayLife::~GatewayLife() {
  if (testing::Test::HasFailure() && gateway_.has_value()) {
    ADD_FAILURE() << "the last gateway's log:\n" << gateway_->log();
  }
  address_.Close();
}

bool GatewayLife::Start() {
  OnhookdProcess::Options options;
  options.store_directory = directory_.path() + "/store";
  gateway_.emplace(options);
  if (!gateway_->WaitUntilListening(kPatience)) {
    ADD_FAILURE() << "the gateway did not come up:\n" << gateway_->log();
    return false;
  }
  stub_ = v1::SubscriptionService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", gateway_->grpc_port()), grpc::InsecureChannelCredentials()));
  ++generation_;
  address_.Publish(gateway_->http_port(), gateway_->grpc_port());
  return true;
}

void GatewayLife::Kill() {
  gateway_->Kill();
  ++kills_;
}

void GatewayLife::WaitFor(absl::Duration duration) {
  const std::optional<ProcessEnd> ended = gateway_->Wait(duration);
  EXPECT_FALSE(ended.has_value()) << *ended << "\n" << gateway_->log();
}

void GatewayLife::CreateSubscription(const std::string& name, const v1::SubscriptionSpec& spec,
                                     CallLedger::Terms terms) {
  v1::CreateSubscriptionRequest request;
  request.set_name(name);
  *request.mutable_spec() = spec;
  ledger_.OpenSubscription(name, std::move(terms));
  Call(*stub_, &Stub::CreateSubscription, request);
}

std::unique_ptr<ConsumerProcess> GatewayLife::StartConsumer(
    const std::vector<std::string>& arguments) {
  auto consumer = std::make_unique<ConsumerProcess>(arguments, &ledger_);
  Introduce(*consumer);
  return consumer;
}

void GatewayLife::Introduce(ConsumerProcess& consumer) const {
  consumer.TellGateway(generation_, gateway_->grpc_port());
}

v1::SubscriptionStats GatewayLife::StatsOf(const std::string& subscription) {
  v1::GetSubscriptionRequest request;
  request.set_name(subscription);
  return Call(*stub_, &Stub::GetSubscription, request).subscription().stats();
}

bool GatewayLife::WaitUntilDrained(const std::string& subscription) {
  const SystemClock clock;
  const absl::Duration given_up = clock.Elapsed() + kPatience;
  v1::SubscriptionStats stats;
  while (clock.Elapsed() < given_up && !testing::Test::HasFatalFailure()) {
    stats = StatsOf(subscription);
    if (stats.backlog_events() == 0 && stats.outstanding_events() == 0) return true;
    WaitFor(kBetweenLooks);
  }
  ADD_FAILURE() << subscription << " still owes events: " << stats.ShortDebugString();
  return false;
}

std::vector<v1::DeadLetter> GatewayLife::DeadLettersOf(const std::string& subscription) {
  std::vector<v1::DeadLetter> letters;
  v1::ListDeadLettersRequest request;
  request.set_subscription(subscription);
  do {
    v1::ListDeadLettersResponse page = Call(*stub_, &Stub::ListDeadLetters, request);
    letters.insert(letters.end(), page.dead_letters().begin(), page.dead_letters().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return letters;
}

void GatewayLife::Seek(const std::string& subscription, v1::StartPosition position) {
  v1::SeekRequest request;
  request.set_name(subscription);
  request.set_position(position);
  Call(*stub_, &Stub::Seek, request);
}

int64_t GatewayLife::RedriveAll(const std::string& subscription) {
  v1::RedriveDeadLettersRequest request;
  request.set_subscription(subscription);
  request.set_all(true);
  ledger_.Redriven(subscription);
  return Call(*stub_, &Stub::RedriveDeadLetters, request).redriven();
}

}  // namespace onhook
