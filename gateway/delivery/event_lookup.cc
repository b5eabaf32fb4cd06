#include "gateway/delivery/event_lookup.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "gateway/delivery/cursor.h"
#include "gateway/delivery/event_id.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/timeline_gathering.h"

namespace onhook {
namespace {

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kLargestPageSize = 1000;
// Of all subscriptions and events in one answer, which must fit a client's default of 4 MiB. A page
// may end early for it.
constexpr size_t kMostTimelinesInPage = 5000;

absl::Status ReadTime(bool is_set, const google::protobuf::Timestamp& time, absl::string_view field,
                      absl::Time& result) {
  if (!is_set) return absl::OkStatus();
  const absl::StatusOr<absl::Time> read = FromProto(time, field);
  if (read.ok()) result = *read;
  return read.status();
}

}  // namespace

void EventLookup::Get(const v1::GetEventRequest& request, v1::GetEventResponse* response,
                      Done done) const {
  absl::StatusOr<EventIdParts> parts = ParseEventId(request.event_id());
  if (!parts.ok()) return done(parts.status());
  EventQuery query;
  query.call_serial_no = std::move(parts->call_serial_no);
  query.digest = std::move(parts->digest);
  query.max_events = 1;
  store_->log().Find(std::move(query), [this, response, done = std::move(done)](
                                           absl::StatusOr<std::vector<LogEventPtr>> found) {
    if (!found.ok()) return done(found.status());
    if (found->empty()) return done(absl::NotFoundError("no event with this event_id is kept"));
    v1::StoredEvent* const stored = response->mutable_stored_event();
    if (absl::Status status = Fill(*found->front(), *stored); !status.ok()) return done(status);
    const Sequence sequence = found->front()->sequence;
    const auto gather = [this, sequence, stored,
                         done](absl::StatusOr<std::optional<std::string>> raw_body) {
      if (!raw_body.ok()) return done(raw_body.status());
      if (raw_body->has_value()) stored->set_raw_body(**std::move(raw_body));
      GatherTimelines(*store_, {{sequence, stored}}, done);
    };
    store_->log().FindRawBody(sequence, gather);
  });
}

void EventLookup::List(const v1::ListEventsRequest& request, v1::ListEventsResponse* response,
                       Done done) const {
  absl::StatusOr<EventQuery> query = QueryOf(request);
  if (!query.ok()) return done(query.status());
  const size_t page_size = query->max_events;
  const bool with_timelines = !query->call_serial_no.empty();
  ++query->max_events;  // one more shows whether there is another page
  query->max_bytes = kMaxPageBytes;
  store_->log().Find(
      *std::move(query), [this, response, page_size, with_timelines,
                          done = std::move(done)](absl::StatusOr<std::vector<LogEventPtr>> found) {
        if (!found.ok()) return done(found.status());
        size_t bytes = 0;
        size_t taken = 0;
        std::vector<Sequence> sequences;
        for (const LogEventPtr& event : *found) {
          if (taken == page_size || (taken > 0 && bytes + event->event.size() > kMaxPageBytes)) {
            response->set_next_page_token(
                FormatCursor(store_->store_id(), (*found)[taken - 1]->sequence));
            break;
          }
          ++taken;
          bytes += event->event.size();
          if (Fill(*event, *response->add_stored_events()).ok()) {
            sequences.push_back(event->sequence);
          } else {
            response->mutable_stored_events()->RemoveLast();
            response->set_corrupt_events(response->corrupt_events() + 1);
          }
        }
        if (!with_timelines) return done(absl::OkStatus());
        std::vector<TimelineWish> wishes;
        for (size_t i = 0; i < sequences.size(); ++i) {
          wishes.push_back({sequences[i], response->mutable_stored_events(static_cast<int>(i))});
        }
        GatherTimelines(*store_, std::move(wishes), done);
      });
}

absl::StatusOr<EventQuery> EventLookup::QueryOf(const v1::ListEventsRequest& request) const {
  EventQuery query;
  query.call_serial_no = request.call_serial_no();
  query.source = request.source();
  absl::Status status = ReadTime(request.has_received_from(), request.received_from(),
                                 "received_from", query.received_from);
  if (!status.ok()) return status;
  status = ReadTime(request.has_received_before(), request.received_before(), "received_before",
                    query.received_before);
  if (!status.ok()) return status;
  if (query.call_serial_no.empty() && !request.has_received_from() &&
      !request.has_received_before()) {
    return InvalidField("call_serial_no", "is required unless a time is given");
  }
  if (request.page_size() < 0 || request.page_size() > kLargestPageSize) {
    return InvalidField("page_size", "must be 1 to 1000, or 0 for 100");
  }
  query.max_events =
      static_cast<size_t>(request.page_size() == 0 ? kDefaultPageSize : request.page_size());
  if (!query.call_serial_no.empty()) {
    const size_t subscriptions = std::max<size_t>(store_->ListSubscriptions().size(), 1);
    query.max_events = std::min(query.max_events, 1 + kMostTimelinesInPage / subscriptions);
  }
  if (!request.page_token().empty()) {
    const absl::StatusOr<Sequence> after = ParseCursor(request.page_token(), store_->store_id());
    if (absl::IsInvalidArgument(after.status())) {
      return InvalidField("page_token", "is not one that this service gave");
    }
    if (!after.ok()) return WithReason(after.status(), kReasonForeignCursor);
    query.after = *after;
  }
  return query;
}

absl::Status EventLookup::Fill(const LogEvent& event, v1::StoredEvent& stored) const {
  if (event.corrupt || !stored.mutable_event()->ParseFromString(event.event)) {
    return absl::DataLossError("the event is stored but its bytes do not fit their checksum");
  }
  stored.set_cursor(FormatCursor(store_->store_id(), event.sequence));
  *stored.mutable_stored_at() = ToProto(event.stored_at);
  return absl::OkStatus();
}

}  // namespace onhook
