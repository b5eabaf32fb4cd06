#ifndef ONHOOK_TESTS_UNIT_DELIVERY_CONNECTIONS_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_DELIVERY_CONNECTIONS_FIXTURE_H_

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {

// What becomes of a channel's connection that the server ends.
inline grpc_connectivity_state EndOfReadiness(grpc::Channel& channel) {
  grpc_connectivity_state state = channel.GetState(false);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  while (state == GRPC_CHANNEL_READY && channel.WaitForStateChange(state, deadline)) {
    state = channel.GetState(false);
  }
  return state;
}

inline constexpr char kList[] = "/onhook.v1.SubscriptionService/ListSubscriptions";
inline constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
inline constexpr char kUnknown[] = "/onhook.v1.ReleaseEventService/Steal";

// A server that a test starts itself, and calls of whatever there is.
class ConnectionsTest : public DeliveryFixture {
 protected:
  void SetUp() override {}

  std::shared_ptr<grpc::Channel> Channel(const std::shared_ptr<grpc::ChannelCredentials>&
                                             credentials = grpc::InsecureChannelCredentials(),
                                         const std::string& address = "") const {
    return grpc::CreateCustomChannel(address.empty() ? absl::StrCat("127.0.0.1:", port_) : address,
                                     credentials, OwnConnection());
  }
  // A call with an empty request, which every method can read.
  static grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
                           const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    grpc::ClientContext context;
    LimitTime(context);
    for (const auto& [name, value] : headers) context.AddMetadata(name, value);
    const grpc::ByteBuffer request(nullptr, 0);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    grpc::GenericStub(channel).UnaryCall(&context, std::string(method), {}, &request, &response,
                                         [&](grpc::Status ended) {
                                           status = std::move(ended);
                                           done.Notify();
                                         });
    done.WaitForNotification();
    return status;
  }
  static grpc::Status CallList(const std::shared_ptr<grpc::Channel>& channel) {
    return Call(channel, kList);
  }
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_DELIVERY_CONNECTIONS_FIXTURE_H_
