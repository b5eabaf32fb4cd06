#include "gateway/store/recovery_progress.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

void RecoveryProgress::Begin(std::string step) {
  absl::MutexLock lock(&mutex_);
  step_ = std::move(step);
  rows_ = 0;
}

void RecoveryProgress::CountRows(int64_t rows) {
  absl::MutexLock lock(&mutex_);
  rows_ += rows;
}

std::string RecoveryProgress::Text() const {
  absl::MutexLock lock(&mutex_);
  return rows_ == 0 ? step_ : absl::StrCat(step_, ", ", rows_, " rows so far");
}

}  // namespace onhook
