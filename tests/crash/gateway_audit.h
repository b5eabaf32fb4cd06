#ifndef ONHOOK_TESTS_CRASH_GATEWAY_AUDIT_H_
#define ONHOOK_TESTS_CRASH_GATEWAY_AUDIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/log_audit.h"

namespace onhook {

// Asks a gateway for its whole log and for what it owes, and holds that against the ledger. A call
// that fails is a failed expectation of the test. Threads: one. Blocking: its calls.
class GatewayAudit {
 public:
  struct Options {
    // Settled events may be gone by retention.
    bool may_be_removed = false;
    // Lets a little time pass before it asks again.
    std::function<void()> wait;
    // How long what is owed may be told otherwise, because acks are still under way.
    absl::Duration patience;
  };

  // At 127.0.0.1:`grpc_port`. `ledger` must outlive it.
  GatewayAudit(int grpc_port, CallLedger* ledger, Options options);

  // Enters what it finds into the ledger. Returns how many events the log has.
  int64_t Run();

 private:
  void WatchAll();
  void ListAll();
  // Of some calls, evenly spread, everything by itself.
  void LookUpSome();
  void AskWhatIsOwed(const std::string& subscription);
  void List(v1::ListEventsRequest request, const std::function<void(const v1::StoredEvent&)>& take);
  std::vector<v1::StoredEvent> ListOf(const std::string& call_serial_no);

  CallLedger* const ledger_;
  const Options options_;
  const std::unique_ptr<v1::ReleaseEventService::Stub> events_;
  const std::unique_ptr<v1::SubscriptionService::Stub> subscriptions_;
  LogAudit audit_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_GATEWAY_AUDIT_H_
