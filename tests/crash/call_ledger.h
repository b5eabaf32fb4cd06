#ifndef ONHOOK_TESTS_CRASH_CALL_LEDGER_H_
#define ONHOOK_TESTS_CRASH_CALL_LEDGER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"
#include "tests/crash/call_content.h"
#include "tests/crash/vendor_books.h"

namespace onhook {

// Both sides of the books over one run: what the vendor was told of each callback, and what each
// subscription received and has confirmed as settled. Says what does not balance.
//
// Why: a gateway that is killed over and over is right not when it still answers, but when these
// books balance at the end.
//
// What must hold, for every subscription that was opened here and every callback that it wants:
//   L1 not lost    Every callback answered as stored was received, and its ack or skip confirmed,
//                  or it lies among the dead letters. A request to settle that was never answered
//                  may count, unless the event comes again from a later gateway.
//   L2 not again   Nothing is sent after its settling was confirmed, but what was redriven.
//   L3 not made up Only what was sent and is wanted is received, and as it was sent.
//   L4 once        A callback has one place in the log however often it was repeated.
//   L5 parked      A dead letter has a reason that the subscription's consumers gave it, and is
//                  there once; what was parked on demand is there unless an ack undid it.
//   L6 blameless   Where the terms say so, whatever makes an event come again counts no attempt.
//   L7 let in      A callback that is right is never refused, whatever the gateway goes through,
//   and
//                  one that is wrong is never accepted; every answer is one that the vendor knows.
// What the gateway says of its log and of what it owes is a LogAudit's.
// Times are of a clock that all processes of this machine share, SystemClock::Elapsed().
// Threads: any. Blocking: only the Wait methods.
class CallLedger final : public VendorBooks {
 public:
  // What a subscription may get and do.
  struct Terms {
    // Which callbacks it wants, by their number. Unset: all.
    std::function<bool(int64_t)> wants;
    // Attempts after which an event may be parked unasked. Unset: never in this run.
    std::optional<int32_t> max_delivery_attempts;
    // Nothing in this run is a consumer's fault, so every delivery is a first attempt.
    bool is_blameless = false;
  };
  // What came in beyond what had to come, and what the dead letters are.
  struct Tally {
    int64_t received = 0;    // events
    int64_t deliveries = 0;  // of them
    int64_t requested = 0;   // dead letters that a consumer asked for
    int64_t exhausted = 0;   // dead letters whose attempts are used up
    int64_t unseen = 0;      // attempts of the latter that no consumer reported
    int64_t unanswered = 0;  // events settled, if at all, by a request whose answer was lost
  };

  // `run` tells the calls of this run from those of others.
  explicit CallLedger(std::string run) : content_(std::move(run)) {}

  // --- the vendor's side

  const CallContent& content() const override { return content_; }
  int64_t Open() override;
  // The same of a callback whose number another process has chosen, at that time.
  // Whoever sends it first counts.
  void Opened(int64_t number, absl::Duration at);
  void Opened(int64_t number) { Opened(number, clock_.Elapsed()); }
  void Replied(int64_t number, CallbackAnswer answer) override;
  void RepliedToWrong(int64_t number, CallbackAnswer answer) override;
  // The vendor was told that the callback is stored: retCode "0" or "2".
  void Promised(int64_t number);
  // What holds as long as something makes a gateway refuse what is right, as a wrong clock does.
  void AllowRefusals() { refusals_are_allowed_ = true; }

  // As CallContent has them.
  std::string CallSerialNo(int64_t number) const { return content_.CallSerialNo(number); }
  std::string Called(int64_t number) const { return content_.Called(number); }
  std::string CallData(int64_t number) const { return content_.CallData(number); }
  std::string ReleaseReason(int64_t number) const { return content_.ReleaseReason(number); }
  int64_t NumberOf(absl::string_view call_serial_no) const {
    return content_.NumberOf(call_serial_no);
  }
  // When it was opened; a long time ago if it was not.
  absl::Duration opened_at(int64_t number) const;

  // --- the subscriptions' side

  void OpenSubscription(absl::string_view subscription, Terms terms);
  void OpenSubscription(absl::string_view subscription) { OpenSubscription(subscription, Terms()); }
  // An event came over a stream to the `gateway`th gateway, which sent it at `sent_after` or later.
  // Returns the number of its callback, -1 if there can be none. That the vendor has opened it may
  // be entered later.
  int64_t Received(absl::string_view subscription, const v1::Delivery& delivery, int gateway,
                   absl::Duration sent_after);
  // That gateway is asked to settle the event by an ack or a skip, and may do so from here on.
  void Asked(absl::string_view subscription, int64_t number, int gateway);
  // It has answered, whatever it said.
  void Answered(absl::string_view subscription, int64_t number, int gateway);
  // By `at` an ack_results had said that the ack or skip of the event is durable.
  void Confirmed(absl::string_view subscription, int64_t number, absl::Duration at);
  void AskedToPark(absl::string_view subscription, int64_t number);
  void ConfirmedParked(absl::string_view subscription, int64_t number, absl::Duration at);
  // A gateway answered what it must not.
  void Misanswered(absl::string_view subscription, int64_t number, absl::string_view answer);

