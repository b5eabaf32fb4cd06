#ifndef ONHOOK_TESTS_CRASH_CLIENT_BACKEND_H_
#define ONHOOK_TESTS_CRASH_CLIENT_BACKEND_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "onhook/client.h"
#include "tests/crash/call_ledger.h"

namespace onhook {

// A backend as users write it, with clients/cpp: it knows one address, and of restarts nothing but
// what the client makes of them. Every delivery and every confirmed ack is entered into the ledger.
//
// Threads: the client's, beside the owner's. Blocking: the destructor, until the client has ended.
class ClientBackend {
 public:
  // Opens `subscription` at `server`, as ClientOptions has it. Of every so many events
  // (`withheld_one_in`) one is left unsettled until SettleAll(), so that each restart makes some
  // come again. `ledger` must outlive it.
  ClientBackend(std::string subscription, const std::string& server, int64_t withheld_one_in,
                CallLedger* ledger);

  // From now on everything that comes is acknowledged.
  void SettleAll() { settles_all_ = true; }

  // How many streams have opened.
  int64_t opened() const;
  // Until that is more than `count`. False: not before `timeout`.
  bool WaitUntilOpenedMoreThan(int64_t count, absl::Duration timeout) const;

 private:
  client::Settlement Handle(const v1::Delivery& delivery);
  void Enter(const client::Settled& settled);

  const std::string subscription_;
  const int64_t withheld_one_in_;
  CallLedger* const ledger_;
  const SystemClock clock_;
  std::atomic<bool> settles_all_{false};
  mutable absl::Mutex mutex_;
  int64_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration opened_at_ ABSL_GUARDED_BY(mutex_);  // the last stream
  std::unique_ptr<client::Subscriber> subscriber_;    // last: it calls into the others
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CLIENT_BACKEND_H_
