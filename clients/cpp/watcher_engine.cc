#include "clients/cpp/watcher_engine.h"

#include <grpcpp/support/sync_stream.h>

#include <optional>
#include <random>
#include <utility>

#include "clients/cpp/grpc_status.h"
#include "clients/cpp/opening_limit.h"
#include "clients/cpp/silence_limit.h"
#include "onhook/event_view.h"
#include "onhook/status.h"

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
        TellState(ConnectionState::kStopped, status_);
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
  stopped_.SignalAll();
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
    TellState(ConnectionState::kConnecting, absl::OkStatus());
    End end = ReadStream();
    if (end.asked_for) return end.stream.why;
    if (stopping()) return absl::OkStatus();
    end.stream.why = connection_->Explain(std::move(end.stream.why));
    if (ends_.IsFinal(end.stream, SteadyNow())) return end.stream.why;
    // It was told why; and gRPC notices at once that the gateway is back only while a call waits.
    wait_for_connection_ = !end.stream.opened;
    if (ends_.IsNews(end.stream)) {
      if (options_.on_disconnected) options_.on_disconnected(end.stream.why);
      TellState(ConnectionState::kBackingOff, end.stream.why);
    }
    if (end.stream.waited_in_vain) continue;
    const bool goes_away = ErrorReason(end.stream.why) == "GOING_AWAY";
    const absl::Time until =
        SteadyNow() + (goes_away ? backoff_.AfterGoAway(end.lived, end.was_of_use)
                                 : backoff_.AfterStream(end.lived, end.was_of_use));
    absl::MutexLock lock(&mutex_);
    const auto stops = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
    if (stopped_.AwaitUntil(&mutex_, until, stops)) return absl::OkStatus();
  }
}

Watcher::Engine::End Watcher::Engine::ReadStream() {
  const End asked_for{StreamEnd(), true, absl::ZeroDuration()};
  grpc::ClientContext context;
  context.set_wait_for_ready(wait_for_connection_);
  v1::WatchRequest request = options_.request;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return asked_for;
    if (!cursor_.empty()) request.set_after_cursor(cursor_);
  }
  const auto stubs = connection_->Begin(context);
  if (!stubs.ok()) return {{stubs.status()}, false, absl::ZeroDuration()};
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return asked_for;
    context_ = &context;
  }
  End end = ReadStream(context, *stubs, request);
  absl::MutexLock lock(&mutex_);
  context_ = nullptr;
  if (stopping_ && !end.asked_for) return asked_for;
  return end;
}

Watcher::Engine::End Watcher::Engine::ReadStream(grpc::ClientContext& context,
                                                 const std::shared_ptr<const GatewayStubs>& stubs,
                                                 const v1::WatchRequest& request) {
  End end{StreamEnd(), false, absl::ZeroDuration()};
  std::optional<OpeningLimit> opening;
  if (wait_for_connection_) {
    opening.emplace(stubs->channel, &context, connection_->options().reconnect.recheck);
  }
  SilenceLimit silence(&context, connection_->silence_limit());
  silence.Listen();  // what opens the stream waits as well
  absl::Time opened_at;
  absl::Status handled;
  const auto stream = stubs->events->Watch(&context, request);
  v1::WatchResponse response;
  while (handled.ok() && !stopping() && stream->Read(&response)) {
    silence.Heard();
    if (opening.has_value()) opening->Forget();
    if (!end.stream.opened) opened_at = SteadyNow();
    NoteOpened(response, end);
    silence.SetLimit(connection_->silence_limit());
    handled = Handle(response);
    silence.Listen();
  }
  if (!handled.ok()) context.TryCancel();
  end.stream.why = FromGrpcStatus(stream->Finish());
  if (end.stream.opened) end.lived = SteadyNow() - opened_at;
  if (!handled.ok()) {
    end.stream.why = handled;
    end.asked_for = true;
  } else if (end.stream.why.ok()) {
    end.asked_for = request.stop_at_end();
    if (!end.asked_for) end.stream.why = absl::UnavailableError("the gateway ended the stream");
  } else if (silence.passed()) {
    end.stream.why = connection_->GiveUp(stubs);
  } else if (opening.has_value() && opening->passed()) {
    end.stream.waited_in_vain = true;
    end.stream.why = absl::UnavailableError("no connection");
  }
  return end;
}

void Watcher::Engine::NoteOpened(const v1::WatchResponse& response, End& end) {
  end.was_of_use |= response.has_events();
  if (response.has_heartbeat()) {
    connection_->NoteHeartbeatInterval(ToDuration(response.heartbeat().interval()));
  }
  if (end.stream.opened) return;
  end.stream.opened = true;
  // The first message says where the reading begins.
  if (options_.on_opened) options_.on_opened(response.heartbeat().cursor());
  TellState(ConnectionState::kStreaming, absl::OkStatus());
}

void Watcher::Engine::TellState(ConnectionState state, const absl::Status& why) {
  if (state_ == state && state == ConnectionState::kConnecting) return;
  state_ = state;
  if (options_.on_state) options_.on_state(state, why);
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
