#include "clients/cpp/interop/receiver.h"

#include <future>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "onhook/event_view.h"

namespace onhook::interop {
namespace {

using client::Settlement;

std::optional<absl::Duration> Milliseconds(const Json& command, const std::string& name) {
  const std::optional<double> number = command.Number(name);
  if (!number.has_value()) return std::nullopt;
  return absl::Milliseconds(static_cast<int64_t>(*number));
}

Settlement SettlementOf(const Json& command) {
  const std::string how = command.Text("how");
  const std::string reason = command.Text("reason");
  if (how == "ack") return Settlement::Ack();
  if (how == "fail") return absl::InternalError(reason);
  if (how == "retry") return Settlement::Retry(reason, Milliseconds(command, "delay_ms"));
  if (how == "park") return Settlement::Park(reason);
  if (how == "skip") return Settlement::Skip(reason);
  return Settlement::Release(reason);
}

Json ReportOf(int number, const v1::Delivery& delivery) {
  const auto trace = client::TraceContext(delivery.event());
  const auto traceparent = trace.find("traceparent");
  Json report;
  report.Set("number", number)
      .Set("delivery_id", delivery.delivery_id())
      .Set("event_id", delivery.event().event_id())
      .Set("cursor", delivery.cursor())
      .Set("attempt", delivery.attempt())
      .Set("redelivery_reason", client::NameOf(delivery.redelivery_reason()))
      .SetOptional("traceparent", traceparent == trace.end()
                                      ? std::nullopt
                                      : client::EventView::Text(traceparent->second))
      .Set("event", Encoded(delivery.event()))
      .Set("native", Native(delivery.event()));
  return report;
}

int NumberOf(const Json& command) { return static_cast<int>(command.Number("number").value_or(0)); }

}  // namespace

client::StateHook Receiver::ReportState() {
  return [this](client::ConnectionState state, const absl::Status& why) {
    Json report;
    report.Set("state", client::NameOf(state));
    if (!why.ok()) report.Set("code", CodeName(why)).Set("message", why.message());
    reports_->Write("state", report);
  };
}

client::SubscribeOptions Receiver::Options(const Json& command) {
  client::SubscribeOptions options;
  options.subscription = command.Text("subscription");
  options.consumer_name = command.Text("consumer_name");
  if (command.Flag("create")) options.create_if_missing.emplace();
  if (const auto most = command.Number("max_outstanding_events"); most.has_value()) {
    options.max_outstanding_events = static_cast<int32_t>(*most);
  }
  options.handler_threads = static_cast<int>(command.Number("concurrency").value_or(1));
  options.ack_deadline = Milliseconds(command, "ack_deadline_ms");
  options.max_extension = Milliseconds(command, "max_extension_ms").value_or(options.max_extension);
  options.stop_grace = Milliseconds(command, "grace_ms").value_or(options.stop_grace);
  options.on_state = ReportState();
  return options;
}

void Receiver::Subscribe(const client::Client& client, const Json& command) {
  acknowledges_ = command.Text("auto") == "ack";
  if (const std::string log = command.Text("log"); !log.empty()) {
    absl::MutexLock lock(&mutex_);
    log_.open(log, std::ios::app);
  }
  if (command.Text("form") == "handler") {
    subscriber_ = client.Subscribe(
        Options(command), [this](const v1::Delivery& delivery) { return Handle(delivery); });
    std::thread([this] { ReportEnd(subscriber_->Wait()); }).detach();
  } else {
    consumer_ = client.Consume(Options(command));
    std::thread([this] { Consume(); }).detach();
    std::thread([this] { ReportEnd(consumer_->Wait()); }).detach();
  }
}

int Receiver::NextNumber() {
  absl::MutexLock lock(&mutex_);
  return ++last_number_;
}

void Receiver::NoteHandled(const v1::Delivery& delivery) {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  if (handled_++ == 0) first_handled_ = now;
  last_handled_ = now;
  if (log_.is_open()) log_ << delivery.event().event_id() << ' ' << delivery.attempt() << '\n';
}

Settlement Receiver::Handle(const v1::Delivery& delivery) {
  NoteHandled(delivery);
  if (acknowledges_) return Settlement::Ack();
  const int number = NextNumber();
  reports_->Write("delivery", ReportOf(number, delivery));
  const auto decided = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return verdicts_.count(number) > 0;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&decided));
  return verdicts_[number];
}

