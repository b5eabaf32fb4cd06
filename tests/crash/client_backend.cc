#include "tests/crash/client_backend.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace onhook {
namespace {

// An event_id is "v1-", 32 hexadecimal digits, "-", and the call.
constexpr size_t kBeforeCall = 36;

}  // namespace

ClientBackend::ClientBackend(std::string subscription, const std::string& server,
                             int64_t withheld_one_in, CallLedger* ledger)
    : subscription_(std::move(subscription)), withheld_one_in_(withheld_one_in), ledger_(ledger) {
  CallLedger::Terms terms;
  terms.is_blameless = true;
  ledger_->OpenSubscription(subscription_, terms);
  client::ClientOptions client_options;
  client_options.server = server;
  client::SubscribeOptions options;
  options.subscription = subscription_;
  options.create_if_missing.emplace();
  // Only restarts take from it what it holds.
  options.ack_deadline = absl::Minutes(10);
  options.on_opened = [this](const v1::SubscribeOpened&) {
    absl::MutexLock lock(&mutex_);
    opened_at_ = clock_.Elapsed();
    ++opened_;
  };
  options.on_settled = [this](const client::Settled& settled) { Enter(settled); };
  subscriber_ = client::Client(client_options).Subscribe(options, [this](const v1::Delivery& each) {
    return Handle(each);
  });
}

int64_t ClientBackend::opened() const {
  absl::MutexLock lock(&mutex_);
  return opened_;
}

bool ClientBackend::WaitUntilOpenedMoreThan(int64_t count, absl::Duration timeout) const {
  const auto is_more = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return opened_ > count; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&is_more), timeout);
}

client::Settlement ClientBackend::Handle(const v1::Delivery& delivery) {
  int gateway = 0;
  absl::Duration sent_after;  // at the earliest over the stream that opened last
  {
    absl::MutexLock lock(&mutex_);
    gateway = static_cast<int>(opened_);
    sent_after = opened_at_;
  }
  const int64_t number = ledger_->Received(subscription_, delivery, gateway, sent_after);
  const bool is_withheld = !settles_all_ && number % withheld_one_in_ == 0;
  return is_withheld ? client::Settlement::Leave() : client::Settlement::Ack();
}

void ClientBackend::Enter(const client::Settled& settled) {
  const bool is_ack = settled.settlement.action == client::Settlement::Action::kAck;
  if (!is_ack || settled.event_id.size() < kBeforeCall) return;
  const int64_t number = ledger_->NumberOf(absl::string_view(settled.event_id).substr(kBeforeCall));
  if (number < 0) return;
  if (settled.status.ok()) {
    ledger_->Confirmed(subscription_, number, clock_.Elapsed());
  } else {
    ledger_->Misanswered(subscription_, number, settled.status.ToString());
  }
}

}  // namespace onhook
