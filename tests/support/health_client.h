#ifndef ONHOOK_TESTS_SUPPORT_HEALTH_CLIENT_H_
#define ONHOOK_TESTS_SUPPORT_HEALTH_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/stream_clients.h"

// A client of grpc.health.v1, whose messages are put together by hand: Debian packages no generated
// code for them.
namespace onhook {

// One call of "Check" or "Watch" about one service, over a connection of its own if it is not told
// another.
// Threads: one. Blocking: Next, for 30 s at most, which then fails the call.
class HealthCall {
 public:
  HealthCall(int port, const std::string& method, const std::string& service)
      : HealthCall(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                             grpc::InsecureChannelCredentials(), OwnConnection()),
                   method, service) {}
  HealthCall(std::shared_ptr<grpc::Channel> channel, const std::string& method,
             const std::string& service)
      : stub_(std::move(channel)) {
    LimitTime(context_);
    call_ = stub_.PrepareCall(&context_, absl::StrCat("/grpc.health.v1.Health/", method), &queue_);
    call_->StartCall(nullptr);
    Done();
    // HealthCheckRequest{service = 1}.
    const std::string request =
        service.empty() ? "" : absl::StrCat("\x0a", std::string(1, char(service.size())), service);
    const grpc::Slice slice(request);
    call_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    Done();
  }
  ~HealthCall() {
    context_.TryCancel();
    grpc::Status ignored;
    call_->Finish(&ignored, nullptr);
    Done();
    queue_.Shutdown();
    while (Done()) {
    }
  }
  HealthCall(const HealthCall&) = delete;
  HealthCall& operator=(const HealthCall&) = delete;

  // The next answer: "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"; "" at the call's end.
  std::string Next() {
    grpc::ByteBuffer message;
    call_->Read(&message, nullptr);
    if (!Done()) return "";
    // HealthCheckResponse{status = 1}.
    std::vector<grpc::Slice> slices;
    if (!message.Dump(&slices).ok()) return "";
    std::string bytes;
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    if (bytes == "\x08\x01") return "SERVING";
    if (bytes == "\x08\x02") return "NOT_SERVING";
    if (bytes == "\x08\x03") return "SERVICE_UNKNOWN";
    return absl::StrCat("a message of ", bytes.size(), " bytes");
  }

 private:
  // Waits for the operation that was begun last; false: it failed, or there is none any more.
  bool Done() {
    void* tag = nullptr;
    bool succeeded = false;
    return queue_.Next(&tag, &succeeded) && succeeded;
  }

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

inline std::string CheckHealth(int port, const std::string& service) {
  return HealthCall(port, "Check", service).Next();
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_HEALTH_CLIENT_H_
