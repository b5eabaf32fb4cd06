#ifndef ONHOOK_TESTS_CRASH_SCRIPTED_WORK_H_
#define ONHOOK_TESTS_CRASH_SCRIPTED_WORK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/crash/call_ledger.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"

namespace onhook {

// The same work each time, one step after the other, so that a gateway's calls to the system can be
// counted and each of them be let fail once: callbacks are posted, and their events acknowledged,
// refused once, parked or skipped; one callback is none and goes into quarantine.
//
// Everything is entered into the ledger. What a gateway must never do, whatever fails beneath it,
// is a failed expectation of the test: an answer of another kind, one without advice when to
// repeat, a silence while it lives. Threads: one. Blocking: every method.
class ScriptedWork {
 public:
  struct Size {
    int64_t callbacks = 6;
    // Bytes beside what a callback needs: many pages of the store are written by few callbacks.
    size_t padding = 0;
  };

  // `ledger` must outlive it.
  ScriptedWork(CallLedger* ledger, Size size);
  ~ScriptedWork();

  // Does the script with a gateway that listens, and passes over what fails. Ends early if the
  // gateway does.
  void Do(OnhookdProcess& gateway);
  // With a gateway that nothing hinders any more: what was refused is repeated and accepted, what
  // is owed is settled, and one further callback comes behind all that.
  void Finish(OnhookdProcess& gateway);
  // Enters the dead letters, and expects every promised callback in the log once and nothing that
  // was never sent.
  void CheckLog(OnhookdProcess& gateway);

  // Callbacks that were answered as not stored.
  int64_t not_stored() const { return not_stored_; }

 private:
  struct Stream;
  enum class Way { kAck, kRetry, kPark, kSkip };

  bool Open();
  void Close();
  // It may do so only if the gateway has ended.
  void EndedByItself();
  // Returns whether it is stored.
  bool Post(int64_t number);
  void PostWhatIsNone();
  // The answer to a body; status 0: the gateway is gone.
  RawAnswer Send(const std::string& body);
  // Reads until the event has come on this stream. False: the stream has ended.
  bool Await(int64_t number);
  bool ReadOne();
  void Take(const v1::Deliveries& deliveries);
  // Settles what has come, and waits for the answer; what is to come again it acknowledges then.
  void Settle(int64_t number, Way way);
  v1::SubscribeRequest RequestTo(Way way, const std::string& delivery_id);
  std::string BodyFor(int64_t number) const;

  CallLedger* const ledger_;
  const Size size_;
  std::unique_ptr<Stream> stream_;
  OnhookdProcess* gateway_ = nullptr;
  int generation_ = 0;
  bool gone_ = false;
  bool may_fail_ = true;
  std::set<int64_t> refused_;
  std::set<int64_t> owed_;                       // promised, and not settled for sure
  std::set<int64_t> in_doubt_;                   // asked to settle, without an answer
  std::map<int64_t, std::string> delivery_ids_;  // of this stream
  int64_t not_stored_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_SCRIPTED_WORK_H_
