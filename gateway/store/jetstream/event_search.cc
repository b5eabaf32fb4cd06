#include "gateway/store/jetstream/event_search.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/store/jetstream/event_message.h"

namespace onhook {
namespace {

// Events are stored about in the order of their receipt: a request takes seconds at most, one that
// waited in a spool longer. A search by time goes this much further on either side.
constexpr absl::Duration kDisorder = absl::Minutes(1);
// What a search by time goes through at once.
constexpr int64_t kEventsInOnePage = 1000;
constexpr size_t kBytesOfOnePage = size_t{2} << 20;

bool Matches(const EventQuery& query, const jetstream::StoredEvent& stored) {
  const absl::Time received_at = absl::FromUnixMicros(stored.received_at_us());
  return (query.call_serial_no.empty() || query.call_serial_no == stored.call_serial_no()) &&
         (query.source.empty() || query.source == stored.source()) &&
         (query.digest.empty() || query.digest == stored.digest()) &&
         query.received_from <= received_at && received_at < query.received_before;
}

// What cannot be read counts as received when it was stored.
absl::Time ReceivedAt(const StreamMessage& message) {
  jetstream::StoredEvent stored;
  if (!stored.ParseFromString(message.data)) return message.stored_at;
  return absl::FromUnixMicros(stored.received_at_us());
}

}  // namespace

bool EventSearch::Search::Take(const StreamMessage& message) {
  jetstream::StoredEvent stored;
  if (!stored.ParseFromString(message.data) || !Matches(query, stored)) return true;
  const size_t bytes = stored.event().size();
  found.push_back(DecodeEvent(std::move(stored), message.sequence, message.stored_at));
  if (bytes > query.max_bytes || found.size() >= query.max_events) return false;
  query.max_bytes -= bytes;
  return true;
}

void EventSearch::Find(EventQuery query, Range range, EventLog::FindDone done) {
  auto search = std::make_shared<Search>();
  range.first = std::max(range.first, query.after + 1);
  search->query = std::move(query);
  search->range = range;
  search->done = std::move(done);
  if (search->query.max_events == 0) return search->done(std::move(search->found));
  if (!search->query.call_serial_no.empty()) return FindOfCall(search);
  NarrowEnd(search);
}

// The servers find the last event of a call at once, but that there is none behind it only by going
// through all that came since: so that is never asked.
void EventSearch::FindOfCall(const SearchPtr& search) {
  if (search->range.first > search->range.last) return search->done(std::move(search->found));
  const EventQuery& query = search->query;
  const std::string subject = query.source.empty()
                                  ? subjects_.EventsOfCall(query.call_serial_no)
                                  : subjects_.Event(query.source, query.call_serial_no);
  lookup_->Last(subject, [this, search, subject](const absl::StatusOr<StreamMessage>& newest) {
    if (absl::IsNotFound(newest.status())) return search->done(std::move(search->found));
    if (!newest.ok()) return search->done(newest.status());
    search->range.last = std::min(search->range.last, newest->sequence);
    FindOnSubject(search, subject);
  });
}

void EventSearch::FindOnSubject(const SearchPtr& search, const std::string& subject) {
  if (search->range.first > search->range.last) return search->done(std::move(search->found));
  lookup_->Next(search->range.first, subject,
                [this, search, subject](absl::StatusOr<StreamMessage> next) {
                  if (!next.ok() && !absl::IsNotFound(next.status()))
                    return search->done(next.status());
                  if (!next.ok() || next->sequence > search->range.last || !search->Take(*next)) {
                    return search->done(std::move(search->found));
                  }
                  search->range.first = next->sequence + 1;
                  FindOnSubject(search, subject);
                });
}

void EventSearch::NarrowEnd(const SearchPtr& search) {
  if (search->query.received_before == absl::InfiniteFuture()) return NarrowBeginning(search);
  FindPlace(search->query.received_before + kDisorder, search->range,
            [this, search](absl::StatusOr<Sequence> place) {
              if (!place.ok()) return search->done(place.status());
              search->range.last = *place;
              NarrowBeginning(search);
            });
}

void EventSearch::NarrowBeginning(const SearchPtr& search) {
  if (search->query.received_from == absl::InfinitePast()) return FindInPages(search);
  FindPlace(search->query.received_from - kDisorder, search->range,
            [this, search](absl::StatusOr<Sequence> place) {
              if (!place.ok()) return search->done(place.status());
              search->range.first = std::max(search->range.first, *place + 1);
              FindInPages(search);
            });
}

void EventSearch::FindInPages(const SearchPtr& search) {
  const Range range = search->range;
  if (range.first > range.last) return search->done(std::move(search->found));
  StreamPages::Question question;
  question.after = range.first - 1;
  question.through = range.last;
  question.max_messages = kEventsInOnePage;
  question.max_bytes = kBytesOfOnePage;
  pages_->Read(question, [this, search](absl::StatusOr<MessagePage> page) {
    if (!page.ok()) return search->done(page.status());
    for (const StreamMessage& message : page->messages) {
      if (!search->Take(message)) return search->done(std::move(search->found));
    }
    if (page->messages.empty()) return search->done(std::move(search->found));
    search->range.first = page->messages.back().sequence + 1;
    FindInPages(search);
  });
}

void EventSearch::FindPlace(absl::Time time, Range range,
                            std::function<void(absl::StatusOr<Sequence>)> done) {
  if (range.first > range.last) return done(range.first - 1);
  // All before range.first are earlier than `time`, all behind range.last are not.
  const Sequence middle = range.first + (range.last - range.first) / 2;
  lookup_->Next(middle, subjects_.events(),
                [this, time, range, middle,
                 done = std::move(done)](absl::StatusOr<StreamMessage> message) mutable {
                  Range rest = range;
                  if (!message.ok() && !absl::IsNotFound(message.status())) {
                    return done(message.status());
                  }
                  const bool has_upper_half = message.ok() && message->sequence <= range.last;
                  if (has_upper_half && ReceivedAt(*message) < time) {
                    rest.first = message->sequence + 1;
                  } else {
                    rest.last = middle - 1;
                  }
                  FindPlace(time, rest, std::move(done));
                });
}

void EventSearch::FindIdentity(const std::string& source, const std::string& call_serial_no,
                               const std::string& digest,
                               std::function<void(absl::StatusOr<Sequence>)> done) {
  EventQuery query;
  query.source = source;
  query.call_serial_no = call_serial_no;
  query.digest = digest;
  query.max_events = 1;
  auto search = std::make_shared<Search>();
  search->query = std::move(query);
  search->range = {1, std::numeric_limits<Sequence>::max()};
  search->done = [done = std::move(done)](absl::StatusOr<std::vector<LogEventPtr>> found) {
    if (!found.ok()) return done(found.status());
    done(found->empty() ? 0 : found->front()->sequence);
  };
  FindOfCall(search);
}

}  // namespace onhook
