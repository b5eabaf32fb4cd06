#ifndef ONHOOK_TESTS_UNIT_FORWARDING_SLOW_EVENT_LOG_H_
#define ONHOOK_TESTS_UNIT_FORWARDING_SLOW_EVENT_LOG_H_

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/event_log.h"

namespace onhook {

// The writing half of a log. Knows repeats by their call_serial_no, and keeps answers back when it
// is told to. Threads: any.
class SlowEventLog final : public EventLog {
 public:
  void Append(NewEvent event, AppendDone done) override {
    absl::StatusOr<AppendResult> result;
    {
      absl::MutexLock lock(&mutex_);
      if (failure_.ok()) {
        const auto next = static_cast<Sequence>(sequences_.size() + 1);
        const auto [it, added] = sequences_.emplace(event.call_serial_no, next);
        result = spools_ ? AppendResult{0, !added, true} : AppendResult{it->second, !added};
      } else {
        result = failure_;
      }
      if (slow_) {
        answers_.emplace_back([done, result] { done(result); });
        return;
      }
    }
    done(result);
  }
  void FailWith(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(status);
  }
  // What is appended from now on is durable elsewhere.
  void Spool() {
    absl::MutexLock lock(&mutex_);
    spools_ = true;
  }
  void KeepAnswersBack() {
    absl::MutexLock lock(&mutex_);
    slow_ = true;
  }
  // Waits for an answer that is kept back, and gives it.
  void Answer() {
    std::function<void()> answer;
    {
      const auto any = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !answers_.empty(); };
      absl::MutexLock lock(&mutex_, absl::Condition(&any));
      answer = std::move(answers_.front());
      answers_.pop_front();
    }
    answer();
  }
  void SetForwardedAtOpen(const std::string& receiver, SequenceRange range) {
    forwarded_at_open_[receiver].Add(range);
  }
  std::vector<std::string> recorded() const {
    absl::MutexLock lock(&mutex_);
    return recorded_;
  }

  void RecordForwarded(const std::string& receiver, SequenceRange range) override {
    absl::MutexLock lock(&mutex_);
    recorded_.push_back(absl::StrCat(receiver, " ", range.first, "-", range.last));
  }
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override {
    return forwarded_at_open_;
  }
  Sequence first() const override { return 1; }
  Sequence last() const override {
    absl::MutexLock lock(&mutex_);
    return static_cast<Sequence>(sequences_.size());
  }
  void Read(Sequence, ReadLimits, ReadDone) override {}
  void Find(EventQuery, FindDone) override {}
  void FindPlace(absl::Time, std::function<void(absl::StatusOr<Sequence>)>) override {}
  void FindRawBody(Sequence, RawBodyDone) override {}
  void AddTailListener(TailListener) override {}

 private:
  mutable absl::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool slow_ ABSL_GUARDED_BY(mutex_) = false;
  bool spools_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Sequence> sequences_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> recorded_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, SequenceSet> forwarded_at_open_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_FORWARDING_SLOW_EVENT_LOG_H_
