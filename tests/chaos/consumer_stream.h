#ifndef ONHOOK_TESTS_CHAOS_CONSUMER_STREAM_H_
#define ONHOOK_TESTS_CHAOS_CONSUMER_STREAM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// One Subscribe stream of chaos_consumer: says on standard output what happens on it, in the lines
// of consumer_lines.h.
//
// Speaks through the generated stub, so that nothing sits between the gateway's messages and the
// lines. Threads: one of its own that reads; the methods, one at a time. Blocking: the requests,
// while the gateway takes none; Finish().
class ConsumerStream {
 public:
  struct Held {
    std::string call;
    std::string delivery_id;
    int32_t attempt = 0;
  };

  ConsumerStream(int gateway, int port, v1::SubscribeOpen open);
  ~ConsumerStream();

  // Waits until something is held, the stream has ended, or `timeout` is over. False: it has ended.
  bool WaitForSomething(absl::Duration timeout);
  // Waits until the stream has ended, or `timeout` is over.
  void WaitUntilEnded(absl::Duration timeout);
  // The same, or every request is answered.
  void WaitUntilAnswered(absl::Duration timeout);
  // What came and was neither taken by Take() nor asked about since.
  std::vector<Held> Take();
  // Puts back what Take() gave.
  void Keep(std::vector<Held> held);

  void Ack(absl::string_view kind, const std::vector<Held>& held);
  void Nack(absl::string_view kind, v1::NackRequest nack, const std::vector<Held>& held);
  void Extend(absl::Duration ack_deadline, const std::vector<Held>& held);
  void ChangeFlow(const v1::FlowControl& flow);
  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }

  // Waits for the stream's end, and says it. Returns what was still held.
  std::vector<Held> Finish();
  // What it asked to settle and was told to ask again about, since this was last called.
  std::vector<Held> TakeRefused();
  // What it asked to settle and got no answer about, or was told to ask again, after Finish().
  std::vector<Held> Unanswered();

 private:
  // A request that is not answered yet.
  struct Request {
    std::string kind;
    absl::Duration asked_at;
    std::vector<Held> held;
  };

  void Read();
  void TakeResults(const v1::AckResults& results);
  // Says what is about to be asked; returns the request's id.
  uint64_t Announce(absl::string_view kind, const std::vector<Held>& held);

  const SystemClock clock_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream_;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Held> held_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_request_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<Held> refused_ ABSL_GUARDED_BY(mutex_);  // to be asked again
  std::thread reader_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CHAOS_CONSUMER_STREAM_H_
