#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_FOLLOWER_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/sequence_marks.h"

namespace onhook {

// Reads a stream in order, for ever: from a sequence on, then what comes.
//
// Promises: every message that is kept and fits the filter is handed on once, in order; what was
// purged or deleted before it came is passed over. A consumer that is lost, a gap, a heartbeat that
// does not come (2 s), a connection that broke: it begins anew behind the last message it handed
// on, after 100 ms at first and 2 s at most. Threads: one call at a time, on the connection's
// threads. Blocking: only the destructor, for a call under way.
class StreamFollower {
 public:
  struct Options {
    std::string stream;
    std::string filter_subject;  // wildcards allowed; empty: all
    int64_t after = 0;           // begins behind this one
  };
  struct Callbacks {
    std::function<void(StreamMessage)> message;
    // All is handed on that the stream's leader had at some moment since this began (anew); again
    // after each time it began anew. May be null.
    std::function<void()> caught_up;
    // The stream is not the one any more that it was: it has lost its end, and may have got another
    // since, or is a new one. What was handed on behind `last` counts no more; what is there now
    // is handed on next. `lost`: one of those, if any is remembered; a leader that has only just
    // been chosen may have it a moment later. May be null; but it is done all the same.
    std::function<void(int64_t last, const SequenceMarks::Mark& lost)> went_back;
  };
  // All must outlive it. Nothing is called before Start.
  StreamFollower(JetStreamApi* api, Options options, Callbacks callbacks, const Clock* clock,
                 const Log* log);
  ~StreamFollower();

  void Start();
  // Looks whether a heartbeat is missing. To be called every 100 ms or so.
  void Tick();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_STREAM_FOLLOWER_H_