void Receiver::Consume() {
  for (auto delivery = consumer_->Next(); delivery.ok(); delivery = consumer_->Next()) {
    NoteHandled(delivery->message());
    if (acknowledges_) {
      std::move(*delivery).Ack();
      continue;
    }
    const int number = NextNumber();
    const Json report = ReportOf(number, delivery->message());
    {
      // Before it is reported: what it is told may come at once.
      absl::MutexLock lock(&mutex_);
      deliveries_.emplace(number, *std::move(delivery));
    }
    reports_->Write("delivery", report);
  }
}

void Receiver::Settle(const Json& command) {
  const int number = NumberOf(command);
  Settlement settlement = SettlementOf(command);
  std::optional<client::Delivery> delivery;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = deliveries_.find(number);
    if (found == deliveries_.end()) {
      verdicts_[number] = std::move(settlement);
      return;
    }
    delivery = std::move(found->second);
    deliveries_.erase(found);
  }
  ReportConfirmed("settled", number, std::move(*delivery).Settle(std::move(settlement)));
}

void Receiver::Extend(const Json& command) {
  const int number = NumberOf(command);
  absl::MutexLock lock(&mutex_);
  const auto found = deliveries_.find(number);
  if (found == deliveries_.end()) return;
  ReportConfirmed(
      "extended", number,
      found->second.Extend(Milliseconds(command, "deadline_ms").value_or(absl::ZeroDuration())));
}

void Receiver::ReportConfirmed(const std::string& report, int number,
                               std::future<absl::Status> confirmed) {
  std::thread([this, report, number, confirmed = std::move(confirmed)]() mutable {
    const absl::Status status = confirmed.get();
    Json members;
    members.Set("number", number).Set("ok", status.ok());
    if (!status.ok()) members.Set("code", CodeName(status));
    reports_->Write(report, members);
  }).detach();
}

void Receiver::SetPaused(bool paused) {
  if (subscriber_ != nullptr) paused ? subscriber_->Pause() : subscriber_->Resume();
  if (consumer_ != nullptr) paused ? consumer_->Pause() : consumer_->Resume();
}

void Receiver::Stop(const Json& command) {
  const std::optional<absl::Duration> grace = Milliseconds(command, "grace_ms");
  if (subscriber_ != nullptr) {
    grace.has_value() ? subscriber_->RequestStop(*grace) : subscriber_->RequestStop();
  }
  if (consumer_ != nullptr) {
    grace.has_value() ? consumer_->RequestStop(*grace) : consumer_->RequestStop();
  }
  if (watcher_ != nullptr) watcher_->RequestStop();
}

void Receiver::Count() {
  Json report;
  {
    absl::MutexLock lock(&mutex_);
    report.Set("handled", static_cast<double>(handled_))
        .Set("elapsed_ms", absl::ToDoubleMilliseconds(last_handled_ - first_handled_));
  }
  reports_->Write("count", report);
}

void Receiver::ReportEnd(const absl::Status& status) {
  {
    absl::MutexLock lock(&mutex_);
    if (log_.is_open()) log_.flush();
  }
  reports_->WriteEnd(status);
}

void Receiver::Watch(const client::Client& client, const Json& command) {
  client::WatchOptions options;
  const std::string position = command.Text("position");
  if (position == "earliest") options.request.set_position(v1::START_POSITION_EARLIEST);
  if (position == "latest") options.request.set_position(v1::START_POSITION_LATEST);
  if (const std::string cursor = command.Text("after_cursor"); !cursor.empty()) {
    options.request.set_after_cursor(cursor);
  }
  options.request.set_stop_at_end(command.Flag("stop_at_end"));
  options.request.set_observe_only(command.Flag("observe_only"));
  options.on_state = ReportState();
  watcher_ = client.Watch(options, [this](const v1::WatchedEvent& event) {
    reports_->Write("watched", Json()
                                   .Set("event_id", event.event().event_id())
                                   .Set("cursor", event.cursor())
                                   .Set("event", Encoded(event.event())));
    return absl::OkStatus();
  });
  std::thread([this] { ReportEnd(watcher_->Wait()); }).detach();
}

}  // namespace onhook::interop
