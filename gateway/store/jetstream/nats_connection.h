#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_CONNECTION_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_options.h"

namespace onhook {

using NatsHeaders = std::vector<std::pair<std::string, std::string>>;

// A message as it came.
struct NatsMessage {
  std::string subject;
  std::string reply;  // empty: none is awaited
  NatsHeaders headers;
  std::string data;
  int status = 0;  // of a message that only tells something, as 100, 404, 409; else 0
  std::string status_description;  // beside it

  // The first header of that name; empty: there is none.
  absl::string_view Header(absl::string_view name) const;
};

// Ends what it stands for when it is destroyed: no call of its handler begins any more, and the
// one under way is waited for, unless it is this thread's own.
class NatsSubscription {
 public:
  virtual ~NatsSubscription() = default;

  // The server sends nothing more for it; what was on its way by then still comes. Not blocking.
  virtual void Drain() = 0;
};

// One connection to a cluster of NATS servers, which finds its way back by itself.
//
// Why: what libnats does not have is added here: requests without a thread that waits, all of them
// over one inbox, and a way back that keeps nothing for later.
//
// Promises: handlers of one subscription are called one at a time, in the order of the messages.
// Every `reply` is called exactly once. A request that fails may have been done all the same.
// Nothing is sent later than it was asked for: what is asked for while there is no connection
// fails at once.
// Threads: any. Handlers and replies come from threads of this connection, never from within the
// call that asked for them, and must not block. Blocking: never, but Open and Close.
class NatsConnection {
 public:
  using Reply = std::function<void(absl::StatusOr<NatsMessage>)>;
  using Handler = std::function<void(NatsMessage)>;
  // Also called for the first connection. In the order of what happened.
  using Listener = std::function<void(bool connected)>;

  // Begins to connect, and waits for the first connection for as long as `wait`; goes on trying
  // when that is over. Errors: kInvalidArgument (the options name what cannot be used).
  static absl::StatusOr<std::unique_ptr<NatsConnection>> Open(const NatsOptions& options,
                                                              absl::Duration wait, const Log* log);
  virtual ~NatsConnection() = default;

  virtual bool connected() const = 0;
  // Whether it is connected, or was so until a moment ago and may be again: servers of a cluster
  // are found within that. Else what would be asked for again soon may as well fail.
  virtual bool may_be_back_soon() const = 0;
  // Why the last try to connect failed, or the last connection broke; empty: it is connected, or
  // has not come to an end of the first try.
  virtual std::string trouble() const = 0;
  // Of the connection there is; each that is made has a greater one. 0: not connected.
  virtual int64_t connection_number() const = 0;
  // For how long the server has told nothing, though it is asked each ping_interval; for ever where
  // there is none.
  virtual absl::Duration silence() const = 0;
  // The server's limit of a message's payload in bytes; 0: not connected yet.
  virtual int64_t max_payload() const = 0;

  // Sends a message and hands on the first answer. Errors: kUnavailable (not connected, the
  // connection broke, closing, or nobody listens to that subject: "no responders"),
  // kDeadlineExceeded (no answer within `timeout`), kInvalidArgument (larger than max_payload).
  virtual void Request(const std::string& subject, const NatsHeaders& headers,
                       absl::string_view data, absl::Duration timeout, Reply reply) = 0;

  // Sends a message that nobody confirms; with `reply`, to be answered there. Errors: kUnavailable,
  // kInvalidArgument as above.
  virtual absl::Status Publish(const std::string& subject, absl::string_view data,
                               const std::string& reply) = 0;
  absl::Status Publish(const std::string& subject, absl::string_view data) {
    return Publish(subject, data, "");
  }

  // Whoever subscribes stays subscribed over reconnection. While it is connected the server learns
  // of it before whatever is sent later. Errors: kUnavailable (closing).
  virtual absl::StatusOr<std::unique_ptr<NatsSubscription>> Subscribe(const std::string& subject,
                                                                      Handler handler) = 0;

  // A subject of one's own to be answered at.
  virtual std::string NewInbox() = 0;

  // To be called before anything is asked for.
  virtual void AddListener(Listener listener) = 0;

  // Sends what was to be sent, then fails everything that is open. Idempotent.
  virtual void Close() = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_CONNECTION_H_
