#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_PAGE_READER_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_PAGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/jetstream/jetstream_api.h"

namespace onhook {

struct MessagePage {
  std::vector<StreamMessage> messages;  // in order
  // When it was read, its server knew of no message behind it.
  bool at_end = false;
};

// A reader that a server keeps for us: a consumer that lives in its memory and goes by itself when
// it is not used. It hands messages out in order, a page at a request.
//
// Threads: any; one Fetch at a time. `done` comes from the connection's threads or from Tick.
// Blocking: never. Errors of Fetch: kUnavailable (the reader is of no more use).
class PageReader {
 public:
  using Done = std::function<void(absl::StatusOr<MessagePage>)>;
  using Created = std::function<void(absl::StatusOr<std::shared_ptr<PageReader>>)>;

  // Has one made that begins behind `after`. What comes to subjects under `inbox` is to be handed
  // to it, and what comes from the consumer of its name.
  static void Create(JetStreamApi* api, const std::string& stream, int64_t after,
                     const std::string& filter_subject, const std::string& inbox,
                     const Clock* clock, Created created);
  ~PageReader();

  // Calls come one at a time, in order.
  void Received(NatsMessage message);

  // Of the consumer.
  const std::string& name() const { return name_; }

  // As many of the next messages as there are, within these limits and up to `through`; one at
  // least, if there is one, whatever its size.
  void Fetch(int64_t max_messages, size_t max_bytes, int64_t through, Done done);

  // Ends a Fetch that takes too long.
  void Tick();
  // Ends a Fetch under way with that.
  void Fail(const absl::Status& status);

  const std::string& filter_subject() const { return filter_subject_; }
  // Behind which message it goes on.
  int64_t position() const;
  // Nothing is on its way that nobody asked for: it may be asked again.
  bool is_reusable() const;

  // How long its server keeps it when it is not used.
  static constexpr absl::Duration kInactiveThreshold = absl::Seconds(30);

 private:
  struct Request {
    int64_t max_messages = 0;
    size_t max_bytes = 0;
    int64_t through = 0;
    Done done;
    absl::Duration until;  // on Elapsed()
    int64_t missing = 0;   // of what the server was asked for
    MessagePage page;
  };

  PageReader(JetStreamApi* api, std::string stream, int64_t after, std::string filter_subject,
             std::string inbox, const Clock* clock);
  // Asks the server; kUnavailable: it cannot be asked.
  absl::Status Ask(int64_t messages, size_t bytes);
  void TakeMessage(NatsMessage& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeStatus(const NatsMessage& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JetStreamApi* const api_;
  const std::string stream_;
  const std::string filter_subject_;
  const Clock* const clock_;
  const std::string inbox_;
  std::string name_;  // set before it is used

  mutable absl::Mutex mutex_;
  int64_t position_ ABSL_GUARDED_BY(mutex_);
  int64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;  // how often; a word of an earlier time means nothing
  bool reusable_ ABSL_GUARDED_BY(mutex_) = true;
  bool ask_for_one_ ABSL_GUARDED_BY(mutex_) = false;  // the next is larger than the page
  std::optional<Request> request_ ABSL_GUARDED_BY(mutex_);
  // A request that ended under the lock, to be answered without it.
  std::function<void()> ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_PAGE_READER_H_
