#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_PULL_CONSUMER_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_PULL_CONSUMER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"

namespace onhook {

// A message that a durable pull consumer has given us, until we acknowledge it or let `ack_wait`
// pass.
struct PulledMessage {
  std::string subject;
  std::string ack_subject;  // where it is acknowledged; its reply
  DeliveryFacts facts;
  NatsHeaders headers;
  std::string data;
};

// Asks a durable consumer for as many messages as are wanted, and goes on asking.
//
// Promises: no more is asked for than Want said. A request that ended (its time
// was over, its server or the connection went, the consumer's leader changed) is made anew, after
// 100 ms at first and 2 s at most when it failed. A consumer that is gone is told of by `gone`,
// once, and nothing more is asked for. Threads: any on every method. Callbacks come one at a time
// from the connection's threads, and must not block. Blocking: only the destructor, for a call
// under way.
class PullConsumer {
 public:
  struct Options {
    std::string stream;
    std::string consumer;
    absl::Duration expires = absl::Seconds(30);  // of one request
    int64_t most_at_once = 256;                  // of one request
  };
  struct Callbacks {
    std::function<void(PulledMessage)> message;
    std::function<void()> gone;  // the consumer does not exist (any more)
  };
  PullConsumer(JetStreamApi* api, Options options, Callbacks callbacks, const Clock* clock,
               const Log* log);
  ~PullConsumer();

  // So many messages may come from now on, those on their way included. When that is less than half
  // of what is on its way, what is on its way is called back, but may come all the same; 0: none.
  // Each message takes one off.
  void Want(int64_t messages);
  // What Want said, less what came since.
  int64_t wanted() const;

  // Sends "+ACK", "-NAK", "-NAK {\"delay\": ...}", "+WPI", "+TERM". Nobody confirms it; what is
  // lost comes again. Not connected: nothing happens.
  void Acknowledge(const std::string& ack_subject);
  void GiveBack(const std::string& ack_subject, absl::Duration delay);
  void Keep(const std::string& ack_subject);
  void Terminate(const std::string& ack_subject);

  // Looks after requests that are late. To be called every 100 ms or so.
  void Tick();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_PULL_CONSUMER_H_
