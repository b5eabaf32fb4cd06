#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_RUN_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/chaos/consumer_process.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/jetstream/fleet_load.h"
#include "tests/crash/jetstream/fleet_servers.h"
#include "tests/crash/jetstream/fleet_settings.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// Some gateways on one JetStream, and around them the vendor and the backends, which outlive every
// gateway and server:
//
//   shared   one consumer at each gateway and one that changes between them, all of which do what
//            they like: nack, park, skip, release, ack twice and late, end their streams
//   plain    one at each gateway that acks what comes
//   holding  one that settles nothing before the end
//
// The books (CallLedger) are kept as for one gateway: to whom a gateway belongs to which a consumer
// speaks makes no difference. A request to settle that a gateway did not live to answer is made
// again to the next one, so in the end none is open.
//
// A failure is a failed expectation of the test. Threads: one. Blocking: as long as what a method
// waits for takes, within the patience.
class FleetRun {
 public:
  struct Options {
    uint64_t seed = 0;
    int gateways = 2;
    int servers = 3;  // 0: each gateway has a store of its own
    bool sync_always = true;
    bool spool = false;
    bool consumers = true;  // else who runs it adds its own
    std::vector<std::string> modes = {"stored", "forwarded", "processed"};
    absl::Duration ownership = absl::Seconds(10);
    int connections = 4;
    int64_t each_second = 0;
  };

  // What this machine lacks for it; empty: nothing.
  static std::string Missing() { return FleetServers::Missing(); }

  explicit FleetRun(const Options& options);
  ~FleetRun();

  // Servers, gateways, consumers, then the load. False: something did not come up.
  bool Start();
  void AddConsumer(const std::string& subscription, const std::string& manner, int gateway);

  // --- what is done to it

  FleetServers& cluster() { return cluster_; }
  int gateways() const { return options_.gateways; }
  bool runs(int gateway) const { return At(gateway).process.has_value(); }
  void KillGateway(int gateway);
  // SIGTERM, and expects that it ends well.
  void TerminateGateway(int gateway);
  bool StartGateway(int gateway);
  void SignalGateway(int gateway, int signal_number);
  // With all its consumers.
  void KillPair(int gateway);
  std::mt19937_64& random() { return random_; }
  int Below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }
  absl::Duration RandomBelow(absl::Duration most);

  // Lets the time pass; expects that each gateway that runs goes on.
  void WaitFor(absl::Duration duration);
  // Until so many more callbacks were promised. False, and a failed expectation: it took too long.
  bool WaitForPromises(int64_t more);
  // Mends what is cut, starts what is gone, and waits until all replicas are current and work is
  // being done. False, and a failed expectation: it did not come to that.
  bool Recover();
  void SetPatience(absl::Duration patience) { patience_ = patience; }
  absl::Duration patience() const { return patience_; }

  // --- how it ends

  // No further callback; those begun are repeated until each is accepted, and from now on every
  // consumer behaves.
  void FinishLoad();
  // Waits until nothing that was promised is owed any more, or until this long nothing is settled
  // any more. Says which.
  bool SettleFor(absl::Duration patience);
  // Waits until no gateway owes anything, or for patience() what they owe gets no less, which is a
  // failure. What was parked, and nobody heard of it, is then among the dead letters.
  bool Drain();
  // Expects that everything is settled. Then kills all there is, starts it, and lets one more
  // callback come to each gateway, and the time pass in which a server would give again what it was
  // not told is settled.
  void SettleEverything();
  // Has what dead letters there are entered, once. While nothing goes on.
  void EnterDeadLetters();
  // Asks every gateway for its whole log and what it owes, and has what does not fit the books, or
  // the other gateways, found.
  void Audit();

  CallLedger& ledger() { return ledger_; }
  const SystemClock& clock() const { return clock_; }
  FleetLoad::Figures load_figures() const { return load_->figures(); }
  // What does not balance: each kind of finding with how often there is one, a line each; empty:
  // nothing.
  std::string Findings() const;
  // What there was, for who reads the test's output.
  std::string Summary() const;

 private:
  struct Seat {
    std::string store_directory;
    std::string settings_file;
    std::optional<OnhookdProcess> process;
    std::string earlier_log;  // the end of that of the one before
  };
  struct Backend {
    std::string subscription;
    std::string manner;
    int gateway = 0;
    std::unique_ptr<ConsumerProcess> process;
  };

  Seat& At(int gateway) { return seats_[static_cast<size_t>(gateway)]; }
  const Seat& At(int gateway) const { return seats_[static_cast<size_t>(gateway)]; }
  FleetSettings SettingsOf(int gateway) const;
  void Launch(int gateway);
  bool AwaitListening(int gateway);
  bool StartGateways();
  FleetLoad::Options LoadOptions();
  void Introduce(const Backend& backend);
  void MoveRoamers();
  void Gone(int gateway);
  // Over all subscriptions.
  int64_t Settled() const;
  void ExpectDeadLetters(int gateway, const std::string& subscription, size_t wanted);
  std::unique_ptr<v1::SubscriptionService::Stub> Administer(int gateway);
  // By its own word, of this subscription.
  int64_t OwedBy(int gateway, const std::string& subscription);
  std::vector<v1::DeadLetter> DeadLettersOf(int gateway, const std::string& subscription);

  const Options options_;
  const SystemClock clock_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  FleetServers cluster_;
  CallLedger ledger_;
  std::vector<Seat> seats_;
  std::vector<Backend> backends_;
  absl::Duration patience_ = absl::Seconds(90);
  int kills_ = 0;
  int64_t audited_ = 0;  // events, by the last audit
  std::optional<FleetLoad> load_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_RUN_H_
