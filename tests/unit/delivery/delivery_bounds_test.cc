// What the gRPC port limits: headers, calls, connections, their threads and their age.
#include <gmock/gmock.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <filesystem>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gateway/delivery/server_bounds.h"
#include "tests/support/raw_http_client.h"
#include "tests/unit/delivery/connections_fixture.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

// Whether the server ends the connection, after its settings.
bool IsEnded(RawHttpClient& client) {
  const absl::Time begun = absl::Now();
  while (absl::Now() - begun < absl::Seconds(9)) {
    if (client.Sip() == 0) return absl::Now() - begun < absl::Seconds(9);
  }
  return false;
}

// Of this process: the gateway's, and its clients'.
size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}
// A request of reflection: the names of all services.
const std::string kListServices("\x3a\0", 2);

// Calls of reflection, which are begun and then left alone.
class HeldCalls {
 public:
  HeldCalls(const std::shared_ptr<grpc::Channel>& channel, int count) {
    const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
    grpc::GenericStub stub(channel);
    for (int i = 0; i < count; ++i) {
      Held& held = calls_.emplace_back();
      LimitTime(held.context);
      held.call = stub.PrepareCall(&held.context, method, &queue_);
      held.call->StartCall(this);
      AwaitOne();
      // With an answer, so that it has a thread, or with its end.
      const grpc::Slice request(kListServices);
      held.call->Write(grpc::ByteBuffer(&request, 1), this);
      AwaitOne();
      grpc::ByteBuffer response;
      held.call->Read(&response, this);
      AwaitOne();
    }
  }
  ~HeldCalls() { queue_.Shutdown(); }

  // Says that nothing more comes, and returns how each call ends.
  std::vector<grpc::StatusCode> End() {
    std::vector<grpc::StatusCode> ends;
    for (Held& held : calls_) {
      grpc::Status end;
      held.call->WritesDone(this);
      AwaitOne();
      held.call->Finish(&end, this);
      AwaitOne();
      ends.push_back(end.error_code());
    }
    return ends;
  }

 private:
  struct Held {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
  };

  void AwaitOne() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
  }

  grpc::CompletionQueue queue_;
  std::list<Held> calls_;
};

using BoundsTest = ConnectionsTest;

TEST_F(BoundsTest, HeadersBeyondTheLimitAreRefused) {
  options_.max_metadata_bytes = 4 << 10;
  StartGateway();
  EXPECT_TRUE(Call(Channel(), kHealth, {{"x", std::string(2 << 10, 'x')}}).ok());
  EXPECT_EQ(Call(Channel(), kHealth, {{"x", std::string(8 << 10, 'x')}}).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(BoundsTest, CallsBeyondThoseThatAConnectionMayHaveWaitUntilOneEnds) {
  options_.max_streams_per_connection = 2;
  StartGateway();
  const auto stub = v1::ReleaseEventService::NewStub(Channel());
  auto first = std::make_unique<Watcher>(stub.get(), v1::WatchRequest());
  Watcher second(stub.get(), {});
  EXPECT_TRUE(first->Next().has_heartbeat());
  EXPECT_TRUE(second.Next().has_heartbeat());
  std::thread third([&] { EXPECT_TRUE(Watcher(stub.get(), {}).Next().has_heartbeat()); });
  // Another connection has calls of its own, so the third is behind the limit, not lost.
  EXPECT_TRUE(CallList(Channel()).ok());
  first.reset();
  third.join();
}

TEST_F(BoundsTest, AConnectionWithoutAStreamGivesItsPlaceToANewcomer) {
  options_.max_connections = 2;
  StartGateway();
  const auto busy = v1::ReleaseEventService::NewStub(Channel());
  Watcher watcher(busy.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  RawHttpClient idle(port_);
  EXPECT_TRUE(CallList(Channel()).ok());
  EXPECT_TRUE(IsEnded(idle));
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("onhook_grpc_connections_cut_total{reason=\"room\"} 1\n"));
}

// The ledger's descriptors too are closed when a connection ends, and only then.
TEST_F(BoundsTest, HundredsOfConnectionsThatComeAndGoLeaveNothingBehind) {
  StartGateway();
  const auto stub = v1::ReleaseEventService::NewStub(Channel());
  Watcher watcher(stub.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 300; ++i) {
    RawHttpClient client(port_);
    if (i % 3 == 0) client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    if (i % 3 == 1) client.Send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(i % 50 != 0 || CallList(Channel()).ok());
  }
  EXPECT_TRUE(CallList(Channel()).ok());  // so all before it have been accepted
  const absl::Time begun = absl::Now();
  bool gone = false;
  while (!gone && absl::Now() - begun < absl::Seconds(20)) gone = OpenDescriptors() <= before;
  EXPECT_TRUE(gone) << OpenDescriptors() << " instead of " << before;
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
}

TEST_F(BoundsTest, APeerThatSaysNothingIsClosedAfterTheHandshakesTime) {
  options_.handshake_timeout = absl::Milliseconds(100);
  StartGateway();
  RawHttpClient silent(port_);
  EXPECT_TRUE(IsEnded(silent));
}

TEST_F(BoundsTest, AnIdleConnectionIsClosed) {
  options_.idle_timeout = absl::Milliseconds(100);
  StartGateway();
  const auto channel = Channel();
  EXPECT_TRUE(CallList(channel).ok());
  EXPECT_EQ(EndOfReadiness(*channel), GRPC_CHANNEL_IDLE);
}

// Each of reflection's calls holds a thread of gRPC's for as long as its client likes.
TEST_F(BoundsTest, CallsOfReflectionBeyondTheThreadsAreRefusedAndDelayNoOthers) {
  StartGateway();
  const auto channel = Channel();
  HeldCalls held(channel, 40);
  EXPECT_TRUE(CallList(channel).ok());
  const std::vector<StatusCode> ends = held.End();
  EXPECT_THAT(ends, testing::Contains(StatusCode::OK));
  EXPECT_THAT(ends, testing::Contains(StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_THAT(ends, testing::Each(testing::AnyOf(StatusCode::OK, StatusCode::RESOURCE_EXHAUSTED)));
}

// Or gRPC would end it without a word.
TEST_F(BoundsTest, AConnectionOutlivesEveryStreamThatBeganOnIt) {
  for (const absl::Duration age : {absl::Minutes(1), absl::Minutes(30), absl::Hours(24)}) {
    options_.max_stream_age = age;
    EXPECT_GT(ConnectionAgeGrace(options_),
              age * 1.1 + options_.handover_time + options_.drain_timeout);
  }
}

TEST_F(BoundsTest, AConnectionThatIsOldTakesNoNewCallButItsStreamGoesOn) {
  options_.max_connection_age = absl::Milliseconds(100);
  StartGateway();
  const auto channel = Channel();
  const auto stub = v1::ReleaseEventService::NewStub(channel);
  Watcher watcher(stub.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  EXPECT_EQ(EndOfReadiness(*channel), GRPC_CHANNEL_IDLE);
  EXPECT_TRUE(CallList(channel).ok());  // over another one
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
}

}  // namespace
}  // namespace onhook