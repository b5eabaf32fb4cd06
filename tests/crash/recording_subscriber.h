#ifndef ONHOOK_TESTS_CRASH_RECORDING_SUBSCRIBER_H_
#define ONHOOK_TESTS_CRASH_RECORDING_SUBSCRIBER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "grpcpp/grpcpp.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/gateway_address.h"

namespace onhook {

// A backend: one stream of a durable subscription to each gateway that starts, every delivery and
// every confirmed ack entered into the ledger.
//
// Speaks through the generated stub, not through clients/cpp, so that nothing sits between the
// gateway's messages and the ledger. Threads: one of its own, beside the owner's.
// Blocking: the destructor, until the gateway and so the stream has ended.
class RecordingSubscriber {
 public:
  enum class Mode {
    kAckNothing,  // takes all it is given, and settles none of it
    kAckMost,     // leaves a few unsettled on each stream, so that they come again on the next
    kAckAll,
  };

  // How it opens its streams, and what the ledger makes of it.
  struct Options {
    CallLedger::Terms terms;
    std::optional<absl::Duration> ack_deadline;  // nothing: the gateway's default
  };

  // `address` and `ledger` must outlive the subscriber.
  RecordingSubscriber(std::string subscription, Mode mode, uint64_t seed,
                      const GatewayAddress* address, CallLedger* ledger, Options options = {});
  // The address must be closed and the gateway gone.
  ~RecordingSubscriber();

  // From the next stream on.
  void SetMode(Mode mode) { mode_ = mode; }

  // Why the last stream ended; for a test that failed.
  std::string last_end() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::SubscribeRequest, v1::SubscribeResponse>;

  // Acks of one stream that wait for their ack_results, by request and delivery id.
  struct Pending {
    int gateway = 0;
    uint64_t last_request = 0;
    int withheld = 0;
    absl::flat_hash_map<uint64_t, std::vector<std::pair<std::string, int64_t>>> acks;
  };

  void Receive();
  void ReceiveFrom(const GatewayAddress::Ports& ports);
  void Take(const v1::Deliveries& deliveries, Mode mode, Stream& stream, Pending& pending);
  void Enter(const v1::AckResults& results, Pending& pending);
  bool Withholds(Mode mode, Pending& pending);

  const std::string subscription_;
  const Options options_;
  std::atomic<Mode> mode_;
  std::mt19937_64 random_;
  // A stream's messages come in the order of their sending, and this is the only one that asks to
  // settle: what is read after a confirmation was sent after it.
  const SystemClock clock_;
  const GatewayAddress* const address_;
  CallLedger* const ledger_;
  mutable absl::Mutex mutex_;
  std::string last_end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_RECORDING_SUBSCRIBER_H_
