#ifndef ONHOOK_TESTS_UNIT_FORWARDING_SHARED_EVENT_LOG_H_
#define ONHOOK_TESTS_UNIT_FORWARDING_SHARED_EVENT_LOG_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/event_log.h"

namespace onhook {

// The writing half of a log that several gateways have, each by one of these. Knows repeats by
// their call_serial_no; hints come at once, and none is lost. Threads: any.
class SharedEventLog final : public EventLog {
 public:
  // What all gateways of one log have in common.
  class Common {
   private:
    friend class SharedEventLog;
    absl::Mutex mutex_;
    std::map<std::string, Sequence> sequences_ ABSL_GUARDED_BY(mutex_);
    absl::Mutex telling_;  // hints come one at a time
    std::vector<SharedEventLog*> logs_ ABSL_GUARDED_BY(telling_);
  };

  explicit SharedEventLog(Common* common) : common_(common) {
    absl::MutexLock lock(&common_->telling_);
    common_->logs_.push_back(this);
  }

  // The servers are away: what is appended lies in a spool.
  void Spool() {
    absl::MutexLock lock(&common_->mutex_);
    spools_ = true;
  }
  std::vector<std::string> recorded() const {
    absl::MutexLock lock(&common_->mutex_);
    return recorded_;
  }
  // Waits until this gateway has told of `receivers`, no time before now.
  void AwaitTold(const std::vector<std::string>& receivers) {
    absl::MutexLock lock(&common_->mutex_);
    told_.clear();
    const auto is_told = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return told_ == receivers; };
    common_->mutex_.Await(absl::Condition(&is_told));
  }

  void Append(NewEvent event, AppendDone done) override {
    AppendResult result;
    {
      absl::MutexLock lock(&common_->mutex_);
      result.spooled = spools_;
      if (!spools_) {
        const auto next = static_cast<Sequence>(common_->sequences_.size() + 1);
        const auto [it, added] = common_->sequences_.emplace(event.call_serial_no, next);
        result.sequence = it->second;
        result.duplicate = !added;
      }
    }
    done(result);
  }
  bool shared() const override { return true; }
  void ListenToOthers(OtherGateways others) override {
    absl::MutexLock lock(&common_->telling_);
    others_ = std::move(others);
  }
  void TellReceivers(const std::vector<std::string>& receivers) override {
    {
      absl::MutexLock telling(&common_->telling_);
      for (const SharedEventLog* other : common_->logs_) {
        if (other != this && other->others_.receivers) other->others_.receivers(receivers);
      }
    }
    absl::MutexLock lock(&common_->mutex_);
    told_ = receivers;
  }
  void RecordForwarded(const std::string& receiver, SequenceRange range) override {
    {
      absl::MutexLock lock(&common_->mutex_);
      recorded_.push_back(absl::StrCat(receiver, " ", range.first, "-", range.last));
    }
    absl::MutexLock telling(&common_->telling_);
    for (const SharedEventLog* other : common_->logs_) {
      if (other != this && other->others_.forwarded) other->others_.forwarded(receiver, range);
    }
  }
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override { return nothing_; }
  Sequence first() const override { return 1; }
  Sequence last() const override {
    absl::MutexLock lock(&common_->mutex_);
    return static_cast<Sequence>(common_->sequences_.size());
  }
  void Read(Sequence, ReadLimits, ReadDone) override {}
  void Find(EventQuery, FindDone) override {}
  void FindPlace(absl::Time, std::function<void(absl::StatusOr<Sequence>)>) override {}
  void FindRawBody(Sequence, RawBodyDone) override {}
  void AddTailListener(TailListener) override {}

 private:
  Common* const common_;
  const std::map<std::string, SequenceSet> nothing_;
  OtherGateways others_;               // of common_->telling_
  bool spools_ = false;                // of common_->mutex_
  std::vector<std::string> recorded_;  // of common_->mutex_
  std::vector<std::string> told_;      // of common_->mutex_
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_FORWARDING_SHARED_EVENT_LOG_H_
