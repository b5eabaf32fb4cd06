#include "gateway/store/jetstream/postponed_work.h"

#include <utility>

namespace onhook {

void PostponedWork::Add(absl::Duration delay, Work work) {
  {
    absl::MutexLock lock(&mutex_);
    if (!closed_) {
      work_.emplace(clock_->Elapsed() + delay, std::move(work));
      return;
    }
  }
  work(/*closing=*/true);
}

void PostponedWork::Tick() {
  std::multimap<absl::Duration, Work> due;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_->Elapsed();
    while (!work_.empty() && work_.begin()->first <= now) due.insert(work_.extract(work_.begin()));
  }
  for (const auto& [time, work] : due) work(/*closing=*/false);
}

void PostponedWork::Close() {
  std::multimap<absl::Duration, Work> left;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    left.swap(work_);
  }
  for (const auto& [time, work] : left) work(/*closing=*/true);
}

}  // namespace onhook
