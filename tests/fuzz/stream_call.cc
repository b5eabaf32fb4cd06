#include "tests/fuzz/stream_call.h"

#include <utility>

#include "gateway/delivery/delivery_stream.h"

namespace onhook {
namespace {

using grpc::ByteBuffer;

// A slow machine with sanitizers, and others at work on it, is still well within it.
constexpr absl::Duration kPatience = absl::Seconds(15);

class SubscribeCall final : public StreamCall,
                            public grpc::ServerCallbackReaderWriter<ByteBuffer, ByteBuffer> {
 public:
  explicit SubscribeCall(ReleaseEventServiceImpl* service)
      : reactor_(service->Subscribe(&context_)), stream_(dynamic_cast<DeliveryStream*>(reactor_)) {
    BindReactor(reactor_);
  }

 private:
  void Finish(grpc::Status status) override { Finishes(status); }
  void SendInitialMetadata() override {}
  void Read(ByteBuffer* request) override { Wants(request); }
  void Write(const ByteBuffer* answer, grpc::WriteOptions) override { Sends(answer); }
  void WriteAndFinish(const ByteBuffer*, grpc::WriteOptions, grpc::Status status) override {
    Finishes(status);
  }
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  void ReadDone(bool ok) override { reactor_->OnReadDone(ok); }
  void WriteDone(bool ok) override { reactor_->OnWriteDone(ok); }
  void Cancelled() override { reactor_->OnCancel(); }
  void Done() override { reactor_->OnDone(); }
  DeliveryStream* stream() override { return stream_; }

  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* const reactor_;
  DeliveryStream* const stream_;
};

class WatchCall final : public StreamCall, public grpc::ServerCallbackWriter<ByteBuffer> {
 public:
  WatchCall(ReleaseEventServiceImpl* service, const ByteBuffer& request)
      : reactor_(service->Watch(&context_, &request)),
        stream_(dynamic_cast<DeliveryStream*>(reactor_)) {
    BindReactor(reactor_);
  }

 private:
  void Finish(grpc::Status status) override { Finishes(status); }
  void SendInitialMetadata() override {}
  void Write(const ByteBuffer* answer, grpc::WriteOptions) override { Sends(answer); }
  void WriteAndFinish(const ByteBuffer*, grpc::WriteOptions, grpc::Status status) override {
    Finishes(status);
  }
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  void ReadDone(bool) override {}
  void WriteDone(bool ok) override { reactor_->OnWriteDone(ok); }
  void Cancelled() override { reactor_->OnCancel(); }
  void Done() override { reactor_->OnDone(); }
  DeliveryStream* stream() override { return stream_; }

  grpc::ServerWriteReactor<ByteBuffer>* const reactor_;
  DeliveryStream* const stream_;
};

}  // namespace

std::unique_ptr<StreamCall> StreamCall::Subscribe(ReleaseEventServiceImpl* service) {
  return std::make_unique<SubscribeCall>(service);
}

std::unique_ptr<StreamCall> StreamCall::Watch(ReleaseEventServiceImpl* service,
                                              const ByteBuffer& request) {
  return std::make_unique<WatchCall>(service, request);
}

void StreamCall::Wants(ByteBuffer* request) {
  absl::MutexLock lock(&mutex_);
  request_ = request;
}

void StreamCall::Sends(const ByteBuffer* answer) {
  absl::MutexLock lock(&mutex_);
  answer_ = answer;
}

void StreamCall::Finishes(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  finished_ = status;
}

bool StreamCall::AwaitAnswer() const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(this, &StreamCall::HasAnswer), kPatience);
}

bool StreamCall::wants_request() const {
  absl::MutexLock lock(&mutex_);
  return request_ != nullptr && !half_closed_;
}

void StreamCall::Send(const ByteBuffer& request) {
  {
    absl::MutexLock lock(&mutex_);
    *std::exchange(request_, nullptr) = request;
  }
  ReadDone(true);
}

void StreamCall::HalfClose() {
  half_closed_ = true;
  EndRead();
}

void StreamCall::EndRead() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(request_, nullptr) == nullptr) return;
  }
  ReadDone(false);
}

std::optional<ByteBuffer> StreamCall::TakeAnswer(bool ok) {
  ByteBuffer answer;
  {
    absl::MutexLock lock(&mutex_);
    if (answer_ == nullptr) return std::nullopt;
    answer = *std::exchange(answer_, nullptr);
  }
  WriteDone(ok);
  if (half_closed_) EndRead();
  return answer;
}

void StreamCall::Cancel() {
  if (done_) return;
  half_closed_ = true;
  EndRead();
  TakeAnswer(false);
  Cancelled();
}

void StreamCall::Tick(absl::Duration now) {
  if (!done_ && stream() != nullptr) stream()->Tick(now);
}

std::optional<grpc::Status> StreamCall::status() const {
  absl::MutexLock lock(&mutex_);
  return done_ ? finished_ : std::nullopt;
}

void StreamCall::Settle() {
  {
    absl::MutexLock lock(&mutex_);
    if (done_ || !finished_.has_value() || answer_ != nullptr) return;
  }
  EndRead();
  done_ = true;
  Done();
}

}  // namespace onhook
