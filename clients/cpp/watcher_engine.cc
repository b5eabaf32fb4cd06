#include "clients/cpp/watcher_engine.h"

#include <grpcpp/support/sync_stream.h>

#include <optional>
#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/opening_limit.h"

namespace onhook::client {

Watcher::Engine::Engine(std::shared_ptr<const GatewayConnection> connection, WatchOptions options,
                        Handler handler)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      backoff_(connection_->options().reconnect, std::random_device()()),
      ends_(connection_->options()),
      thread_([this] {
        status_ = Run();
        done_.Notify();
      }) {}

Watcher::Engine::~Engine() {
  RequestStop();
  thread_.join();
}

std::string Watcher::Engine::cursor() const {
  absl::MutexLock lock(&mutex_);
  return cursor_;
}

void Watcher::Engine::RequestStop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  // Only marks the call; the reading thread finds its end by itself. Under the lock, so that the
  // context cannot go meanwhile.
  if (context_ != nullptr) context_->TryCancel();
}

absl::Status Watcher::Engine::Wait() {
  done_.WaitForNotification();
  return status_;
}

bool Watcher::Engine::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

absl::Status Watcher::Engine::Run() {
  for (;;) {
    End end = ReadStream();
    if (end.asked_for) return end.stream.why;
    if (stopping()) return absl::OkStatus();
    end.stream.why = connection_->Explain(std::move(end.stream.why));
    if (ends_.IsFinal(end.stream, absl::Now())) return end.stream.why;
    // It was told why; and gRPC notices at once that the gateway is back only while a call waits.
    wait_for_connection_ = !end.stream.opened;
    if (ends_.IsNews(end.stream) && options_.on_disconnected) {
      options_.on_disconnected(end.stream.why);
    }
    if (end.stream.waited_in_vain) continue;
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), backoff_.AfterStream(end.lived))) {
      return absl::OkStatus();
    }
  }
}

Watcher::Engine::End Watcher::Engine::ReadStream() {
  grpc::ClientContext context;
  context.set_wait_for_ready(wait_for_connection_);
  v1::WatchRequest request = options_.request;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return {StreamEnd(), true, absl::ZeroDuration()};
    if (!cursor_.empty()) request.set_after_cursor(cursor_);
  }
  const auto stubs = connection_->Begin(context);
  if (!stubs.ok()) return {{stubs.status()}, false, absl::ZeroDuration()};
  std::optional<OpeningLimit> limit;
  if (wait_for_connection_) {
    limit.emplace((*stubs)->channel, &context, connection_->options().reconnect.recheck);
  }
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return {StreamEnd(), true, absl::ZeroDuration()};
    context_ = &context;
  }
  absl::Time opened_at = absl::InfiniteFuture();
  absl::Status handled;
  const auto stream = (*stubs)->events->Watch(&context, request);
  v1::WatchResponse response;
  while (handled.ok() && !stopping() && stream->Read(&response)) {
    if (limit.has_value()) limit->Forget();
    if (opened_at == absl::InfiniteFuture()) {
      opened_at = absl::Now();
      // The first message says where the reading begins.
      if (options_.on_opened) options_.on_opened(response.heartbeat().cursor());
    }
    handled = Handle(response);
  }
  if (!handled.ok()) context.TryCancel();
  const absl::Status status = FromGrpcStatus(stream->Finish());
  {
    absl::MutexLock lock(&mutex_);
    context_ = nullptr;
  }
  const absl::Duration lived = std::max(absl::Now() - opened_at, absl::ZeroDuration());
  StreamEnd end;
  end.opened = opened_at != absl::InfiniteFuture();
  end.waited_in_vain = limit.has_value() && limit->passed();
  end.why = status;
  if (end.waited_in_vain) end.why = absl::UnavailableError("no connection");
  if (!handled.ok()) return {{handled}, true, lived};
  if (stopping() || (status.ok() && request.stop_at_end())) return {StreamEnd(), true, lived};
  if (status.ok()) end.why = absl::UnavailableError("the gateway ended the stream");
  return {end, false, lived};
}

absl::Status Watcher::Engine::Handle(const v1::WatchResponse& response) {
  switch (response.response_case()) {
    case v1::WatchResponse::kHeartbeat:
      Advance(response.heartbeat().cursor());
      break;
    case v1::WatchResponse::kEvents:
      for (const v1::WatchedEvent& event : response.events().events()) {
        if (stopping()) break;
        if (absl::Status status = handler_(event); !status.ok()) return status;
        Advance(event.cursor());
      }
      break;
    case v1::WatchResponse::kGoAway:           // the end follows, and then the next stream
    case v1::WatchResponse::RESPONSE_NOT_SET:  // of a newer version
      break;
  }
  return absl::OkStatus();
}

void Watcher::Engine::Advance(const std::string& cursor) {
  absl::MutexLock lock(&mutex_);
  if (!cursor.empty()) cursor_ = cursor;
}

Watcher::Watcher(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Watcher::~Watcher() = default;
std::string Watcher::cursor() const { return engine_->cursor(); }
void Watcher::RequestStop() { engine_->RequestStop(); }
absl::Status Watcher::Wait() { return engine_->Wait(); }

absl::Status Watcher::Stop() {
  engine_->RequestStop();
  return engine_->Wait();
}

}  // namespace onhook::client
