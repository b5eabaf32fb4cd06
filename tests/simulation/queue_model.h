#ifndef ONHOOK_TESTS_SIMULATION_QUEUE_MODEL_H_
#define ONHOOK_TESTS_SIMULATION_QUEUE_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/store/subscription_queue.h"
#include "tests/simulation/log_model.h"
#include "tests/simulation/simulated_clock.h"
#include "tests/simulation/simulation_trace.h"

namespace onhook {

// What a subscription may hand out, and must not forget, from what was asked of it and answered:
// the promises Q1 to Q10 of subscription_queue.h. Of what the end of a process left unanswered both
// outcomes are allowed, from then on.
//
// Threads: one at a time.
class QueueModel {
 public:
  // Everything up to `start` it may take for settled.
  QueueModel(std::string name, const v1::SubscriptionSpec& spec, Sequence start,
             const SimulatedClock* clock, SimulationTrace* trace, LogModel* log);

  const std::string& name() const { return name_; }
  const v1::SubscriptionSpec& spec() const { return spec_; }

  // --- consumers

  void Attached(ConsumerId consumer, ConsumerLimits limits) { consumers_[consumer] = limits; }
  void SetLimits(ConsumerId consumer, ConsumerLimits limits) { consumers_[consumer] = limits; }
  void Detached(ConsumerId consumer, Departure departure);
  void Handed(ConsumerId consumer, const Lease& lease);
  void Written(ConsumerId consumer, Sequence sequence);
  void Extended(Sequence sequence, absl::Duration ack_deadline);
  // All consumers are gone, and answers will not come.
  void ProcessEnded();

  // --- settling

  struct Asked {
    SettleRequest::Action action = SettleRequest::Action::kAck;
    std::vector<Sequence> sequences;
    std::vector<std::string> delivery_ids;
    std::vector<int> epochs;  // in which each was handed out
    std::optional<absl::Duration> delay;
    absl::Duration asked_at;
    absl::Duration wall_offset;
  };
  Asked Ask(const SettleRequest& request, const std::vector<Sequence>& sequences,
            const std::vector<int>& epochs);
  void Answered(const Asked& asked, const std::vector<SettleException>& exceptions);

  // --- administration: `Ask...` before it, then what came of it; nothing if the process ended

  void AskToSeek(Sequence after);
  void SeekDone(Sequence after, bool moved);
  void AskToPause() { ++pausing_; }
  void PauseDone(bool paused, bool changed);
  void AskToUpdate(const v1::SubscriptionSpec& spec);
  void AskToRedrive(Sequence sequence);
  void RedriveDone(Sequence sequence, bool done);
  void AskToDiscard(Sequence sequence);
  // Dead letters may be removed by their age or number.
  void LettersMayGo() { letters_may_go_ = true; }

  // Counts the seeks that were asked for.
  int epoch() const { return epoch_; }

  // --- looking

  // What the queue says is settled fits what is known.
  void Check(const SubscriptionQueue& queue, Sequence first, Sequence last);
  // These are all its dead letters.
  void CheckDeadLetters(const std::vector<DeadLetter>& letters);
  int64_t handed() const { return handed_; }

 private:
  struct Book {
    bool settled = false;      // said to be durable: must not come
    bool may_settled = false;  // perhaps: an answer was lost
    int asking = 0;            // requests that would settle it, unanswered
    bool parked = false;       // said to be durable
    bool may_parked = false;
    bool may_letter_go = false;  // an ack, redrive or discard of its dead letter was asked for
    bool asked_to_park = false;
    int failures_most = 0;
    int failures_ever = 0;  // seeks and redrives forget none of them
    int failures_least = 0;
    absl::Duration not_before = -absl::InfiniteDuration();
    absl::Duration wall_offset;  // at that time
    bool handed = false;         // in this process
    bool asked = false;          // to be settled, in this process

    ConsumerId holder = 0;
    bool written = false;
    bool ended = false;  // somebody asked for its end
    int64_t bytes = 0;
    absl::Duration deadline;
    absl::Duration patience;
  };

  absl::Duration WallOffset() const {
    return clock_->Now() - absl::UnixEpoch() - clock_->Elapsed();
  }
  bool Overdue(const Book& book) const {
    return book.holder != 0 && clock_->Elapsed() >= book.deadline;
  }
  bool MayBeSettled(Sequence sequence, const Book& book) const;
  bool Excluded(const v1::SubscriptionSpec& spec, Sequence sequence) const;
  void CheckLease(ConsumerId consumer, const Lease& lease, const Book& book);
  void CheckBounds(ConsumerId consumer, const Lease& lease);
  void CheckOrder(const Lease& lease, const Book& book);
  void AnsweredOk(const Asked& asked, Book& book);
  // The lease is over. `failed`: that may count as an attempt.
  static void End(Book& book, bool failed);
  static void Fail(Book& book);

  const std::string name_;
  v1::SubscriptionSpec spec_;
  std::vector<v1::SubscriptionSpec> specs_;  // it ever had, perhaps
  const SimulatedClock* const clock_;
  SimulationTrace* const trace_;
  LogModel* const log_;

  std::map<Sequence, Book> books_;
  std::map<ConsumerId, ConsumerLimits> consumers_;
  int epoch_ = 0;
  bool seek_unknown_ = false;
  Sequence passed_through_ = 0;  // up to here a seek may have passed over
  int pausing_ = 0;              // changes under way, or of which no answer came
  bool paused_ = false;          // if none are
  Sequence last_fresh_ = 0;
  bool letters_may_go_ = false;
  int64_t handed_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_QUEUE_MODEL_H_
