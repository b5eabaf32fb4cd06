#ifndef ONHOOK_TESTS_COMPONENT_KEPT_STREAM_H_
#define ONHOOK_TESTS_COMPONENT_KEPT_STREAM_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// One Subscribe, which acks all that it gets and never comes again once it has ended.
//
// Speaks through the generated stub: nothing connects anew behind the test's back. Threads: one of
// its own, beside the owner's. Blocking: as each method says; the destructor cancels.
class KeptStream {
 public:
  // Opens `subscription`, and creates it if it is missing; with `token` as the bearer if that is
  // not empty.
  KeptStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& subscription,
             const std::string& token);
  ~KeptStream();

  // Whether it is open, before `timeout`.
  bool AwaitOpened(absl::Duration timeout) const;
  // Whether so many deliveries have come, before `timeout`.
  bool AwaitDeliveries(size_t count, absl::Duration timeout) const;
  // Takes no more from the next deliveries on, and ends when all is settled. Does not wait.
  void Leave() { leaving_ = true; }
  // How it ended; nothing if it has not before `timeout`.
  std::optional<grpc::Status> AwaitEnd(absl::Duration timeout) const;

  // Of each delivery the call, in order; behind that of a repetition "again".
  std::vector<std::string> calls() const;
  // Why it was told to go; REASON_UNSPECIFIED: it was not.
  v1::GoAway::Reason go_away() const;

 private:
  using Stream = grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>;

  void Receive(std::unique_ptr<Stream> stream);
  void Settle(const v1::Deliveries& deliveries, Stream& stream);

  const std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  grpc::ClientContext context_;
  std::atomic<bool> leaving_ = false;
  uint64_t last_request_ = 0;     // the thread's
  uint64_t pausing_request_ = 0;  // the thread's: the first ack after it asked for no more
  mutable absl::Mutex mutex_;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  v1::GoAway::Reason go_away_ ABSL_GUARDED_BY(mutex_) = v1::GoAway::REASON_UNSPECIFIED;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_COMPONENT_KEPT_STREAM_H_
