#ifndef ONHOOK_GATEWAY_STORE_SPOOL_MOVER_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_MOVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/spool/circuit.h"
#include "gateway/store/spool/main_store.h"
#include "gateway/store/spool/spool_account.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// Moves what is in the spool to the main log: many at a time while that takes them, one at a time
// to find out whether it does.
//
// Promises: an event leaves the spool only once it is in the main log, or in the main store's
// quarantine because its nonce went with another content meanwhile, or, unreadable or larger than
// the main store ever takes, among the spool's dead letters. None waits for another: what the main
// store does not take rests, and others go on. Whatever is cut off in between comes again from the
// spool; the main log's knowledge of identities makes it one event. That knowledge lasts for the
// deduplication window from an event's storing: what may have lain here for half of it is looked up
// first. Threads: any. Blocking: Stop, for what it is doing with the disk. Errors: none; what fails
// is tried again, and told in the log.
class Mover {
 public:
  // All must outlive it; `queue` is of the spool.
  struct Parts {
    MainStore* main;
    std::shared_ptr<SubscriptionQueue> queue;
    Circuit* circuit;
    SpoolAccount* account;
    const Clock* clock;  // of ages
    const Log* log;
  };
  struct Options {
    absl::Duration patience;              // an answer that came later shows no good health
    absl::Duration deduplication_window;  // of the main log
    // Between two tries, while the main store is away. So long an event rests that it did not take:
    // the next try is made with another one, since it may be for that event alone.
    absl::Duration longest_pause;
  };

  Mover(Parts parts, const Options& options);
  ~Mover();  // stops

  // There may be something to do: the main store was reached.
  void Wake();

  // Moves nothing any more. What is under way counts if it is answered in time. Idempotent.
  void Stop();

 private:
  enum class Stage {
    kLookingUp,     // whether it is in the main log
    kAppending,     // to the main log
    kQuarantining,  // in the main store's quarantine
  };
  struct Move;
  struct Answer {
    std::shared_ptr<Move> move;
    absl::Status status;
    bool found = false;  // kLookingUp: it is there
  };
  // Where answers arrive, for longer than the mover lives if need be.
  struct Inbox {
    absl::Mutex mutex;
    SteadyCondition arrived;
    std::vector<Answer> answers ABSL_GUARDED_BY(mutex);
    bool ready ABSL_GUARDED_BY(mutex) = true;  // a pull may bring something
    bool stopping ABSL_GUARDED_BY(mutex) = false;

    void Put(Answer answer) ABSL_LOCKS_EXCLUDED(mutex);
  };

  void Run();
  // Waits until there is something to do; takes what has arrived. False: it is to stop.
  bool Await(std::vector<Answer>& answers);
  // How many events more may be under way now; 0: none, or there are none.
  size_t MostToPull() const;
  void Pull();
  void Begin(Lease lease);
  void LookUp(const std::shared_ptr<Move>& move);
  void Append(const std::shared_ptr<Move>& move);
  void Quarantine(const std::shared_ptr<Move>& move);
  void Take(const Answer& answer);
  void TakeLookedUp(const Answer& answer);
  void TakeAppended(const Answer& answer);
  void TakeQuarantined(const Answer& answer);
  // The main store does as it should, or does not.
  void NoteHealth(const Move& move, const absl::Status& status);
  // The event is dealt with, or is to come again.
  void Finish(const std::shared_ptr<Move>& move);
  void Again(const std::shared_ptr<Move>& move, const absl::Status& status);
  void Acknowledge();
  void SetAside(const Lease& lease, const std::string& why);

  const Parts parts_;
  const Options options_;
  const SystemClock waits_clock_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  ConsumerId consumer_ = 0;
  LogThrottle refusals_;

  // The thread's own.
  size_t under_way_ = 0;
  bool ready_ = true;
  bool away_ = false;  // the last answer of the main store was that it takes nothing
  absl::Duration pause_;
  absl::Duration next_try_ = -absl::InfiniteDuration();
  std::vector<std::shared_ptr<Move>> finished_;

  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_MOVER_H_
