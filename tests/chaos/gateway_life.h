#ifndef ONHOOK_TESTS_CHAOS_GATEWAY_LIFE_H_
#define ONHOOK_TESTS_CHAOS_GATEWAY_LIFE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/chaos/consumer_process.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/gateway_address.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// One data directory, the gateways that run on it one after the other, their subscriptions, and the
// consumers of these, each a process that outlives the gateways.
//
// Everything that consumers say is entered into the ledger. A failure is a failed expectation of
// the test. Threads: one. Blocking: as long as what a method waits for takes, within its patience.
class GatewayLife {
 public:
  // Far beyond what any of this takes, sanitizers and a busy machine included.
  static constexpr absl::Duration kPatience = absl::Seconds(90);

  // `run` names the calls.
  explicit GatewayLife(std::string run) : ledger_(std::move(run)) {}
  ~GatewayLife();

  // Starts a gateway; false, and a failed expectation, if it does not come up.
  bool Start();
  void Kill();
  // There will be no further start: who waits for one goes on.
  void GiveUp() { address_.Close(); }
  // Lets the time pass; expects that the gateway stays.
  void WaitFor(absl::Duration duration);

  // Creates it. It stays until the end.
  void CreateSubscription(const std::string& name, const v1::SubscriptionSpec& spec,
                          CallLedger::Terms terms);
  // `arguments` as chaos_consumer has them. Introduces it to the gateway.
  std::unique_ptr<ConsumerProcess> StartConsumer(const std::vector<std::string>& arguments);
  // Tells a consumer where the gateway is: needed after each start.
  void Introduce(ConsumerProcess& consumer) const;

  v1::SubscriptionStats StatsOf(const std::string& subscription);
  // Waits until a subscription owes nothing and nobody holds anything of it. False, and a failed
  // expectation: not within the patience.
  bool WaitUntilDrained(const std::string& subscription);
  std::vector<v1::DeadLetter> DeadLettersOf(const std::string& subscription);
  // Moves it to either end of the log: to a model that does not know of it, a gateway that loses
  // events or repeats them.
  void Seek(const std::string& subscription, v1::StartPosition position);
  // Returns how many.
  int64_t RedriveAll(const std::string& subscription);

  CallLedger& ledger() { return ledger_; }
  const CallLedger& ledger() const { return ledger_; }
  const GatewayAddress& address() const { return address_; }
  int kills() const { return kills_; }

 private:
  TemporaryDirectory directory_;
  CallLedger ledger_;
  GatewayAddress address_;
  int generation_ = 0;
  int kills_ = 0;
  std::optional<OnhookdProcess> gateway_;
  std::unique_ptr<v1::SubscriptionService::Stub> stub_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CHAOS_GATEWAY_LIFE_H_
