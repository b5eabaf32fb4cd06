#include "gateway/http/connection_threads.h"

#include <openssl/crypto.h>
#include <pthread.h>

#include <utility>

#include "absl/time/time.h"

namespace onhook {
namespace {

// Address space; memory only where touched. A handler parses and serialises small messages.
constexpr size_t kStackBytes = 512 * 1024;
constexpr absl::Duration kSpareTime = absl::Seconds(10);

}  // namespace

ConnectionThreads::~ConnectionThreads() {
  absl::MutexLock lock(&mutex_);
  ending_ = true;
  work_comes_.SignalAll();
  mutex_.Await(absl::Condition(this, &ConnectionThreads::IsEmpty));
}

void ConnectionThreads::SetMaxThreads(int max_threads) {
  absl::MutexLock lock(&mutex_);
  max_threads_ = max_threads;
}

bool ConnectionThreads::Run(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (spare_ <= tasks_.size() && !StartThread()) return false;
  tasks_.push_back(std::move(task));
  work_comes_.Signal();
  return true;
}

bool ConnectionThreads::StartThread() {
  if (threads_ >= max_threads_) return false;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, &ThreadMain, this) == 0;
  pthread_attr_destroy(&attributes);
  if (started) {
    ++threads_;
    ++spare_;
  }
  return started;
}

void* ConnectionThreads::ThreadMain(void* self) {
  static_cast<ConnectionThreads*>(self)->Work();
  return nullptr;
}

void ConnectionThreads::Work() {
  absl::MutexLock lock(&mutex_);
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return HasWork(); };
  while (work_comes_.AwaitFor(&mutex_, kSpareTime, has_work) && !tasks_.empty()) {
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    --spare_;
    mutex_.Unlock();
    task();
    task = nullptr;
    mutex_.Lock();
    ++spare_;
  }
  --spare_;
  mutex_.Unlock();
  // What OpenSSL keeps for this thread; it would do so itself a moment later, but by then the
  // process may have ended, and the destructor not have waited for that.
  OPENSSL_thread_stop();
  mutex_.Lock();
  --threads_;
}

}  // namespace onhook
