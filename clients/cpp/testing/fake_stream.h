#ifndef ONHOOK_CLIENTS_CPP_TESTING_FAKE_STREAM_H_
#define ONHOOK_CLIENTS_CPP_TESTING_FAKE_STREAM_H_

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <deque>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace onhook::testing {

// The sending side of one stream of the fake gateway: what is to be sent, in order, and then its
// end. `Reactor` is gRPC's.
//
// Threads: all that is known of a stream is guarded by the gateway's one lock, which every method
// but gRPC's wants held; the analysis cannot tell that it is this one.
template <typename Reactor, typename Response>
class FakeStream : public Reactor {
 public:
  explicit FakeStream(absl::Mutex* mutex) : mutex_(mutex) {}

  void Send(Response response) {
    if (end_.has_value() || silent_) return;
    outgoing_.push_back(std::move(response));
    SendNext();
  }
  // Once what is to be sent was sent.
  void End(const grpc::Status& status) {
    if (end_.has_value()) return;
    end_ = status;
    SendNext();
  }
  void FallSilent() { silent_ = true; }
  bool open() const { return !end_.has_value(); }
  bool silent() const { return silent_; }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(mutex_);
    sending_ = false;
    if (!ok) outgoing_.clear();
    SendNext();
  }
  void OnCancel() override {
    absl::MutexLock lock(mutex_);
    outgoing_.clear();
    End(grpc::Status::CANCELLED);
  }

 private:
  void SendNext() {
    if (sending_ || finished_) return;
    if (!outgoing_.empty()) {
      sending_ = true;
      current_ = std::move(outgoing_.front());
      outgoing_.pop_front();
      this->StartWrite(&current_);
    } else if (end_.has_value()) {
      finished_ = true;
      this->Finish(*end_);
    }
  }

  absl::Mutex* const mutex_;
  std::deque<Response> outgoing_;
  Response current_;  // gRPC's while it is being sent
  bool sending_ = false;
  bool silent_ = false;
  std::optional<grpc::Status> end_;
  bool finished_ = false;
};

}  // namespace onhook::testing

#endif  // ONHOOK_CLIENTS_CPP_TESTING_FAKE_STREAM_H_
