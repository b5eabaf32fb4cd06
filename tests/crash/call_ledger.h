#ifndef ONHOOK_TESTS_CRASH_CALL_LEDGER_H_
#define ONHOOK_TESTS_CRASH_CALL_LEDGER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// Both sides of the books over one run: what the vendor was told of each callback, and what each
// subscription received and has confirmed as acknowledged. Says what does not balance.
//
// Why: a gateway that is killed over and over is right not when it still answers, but when these
// books balance at the end.
//
// What must hold, for every subscription that was opened here:
//   L1 not lost    Every callback answered as stored was received, and its ack confirmed unless the
//                  stream ended before the answer to it: then it may count, or the event come
//                  again.
//   L2 not again   Nothing is received after its ack was confirmed.
//   L3 not made up Only what was sent is received, and as it was sent.
//   L4 once        A callback has one place in the log however often it was repeated.
// Threads: any. Blocking: only the Wait methods.
class CallLedger {
 public:
  // `run` tells the calls of this run from those of others.
  explicit CallLedger(std::string run) : run_(std::move(run)) {}

  // A new callback, about to be sent for the first time. Returns its number.
  int64_t Open();
  // What the callback of this number holds. Pure.
  std::string CallSerialNo(int64_t number) const;
  std::string Called(int64_t number) const;
  std::string CallData(int64_t number) const;

  // The vendor was told that the callback is stored: retCode "0" or "2".
  void Promised(int64_t number);

  void OpenSubscription(absl::string_view subscription);
  // Returns the number of the event's callback, -1 if there is none.
  int64_t Received(absl::string_view subscription, const v1::Delivery& delivery);
  // An ack_results said that the ack of the event is durable.
  void AckConfirmed(absl::string_view subscription, int64_t number);
  // The stream ended after the ack of the event was sent and before it was answered.
  void AckUnanswered(absl::string_view subscription, int64_t number);

  int64_t opened() const;
  int64_t promised() const;
  // Promises of which this subscription is done with the event, as far as it can know.
  int64_t settled(absl::string_view subscription) const;
  // False: not before `timeout`.
  bool WaitUntilPromised(int64_t count, absl::Duration timeout) const;
  // Until every subscription is done with every promise so far. False: not before `timeout`.
  bool WaitUntilSettled(absl::Duration timeout) const;
  // The same of this one callback.
  bool WaitUntilSettled(int64_t number, absl::Duration timeout) const;

  // What does not balance now, one sentence each; the first twenty, then how many more there are.
  std::vector<std::string> Findings() const;

 private:
  enum class State { kReceived, kAckUnanswered, kAckConfirmed };
  struct Receipt {
    std::string cursor;
    State state = State::kReceived;
  };
  struct Book {
    absl::flat_hash_map<int64_t, Receipt> receipts;
    int64_t settled_promises = 0;
  };

  void SetState(absl::string_view subscription, int64_t number, State state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NumberOf(absl::string_view call_serial_no) const;
  std::string DifferenceFromSent(const v1::ReleaseEvent& event, int64_t number) const;

  const std::string run_;
  mutable absl::Mutex mutex_;
  std::vector<bool> promised_ ABSL_GUARDED_BY(mutex_);  // by number
  int64_t promised_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Book, std::less<>> books_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> findings_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CALL_LEDGER_H_
