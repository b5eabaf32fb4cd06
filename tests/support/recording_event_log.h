#ifndef ONHOOK_TESTS_SUPPORT_RECORDING_EVENT_LOG_H_
#define ONHOOK_TESTS_SUPPORT_RECORDING_EVENT_LOG_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gateway/store/event_log.h"

namespace onhook {

// The writing half of an EventLog, for tests of what stands before the store: keeps what it is
// given, or refuses it as told. Knows no duplicates, and nothing can be read. Threads: one.
class RecordingEventLog final : public EventLog {
 public:
  using Condition = std::function<bool(const NewEvent&)>;

  // Every later Append fails with this: of all events, or of those that `condition` holds for.
  void FailWith(absl::Status status, Condition condition = nullptr) {
    failure_ = std::move(status);
    condition_ = std::move(condition);
  }

  const std::vector<NewEvent>& appended() const { return appended_; }

  void Append(NewEvent event, AppendDone done) override {
    const bool fails = condition_ == nullptr || condition_(event);
    if (!failure_.ok() && fails) return done(failure_);
    appended_.push_back(std::move(event));
    done(AppendResult{static_cast<Sequence>(appended_.size()), false});
  }
  void Read(Sequence, ReadLimits, ReadDone done) override { done(CannotRead()); }
  void Find(EventQuery, FindDone done) override { done(CannotRead()); }
  void FindPlace(absl::Time, std::function<void(absl::StatusOr<Sequence>)> done) override {
    done(CannotRead());
  }
  void FindRawBody(Sequence, RawBodyDone done) override { done(CannotRead()); }
  Sequence last() const override { return static_cast<Sequence>(appended_.size()); }
  Sequence first() const override { return 1; }
  void AddTailListener(TailListener) override {}
  void RecordForwarded(const std::string&, SequenceRange) override {}
  const std::map<std::string, SequenceSet>& ForwardedAtOpen() const override { return nothing_; }

 private:
  static absl::Status CannotRead() { return absl::UnavailableError("this log only records"); }

  const std::map<std::string, SequenceSet> nothing_;
  absl::Status failure_;
  Condition condition_;
  std::vector<NewEvent> appended_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_RECORDING_EVENT_LOG_H_
