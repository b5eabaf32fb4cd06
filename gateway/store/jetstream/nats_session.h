#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_SESSION_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/guarded_handler.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/nats_connection.h"

namespace onhook {

// One connection to one NATS server, until it breaks: a NatsConnection is one after the other.
//
// Why: libnats' own way back is not used, since it keeps for later what is sent meanwhile, and
// reads no file anew. nats_session.cc is the only file that includes it. Its sockets are read by a
// thread of ours, and written to without waiting, since libnats itself would wait for a server that
// takes nothing, with its lock held.
//
// Threads: any. Blocking: Connect, Close and the destructor.
class NatsSession {
 public:
  struct Callbacks {
    // It broke. From a thread of libnats, at most once; not after Close has returned.
    std::function<void()> broke;
    std::function<void(absl::string_view error)> error;
  };

  // Whether the options can be used: kInvalidArgument.
  static absl::Status Check(const NatsOptions& options);
  // Tries each of the servers once. Errors: those of Check; kUnavailable.
  static absl::StatusOr<std::unique_ptr<NatsSession>> Connect(const NatsOptions& options,
                                                              Callbacks callbacks);
  // Begins every inbox of one NatsConnection; ends with a dot.
  static std::string NewInboxPrefix();

  virtual ~NatsSession() = default;

  // For how long the server has told nothing.
  virtual absl::Duration silence() const = 0;
  virtual int64_t max_payload() const = 0;
  virtual std::string server() const = 0;
  // Why it broke.
  virtual std::string error() const = 0;

  // As NatsConnection::Publish.
  virtual absl::Status Send(const std::string& subject, const std::string& reply,
                            const NatsHeaders& headers, absl::string_view data) = 0;
  // Its messages go to `handler` as those of connection `number`. Null: it is broken.
  virtual std::unique_ptr<NatsSubscription> Subscribe(const std::string& subject,
                                                      std::shared_ptr<GuardedHandler> handler,
                                                      int64_t number) = 0;

  // Sends what was to be sent, if it is not broken.
  virtual void Close() = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_NATS_SESSION_H_
