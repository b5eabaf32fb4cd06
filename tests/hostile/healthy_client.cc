#include "tests/hostile/healthy_client.h"

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/support/stream_clients.h"

namespace onhook {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(20);
constexpr absl::Duration kPatience = absl::Minutes(1);

}  // namespace

HealthyClient::HealthyClient(int port, std::shared_ptr<grpc::ChannelCredentials> credentials)
    : calling_([this, port, credentials] { Run(port, credentials); }) {}

HealthyClient::~HealthyClient() {
  stopped_.Notify();
  calling_.join();
}

void HealthyClient::Run(int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  const auto stub = v1::ReleaseEventService::NewStub(
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), credentials, OwnConnection()));
  v1::ListEventsRequest request;
  request.set_call_serial_no("1");
  do {
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListEventsResponse response;
    const grpc::Status status = stub->ListEvents(&context, request, &response);
    absl::MutexLock lock(&mutex_);
    if (status.ok()) {
      ++answered_;
    } else {
      failures_.push_back(absl::StrCat(status.error_code(), " ", status.error_message()));
    }
  } while (!stopped_.WaitForNotificationWithTimeout(kPause));
}

bool HealthyClient::IsServed() {
  absl::MutexLock lock(&mutex_);
  // The first of them may have begun before.
  const int enough = answered_ + 2;
  const size_t failed = failures_.size();
  const auto is_told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return answered_ >= enough || failures_.size() > failed;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&is_told), kPatience) &&
         failures_.size() == failed;
}

std::vector<std::string> HealthyClient::failures() const {
  absl::MutexLock lock(&mutex_);
  return failures_;
}

int HealthyClient::answered() const {
  absl::MutexLock lock(&mutex_);
  return answered_;
}

}  // namespace onhook
