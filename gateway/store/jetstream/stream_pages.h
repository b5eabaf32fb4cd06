#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_PAGES_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/page_reader.h"
#include "gateway/store/jetstream/postponed_work.h"

namespace onhook {

// Reads a stream in pages from any place, for whoever asks.
//
// Promises: the servers keep a reader for some that asked last, so whoever goes on where its page
// ended costs one request. A page is empty only if its stream has no message there. No more than
// kMostAtOnce pages are read at a time; others wait. Threads: any; `done` comes from the
// connection's threads, or from whoever ticks. Blocking: never. Errors: kUnavailable (the servers
// could not answer for as long as `patience`, too many wait, or closing), kInternal.
class StreamPages {
 public:
  using Done = std::function<void(absl::StatusOr<MessagePage>)>;
  struct Question {
    int64_t after = 0;           // from behind this one on
    int64_t through = 0;         // and not beyond this one, which is there already
    std::string filter_subject;  // wildcards allowed; empty: all
    int64_t max_messages = 256;
    size_t max_bytes = 1 << 20;  // one message may be larger
  };

  // All must outlive it, and the connection be closed before it goes.
  StreamPages(JetStreamApi* api, std::string stream, absl::Duration patience,
              PostponedWork* postponed, const Clock* clock);
  ~StreamPages();

  void Read(Question question, Done done);

  // Looks after what takes too long. To be called every 100 ms or so.
  void Tick();
  // Answers all that waits or is being read. Idempotent.
  void Close();

 private:
  struct Turn {
    Question question;
    Done done;
    absl::Duration until;                // then it has failed
    std::shared_ptr<PageReader> reader;  // while it reads
  };
  using TurnPtr = std::shared_ptr<Turn>;
  struct IdleReader {
    std::shared_ptr<PageReader> reader;
    int64_t position = 0;
    absl::Duration since;
  };

  // Hands a message to the reader that it is for.
  void Received(NatsMessage message);
  void Begin(const TurnPtr& turn);
  void Create(const TurnPtr& turn);
  void Fetch(const TurnPtr& turn);
  void Fetched(const TurnPtr& turn, absl::StatusOr<MessagePage> page);
  void AskLeader(const TurnPtr& turn);
  void Failed(const TurnPtr& turn, const absl::Status& status);
  void Finish(const TurnPtr& turn, absl::StatusOr<MessagePage> page);
  std::shared_ptr<PageReader> TakeIdle(const Question& question);
  void Keep(std::shared_ptr<PageReader> reader);

  JetStreamApi* const api_;
  const std::string stream_;
  const absl::Duration patience_;
  PostponedWork* const postponed_;
  const Clock* const clock_;
  const std::string inbox_;  // begins those of all readers

  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<TurnPtr> reading_ ABSL_GUARDED_BY(mutex_);
  std::deque<TurnPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<IdleReader> idle_ ABSL_GUARDED_BY(mutex_);  // the one used last is last
  int64_t readers_ ABSL_GUARDED_BY(mutex_) = 0;          // made so far
  // By the name of the consumer, which messages tell, and by the inbox, which all else comes to.
  absl::flat_hash_map<std::string, std::weak_ptr<PageReader>> by_name_ ABSL_GUARDED_BY(mutex_);

  // One for all readers, since each has a thread of its own. Null: the connection was closed.
  std::unique_ptr<NatsSubscription> subscription_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_PAGES_H_
