#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_TESTING_FAKE_GATEWAY_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_TESTING_FAKE_GATEWAY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/client.h"
#include "onhook/settlement.h"
#include "onhook/v1/release_event.pb.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::testing {

// What a client made of one delivery.
struct Outcome {
  std::string subscription;
  std::string event_id;
  std::string delivery_id;
  int attempt = 0;
  // Whatever was asked for; of Settlement::Leave nobody hears.
  client::Settlement settlement;
};

struct FakeGatewayOptions {
  // HOST:PORT, with port 0 for a free one, or unix:/path.
  std::string address = "127.0.0.1:0";
  // What each delivery is given. Infinite: none, so that nothing is extended. That one has passed
  // is not noticed.
  absl::Duration ack_deadline = absl::InfiniteDuration();
  // What streams are told, and kept to.
  absl::Duration heartbeat_interval = absl::Seconds(15);
};

// A gateway for tests of who uses this library: in the same process, in memory, over a real
// connection.
//
//   FakeGateway gateway;
//   gateway.Publish(event);
//   auto subscriber = Client(gateway.client_options()).Subscribe(options, handler);
//   std::optional<Outcome> outcome = gateway.NextOutcome();
//   EXPECT_EQ(outcome->settlement.action, Settlement::Action::kAck);
//
// It is like the gateway where a client can see it, and unlike it in time: what is given back comes
// again at once, whatever the delay (as the next attempt, or, if it was released or its stream was
// lost, as the same one). A subscription that nobody knows exists as soon as it is asked for, and
// owes all that was published before, unless Refuse says otherwise. Filters are not looked at.
// Threads: any. Blocking: only what takes a `patience`, and the destructor until streams have
// ended.
class FakeGateway {
 public:
  // Long enough for the slowest machine: a wait that takes it has failed.
  static constexpr absl::Duration kPatience = absl::Seconds(20);

  explicit FakeGateway(const FakeGatewayOptions& options = FakeGatewayOptions());
  // Ends all streams as EndStreams does.
  ~FakeGateway();

  FakeGateway(const FakeGateway&) = delete;
  FakeGateway& operator=(const FakeGateway&) = delete;

  // As ClientOptions::server takes it.
  std::string address() const;
  // Of a client that comes back within milliseconds.
  client::ClientOptions client_options() const;

  // Stores an event, and hands it to whoever is there and to whoever comes. Returns its event_id,
  // which is made up if it has none, as is its arrival.
  std::string Publish(v1::ReleaseEvent event);

  // What came of the deliveries, in the order in which that was heard: the next one that was not
  // returned here yet. Nothing: none came. Blocking: up to `patience`.
  std::optional<Outcome> NextOutcome(absl::Duration patience = kPatience);
  // All of them, returned or not.
  std::vector<Outcome> outcomes() const;
  // Where an event stands with a subscription: PENDING, DELIVERED, ACKED, SKIPPED or PARKED;
  // UNSPECIFIED if that does not know it.
  v1::SubscriptionTimeline::State StateOf(absl::string_view subscription,
                                          absl::string_view event_id) const;

  // Ends every stream that is open with `why`; clients come back, unless the code says that this
  // would not help.
  void EndStreams(const absl::Status& why = absl::UnavailableError("the fake gateway restarts"));
  // Sends go_away on every stream of a subscription that is open, which then end as a gateway's do:
  // with OK, when the client has half-closed.
  void GoAway(v1::GoAway::Reason reason);
  // Each stream and each look-up from now on ends with `why` at once. OK: no longer.
  void Refuse(const absl::Status& why);
  // Streams that are open get nothing more, not even a heartbeat, as if packets were lost.
  void FallSilent();
  // Whether what a client says is answered. What is said while it is not, is done all the same.
  void AnswerSettlements(bool answers);

  // How many streams of subscriptions and watches are open. Waits until `count` are; false: they
  // were not within `patience`.
  bool AwaitStreams(int count, absl::Duration patience = kPatience) const;
  // Whether a stream's client has asked for no new deliveries; of the stream that was opened last.
  bool AwaitPaused(bool paused, absl::Duration patience = kPatience) const;

 private:
  class Service;

  std::unique_ptr<Service> service_;
};

// A delivery as a handler gets it, for calling the handler without any gateway.
v1::Delivery MakeMessage(v1::ReleaseEvent event, int attempt = 1);

// The same as what Consumer::Next returns. Each settlement of it is kept in `outcomes` and
// confirmed, or, if `answer` is an error, answered with that. A null `outcomes` keeps nothing.
client::Delivery MakeDelivery(v1::ReleaseEvent event, std::vector<Outcome>* outcomes,
                              const absl::Status& answer = absl::OkStatus());

}  // namespace onhook::testing

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_TESTING_FAKE_GATEWAY_H_
