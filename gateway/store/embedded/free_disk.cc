#include "gateway/store/embedded/free_disk.h"

#include <utility>

namespace onhook {

namespace {

// What a store writes beside its rows, which no row's room can hold: a write-ahead log.
constexpr int64_t kRoomForTheLog = int64_t{8} << 20;

}  // namespace

FreeDisk::FreeDisk(int64_t minimum, Probe probe, const Log* log, Reusable reusable)
    : minimum_(minimum), probe_(std::move(probe)), log_(log), reusable_(std::move(reusable)) {
  Look();
}

void FreeDisk::Look() {
  const int64_t minimum = minimum_;
  if (probe_ == nullptr) return;
  const absl::StatusOr<int64_t> free = probe_();
  free_.store(free.value_or(kUnknown), std::memory_order_relaxed);
  if (!free.ok()) {
    if (can_be_told_) {
      log_->Warning("store", "cannot tell how much of the disk is free",
                    {{"error", free.status()}});
    }
    can_be_told_ = false;
    return;
  }
  can_be_told_ = true;
  const bool can_reuse = reusable_ != nullptr && *free >= kRoomForTheLog;
  const int64_t reusable = can_reuse ? reusable_() : 0;
  const bool is_short = *free + reusable < minimum;
  if (is_short_.exchange(is_short) == is_short) return;
  if (is_short) {
    log_->Error("store", "the disk is nearly full: nothing new is stored",
                {{"free_bytes", *free}, {"reusable_bytes", reusable}, {"minimum_bytes", minimum}});
  } else {
    log_->Info("store", "the disk has room again: callbacks are stored",
               {{"free_bytes", *free}, {"reusable_bytes", reusable}, {"minimum_bytes", minimum}});
  }
}

std::optional<int64_t> FreeDisk::free() const {
  const int64_t free = free_.load(std::memory_order_relaxed);
  if (free == kUnknown) return std::nullopt;
  return free;
}

std::optional<int64_t> FreeDisk::FreeNow() const {
  if (probe_ == nullptr) return std::nullopt;
  const absl::StatusOr<int64_t> free = probe_();
  if (!free.ok()) return std::nullopt;
  return *free;
}

absl::Status FreeDisk::Check() const {
  if (!is_short_.load(std::memory_order_relaxed)) return absl::OkStatus();
  return absl::ResourceExhaustedError("the disk is nearly full");
}

}  // namespace onhook
