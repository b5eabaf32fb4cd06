#ifndef ONHOOK_TESTS_BENCH_BENCH_SUBSCRIBER_H_
#define ONHOOK_TESTS_BENCH_BENCH_SUBSCRIBER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook {

// Deletes a subscription, so that a stream of this name begins anew. False: it could not be told.
bool ForgetSubscription(const std::string& server, const std::string& name);

// A subscriber that does as little as one can: counts the events and acknowledges each message of
// deliveries with one request.
//
// Threads: one of its own, beside the owner's. Blocking: WaitUntilOpened(), WaitUntilSettled(), and
// the destructor until the stream has ended, which it asks for.
class BenchSubscriber {
 public:
  struct Options {
    std::string server;        // HOST:PORT
    std::string subscription;  // created if it is missing
    v1::StartPosition start = v1::START_POSITION_EARLIEST;
    int64_t first_number = 0;  // of the callbacks that it is to receive
  };

  explicit BenchSubscriber(Options options);
  ~BenchSubscriber();

  // False: the stream ended, or `timeout` passed, before the gateway said `opened`.
  bool WaitUntilOpened(absl::Duration timeout) const;
  // Until so many distinct callbacks were received and every ack was answered. False: not before
  // `timeout`, or the stream ended.
  bool WaitUntilSettled(int64_t callbacks, absl::Duration timeout) const;

  int64_t distinct() const;
  // Deliveries of a callback that had been received already, or of one that the load generator
  // never makes.
  int64_t unexpected() const;
  // Why the stream ended; empty while it lives.
  std::string end() const;

 private:
  void Receive();
  void Take(const v1::Deliveries& deliveries);
  void CountOne(const std::string& call_serial_no) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream_;

  mutable absl::Mutex mutex_;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::string end_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> seen_ ABSL_GUARDED_BY(mutex_);  // by number, from the first
  int64_t distinct_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t unexpected_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t acks_under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_BENCH_SUBSCRIBER_H_