  // All dead letters that there are, when nothing goes on any more.
  void EnterDeadLetters(absl::string_view subscription, const std::vector<v1::DeadLetter>& letters);
  // Those entered are about to be redriven: each is owed once more, and its deliveries are counted
  // from here on.
  void Redriven(absl::string_view subscription);

  // What another check found, one sentence.
  void Find(std::string finding);

  // --- what there is

  int64_t opened() const;
  int64_t promised() const;
  bool IsOpened(int64_t number) const;
  bool IsPromised(int64_t number) const;
  // It has been answered, and never but with "1".
  bool IsAlwaysRefused(int64_t number) const;
  std::vector<std::string> Subscriptions() const;
  bool HasSubscription(absl::string_view subscription) const;
  bool IsWanted(absl::string_view subscription, int64_t number) const;
  // The event's place as the subscription saw it; empty: it never did.
  std::string CursorOf(absl::string_view subscription, int64_t number) const;
  // Its settling was confirmed.
  bool IsConfirmed(absl::string_view subscription, int64_t number) const;
  // It was, or a request to settle it has no answer.
  bool MayBeSettled(absl::string_view subscription, int64_t number) const;
  bool MayBeSettledByAll(int64_t number) const;
  // How often the vendor got each answer to a callback that is right.
  AnswerCounts replies() const;
  // Deliveries to all subscriptions, and how many of them were of an event that had come before.
  int64_t deliveries() const;
  int64_t redeliveries() const;
  // Promises of which this subscription is done with the event, as far as it can know.
  int64_t settled(absl::string_view subscription) const;
  // How often the event was received.
  int64_t deliveries(absl::string_view subscription, int64_t number) const;
  // From the opening of each callback in [first, last) to the confirmation of its settling; of
  // those that were settled.
  std::vector<absl::Duration> Latencies(absl::string_view subscription, int64_t first,
                                        int64_t last) const;
  Tally TallyOf(absl::string_view subscription) const;
  // False: not before `timeout`.
  bool WaitUntilPromised(int64_t count, absl::Duration timeout) const;
  // Until every subscription is done with every promise so far. False: not before `timeout`.
  bool WaitUntilSettled(absl::Duration timeout) const;
  // The same of this one callback.
  bool WaitUntilSettled(int64_t number, absl::Duration timeout) const;

  // What does not balance now, one sentence each; the first `most`, then how many more there are.
  std::vector<std::string> Findings(size_t most = 20) const;

 private:
  struct Receipt {
    std::string cursor;
    int64_t deliveries = 0;
    int last_gateway = 0;  // that it came from
    absl::Duration last_sent_after = -absl::InfiniteDuration();
    absl::Duration settled_at = absl::InfiniteDuration();  // the first confirmation
    bool confirmed = false;                                // acked or skipped
    bool asked_to_park = false;
    bool confirmed_parked = false;
    bool dead_letter = false;
    bool sent_again = false;  // after a confirmation; found once
  };
  struct Book {
    Terms terms;
    absl::flat_hash_map<int64_t, Receipt> receipts;
    // Requests to settle that have no answer, by event and gateway.
    absl::flat_hash_map<int64_t, std::map<int, int>> unanswered;
    bool dead_letters_known = false;
    Tally tally;
    int64_t owed_promises = 0;
    int64_t settled_promises = 0;
  };

  void MakeRoomFor(int64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool Wants(const Book& book, int64_t number) {
    return book.terms.wants == nullptr || book.terms.wants(number);
  }
  static bool IsSettled(const Book& book, int64_t number);
  // Enters something about an event, and keeps the count of what is settled.
  template <typename Change>
  void Enter(absl::string_view subscription, int64_t number, Change change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EnterDeadLetter(absl::string_view subscription, Book& book, const v1::DeadLetter& letter)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string SentenceOfUnsettled(absl::string_view subscription, const Book& book,
                                  int64_t number) const;

  const CallContent content_;
  const SystemClock clock_;
  mutable absl::Mutex mutex_;
  std::vector<bool> promised_ ABSL_GUARDED_BY(mutex_);             // by number
  std::vector<uint8_t> answers_seen_ ABSL_GUARDED_BY(mutex_);      // by number, a bit for each kind
  std::vector<absl::Duration> opened_at_ ABSL_GUARDED_BY(mutex_);  // by number
  int64_t promised_count_ ABSL_GUARDED_BY(mutex_) = 0;
  AnswerCounts replies_ ABSL_GUARDED_BY(mutex_) = {};
  int64_t deliveries_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t redeliveries_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<bool> refusals_are_allowed_{false};
  std::map<std::string, Book, std::less<>> books_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> findings_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CALL_LEDGER_H_
