#include "gateway/store/spool/spool_account.h"

namespace onhook {
namespace {

constexpr absl::Duration kToldInterval = absl::Seconds(10);

}  // namespace

void SpoolAccount::Found(int64_t events) {
  held_ += events;
  if (events == 0) return;
  BeginEpisode();
  log_->Warning("store", "the spool holds events of before, which are moved to the main store",
                {{"events", events}});
}

bool SpoolAccount::BeginEpisode() {
  absl::MutexLock lock(&mutex_);
  if (episode_.under_way) return false;
  const absl::Duration now = clock_->Elapsed();
  episode_.under_way = true;
  episode_.began = now;
  episode_.spooled_before = spooled_;
  episode_.moved_before = moved_;
  episode_.told = now >= next_told_;
  if (episode_.told) next_told_ = now + kToldInterval;
  return episode_.told;
}

void SpoolAccount::Spooled(const absl::Status& why_not_main) {
  const bool told = BeginEpisode();
  ++spooled_;
  if (told) {
    log_->Warning("store", "callbacks go to the spool: the main store does not take them",
                  {{"error", why_not_main}});
  }
}

void SpoolAccount::NotSpooled() { Left(); }

void SpoolAccount::Moved() {
  ++moved_;
  Left();
}

void SpoolAccount::Conflicted() {
  ++conflicts_;
  Left();
}

void SpoolAccount::SetAside() { Left(); }

void SpoolAccount::Left() {
  if (--held_ > 0) return;
  Episode ended;
  {
    absl::MutexLock lock(&mutex_);
    if (!episode_.under_way || held_ > 0) return;
    ended = episode_;
    episode_ = {};
  }
  if (!ended.told) return;
  log_->Info("store", "the spool is empty: all that it held has been moved",
             {{"spooled", spooled_ - ended.spooled_before},
              {"moved", moved_ - ended.moved_before},
              {"seconds", absl::ToInt64Seconds(clock_->Elapsed() - ended.began)}});
}

}  // namespace onhook
