#ifndef ONHOOK_TESTS_SIMULATION_LOG_MODEL_H_
#define ONHOOK_TESTS_SIMULATION_LOG_MODEL_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "tests/simulation/simulated_clock.h"
#include "tests/simulation/simulation_trace.h"

namespace onhook {

// What the log may hold, from what it was sent and what it answered: the promises P1 to P5, P8 and
// P9 of event_log.h, and that nothing is there which was not sent, or was refused. Each content
// that is sent belongs to one identity, and is known by its number.
//
// Threads: one at a time.
class LogModel {
 public:
  struct Limits {
    absl::Duration deduplication_window;
    absl::Duration nonce_memory;
  };
  LogModel(const SimulatedClock* clock, SimulationTrace* trace, Limits limits)
      : clock_(clock), trace_(trace), limits_(limits) {}

  // An event is handed to the store. Returns whether that may store it.
  bool Sent(const NewEvent& event);
  // The store has answered it; the process lives. `may_store`: what Sent returned.
  void Answered(const NewEvent& event, bool may_store, const absl::StatusOr<AppendResult>& result);
  // What was not answered never will be.
  void ProcessEnded();
  // The log says now that it begins so. To be called after each step: tells when what was removed.
  void Begins(Sequence first);
  // Somebody got this event from the store.
  void Saw(const LogEvent& event);
  // These are all events of the log, which says that they are [first, last].
  void SawAll(Sequence first, Sequence last, const std::vector<LogEventPtr>& events);
  // Bits of the disk have turned: only that no event is altered is checked from here on.
  void Damaged() { damaged_ = true; }

  bool damaged() const { return damaged_; }
  // The newest sequence that is known to be stored.
  Sequence newest() const { return known_.empty() ? 0 : known_.rbegin()->first; }
  // The oldest that is known to be kept, since the process began.
  Sequence first() const { return first_; }
  // The source of the event at a place that is known; "" if it is not.
  const std::string& SourceOf(Sequence sequence) const;
  int64_t promises() const { return promises_; }

 private:
  // Of one content.
  struct Book {
    std::string name;  // for people
    std::string source;
    int valid_sends = 0;  // that may store it
    int sends = 0;
    int pending = 0;   // of valid_sends, without answer
    int accepted = 0;  // answered as stored
    int lost = 0;      // of pending, when the process ended
    Sequence promised = 0;
    absl::Time removed_after = absl::InfiniteFuture();  // if it was removed
  };
  struct NonceBook {
    std::set<std::string> digests;  // it came with
    std::string bound;              // the digest it was accepted with; "" none yet
  };

  static std::string NonceKey(const NewEvent& event);
  NonceBook* NonceOf(const NewEvent& event);
  void AnsweredOk(const NewEvent& event, Book& book, const AppendResult& result);
  void AnsweredError(const NewEvent& event, const Book& book, const absl::Status& status);
  bool MayBeForgotten(const Book& book) const;
  // The event of this book is at this place.
  void Learn(Sequence sequence, const std::string& content, Book& book);

  const SimulatedClock* const clock_;
  SimulationTrace* const trace_;
  const Limits limits_;
  std::map<std::string, Book> books_;  // by content
  std::map<std::string, NonceBook> nonces_;
  std::map<Sequence, std::string> known_;  // contents
  Sequence first_ = 1;
  Sequence kept_from_ = 1;
  bool damaged_ = false;
  int64_t promises_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_LOG_MODEL_H_
