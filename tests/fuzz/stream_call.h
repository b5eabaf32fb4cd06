#ifndef ONHOOK_TESTS_FUZZ_STREAM_CALL_H_
#define ONHOOK_TESTS_FUZZ_STREAM_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/delivery/release_event_service.h"

namespace onhook {

class DeliveryStream;

// gRPC's side of one streaming call, without gRPC: what a handler asks for is noted, and comes to
// pass when the caller says so. So a run is the same each time, and costs no network.
//
// It calls the reactor as gRPC promises to: never from within what the reactor asks for, OnDone
// after everything else.
// Threads: the methods from one; the reactor asks from any.
class StreamCall {
 public:
  virtual ~StreamCall() = default;
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

  static std::unique_ptr<StreamCall> Subscribe(ReleaseEventServiceImpl* service);
  static std::unique_ptr<StreamCall> Watch(ReleaseEventServiceImpl* service,
                                           const grpc::ByteBuffer& request);

  // Waits until the handler has something to send, or has finished. False: neither within a time
  // in which a handler that is well does.
  bool AwaitAnswer() const;

  bool has_answer() const {
    absl::MutexLock lock(&mutex_);
    return HasAnswer();
  }

  bool wants_request() const;
  // wants_request() must be true.
  void Send(const grpc::ByteBuffer& request);
  // No request comes any more. The client goes on reading.
  void HalfClose();

  // What the handler sends, if it sends something. `ok`: whether the client gets it.
  std::optional<grpc::ByteBuffer> TakeAnswer(bool ok = true);

  // The client breaks off.
  void Cancel();

  // The deadlines of the stream are looked at.
  void Tick(absl::Duration now);

  // Whether the handler has finished; then it is gone, and this is its status.
  std::optional<grpc::Status> status() const;
  // Lets a handler that has finished go. To be called until status() says so; it has no effect
  // before.
  void Settle();

 protected:
  StreamCall() = default;

  // --- By the handler, on any thread.
  void Wants(grpc::ByteBuffer* request);
  void Sends(const grpc::ByteBuffer* answer);
  void Finishes(const grpc::Status& status);

  // --- The reactor's reactions.
  virtual void ReadDone(bool ok) = 0;
  virtual void WriteDone(bool ok) = 0;
  virtual void Cancelled() = 0;
  virtual void Done() = 0;
  virtual DeliveryStream* stream() = 0;  // null: the call was refused

  grpc::CallbackServerContext context_;

 private:
  bool HasAnswer() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return answer_ != nullptr || finished_.has_value();
  }
  void EndRead();

  mutable absl::Mutex mutex_;
  grpc::ByteBuffer* request_ ABSL_GUARDED_BY(mutex_) = nullptr;
  const grpc::ByteBuffer* answer_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::optional<grpc::Status> finished_ ABSL_GUARDED_BY(mutex_);

  // The caller's thread only.
  bool half_closed_ = false;
  bool done_ = false;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_FUZZ_STREAM_CALL_H_
