#include "clients/cpp/silence_limit.h"

#include <utility>

#include "clients/cpp/deadline.h"
#include "clients/cpp/steady_condition.h"

namespace onhook::client {

SilenceLimit::SilenceLimit(grpc::ClientContext* context, absl::Duration limit)
    : watch_(std::make_shared<Watch>()) {
  absl::MutexLock lock(&watch_->mutex);
  watch_->context = context;
  watch_->limit = limit;
  watch_->Arm(limit);  // there was none before
}

SilenceLimit::~SilenceLimit() {
  std::unique_ptr<grpc::Alarm> last;
  absl::MutexLock lock(&watch_->mutex);
  watch_->context = nullptr;
  last = std::move(watch_->alarm);
}

void SilenceLimit::Listen() {
  const absl::Time now = SteadyNow();
  absl::MutexLock lock(&watch_->mutex);
  watch_->listening_since = now;
}

void SilenceLimit::Heard() {
  absl::MutexLock lock(&watch_->mutex);
  watch_->listening_since = absl::InfiniteFuture();
}

void SilenceLimit::SetLimit(absl::Duration limit) {
  std::unique_ptr<grpc::Alarm> before;
  absl::MutexLock lock(&watch_->mutex);
  if (watch_->limit == limit) return;
  watch_->limit = limit;
  before = watch_->Arm(limit);
}

bool SilenceLimit::passed() const {
  absl::MutexLock lock(&watch_->mutex);
  return watch_->passed;
}

std::unique_ptr<grpc::Alarm> SilenceLimit::Watch::Arm(absl::Duration left) {
  std::unique_ptr<grpc::Alarm> before = std::exchange(alarm, std::make_unique<grpc::Alarm>());
  alarm->Set(DeadlineAfter(left), [watch = shared_from_this()](bool is_over) {
    if (is_over) watch->Look();
  });
  return before;
}

void SilenceLimit::Watch::Look() {
  std::unique_ptr<grpc::Alarm> before;
  absl::MutexLock lock(&mutex);
  if (context == nullptr || passed) return;
  const bool listens = listening_since != absl::InfiniteFuture();
  const absl::Duration left = listens ? listening_since + limit - SteadyNow() : limit;
  if (left > absl::ZeroDuration()) {
    before = Arm(left);
    return;
  }
  passed = true;
  context->TryCancel();
}

}  // namespace onhook::client
