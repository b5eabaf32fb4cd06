#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_MESSAGE_LOOKUP_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_MESSAGE_LOOKUP_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/postponed_work.h"

namespace onhook {

// Looks single messages of a stream up, and asks again while its servers cannot answer.
//
// Errors of all: kNotFound (there is no such message), kUnavailable (the servers could not answer
// for as long as `patience`, or none is connected and `away` says to fail then, or closing),
// kInternal (else; the message holds the server's words). Threads: any; `done` comes from the
// connection's threads, or from whoever ticks. Blocking: never.
class MessageLookup {
 public:
  using Done = std::function<void(absl::StatusOr<StreamMessage>)>;
  // What is done while no server is connected, beyond a moment.
  enum class WhileAway { kAskAgain, kFail };

  // All must outlive it, and the connection be closed before it goes.
  MessageLookup(JetStreamApi* api, std::string stream, absl::Duration patience, WhileAway away,
                PostponedWork* postponed, const Clock* clock);

  // As of JetStreamApi.
  void At(int64_t sequence, Done done);
  void Next(int64_t sequence, const std::string& subject, Done done);
  void Last(const std::string& subject, Done done);

 private:
  using Ask = std::function<void(Done)>;
  void AskOn(const Ask& ask, absl::Duration until, Done done);

  JetStreamApi* const api_;
  const std::string stream_;
  const absl::Duration patience_;
  const WhileAway away_;
  PostponedWork* const postponed_;
  const Clock* const clock_;
};

// What a look-up may say of an error.
absl::Status LookupError(const absl::Status& status);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_MESSAGE_LOOKUP_H_
