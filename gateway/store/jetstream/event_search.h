#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_SEARCH_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_SEARCH_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/message_lookup.h"
#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/jetstream/stream_pages.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// Looks events up in their stream: those of a call by its subject, one after the other; those of a
// time by going through the part of the stream where they can be, page by page.
//
// Threads: any; `done` comes from the connection's threads, or from whoever ticks. Blocking: never.
// Errors of all: kUnavailable, kInternal.
class EventSearch {
 public:
  // Both ends included.
  using Range = SequenceRange;

  // All must outlive it, and the connection be closed before it goes.
  EventSearch(const Subjects& subjects, MessageLookup* lookup, StreamPages* pages)
      : subjects_(subjects), lookup_(lookup), pages_(pages) {}

  // As EventLog::Find, within that part of the log.
  void Find(EventQuery query, Range range, EventLog::FindDone done);

  // As EventLog::FindPlace: the last event of that part received before `time`, or the place before
  // it.
  void FindPlace(absl::Time time, Range range, std::function<void(absl::StatusOr<Sequence>)> done);

  // The first event of that identity that the log keeps; 0: there is none.
  void FindIdentity(const std::string& source, const std::string& call_serial_no,
                    const std::string& digest, std::function<void(absl::StatusOr<Sequence>)> done);

 private:
  struct Search {
    EventQuery query;  // what is left of it
    Range range;       // likewise
    std::vector<LogEventPtr> found;
    EventLog::FindDone done;

    // Takes a message, if it is one of those that are looked for. False: that was the last one.
    bool Take(const StreamMessage& message);
  };
  using SearchPtr = std::shared_ptr<Search>;

  void FindOfCall(const SearchPtr& search);
  void FindOnSubject(const SearchPtr& search, const std::string& subject);
  void NarrowEnd(const SearchPtr& search);
  void NarrowBeginning(const SearchPtr& search);
  void FindInPages(const SearchPtr& search);

  const Subjects subjects_;
  MessageLookup* const lookup_;
  StreamPages* const pages_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_SEARCH_H_
