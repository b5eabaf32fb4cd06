#include "gateway/store/jetstream/guarded_handler.h"

namespace onhook {

bool GuardedHandler::Follow(int64_t connection) {
  absl::MutexLock lock(&mutex_);
  if (ended_ || connection_ >= connection) return false;
  connection_ = connection;
  return true;
}

void GuardedHandler::Call(int64_t connection, NatsMessage message) {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &GuardedHandler::Idle));
    if (ended_ || connection != connection_) return;
    calling_ = true;
    caller_ = std::this_thread::get_id();
  }
  handler_(std::move(message));
  NatsConnection::Handler done;
  absl::MutexLock lock(&mutex_);
  if (ended_by_itself_) done.swap(handler_);
  calling_ = false;
}

void GuardedHandler::End() {
  NatsConnection::Handler done;
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  if (calling_ && caller_ == std::this_thread::get_id()) {
    ended_by_itself_ = true;
    return;
  }
  mutex_.Await(absl::Condition(this, &GuardedHandler::Idle));
  done.swap(handler_);
}

bool GuardedHandler::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

}  // namespace onhook
