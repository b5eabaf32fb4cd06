#include "gateway/delivery/watch_stream.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gateway/delivery/cursor.h"
#include "gateway/delivery/places.h"
#include "gateway/delivery/responses.h"
#include "gateway/delivery/watch_start.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

WatchStream::WatchStream(const StreamEnvironment* environment, grpc::CallbackServerContext* context,
                         std::unique_ptr<CallAuthorization> authorization,
                         const v1::WatchRequest& request, EventFilter filter)
    : DeliveryStream(environment, context, std::move(authorization)),
      filter_(std::move(filter)),
      stop_at_end_(request.stop_at_end()),
      event_log_(&environment->store->log()) {
  request_taken_ = true;
  if (!filter_.matches_all()) {
    set_wants([wanted = filter_](const v1::ReleaseEvent& event) { return wanted.Matches(event); });
  }
  if (!request.observe_only() && !stop_at_end_) set_receiver("watch");
}

void WatchStream::Start(const v1::WatchRequest& request) {
  auto self = std::static_pointer_cast<WatchStream>(shared_from_this());
  FindWatchStart(request, *environment().store,
                 [self](absl::StatusOr<Sequence> place) { self->Begin(std::move(place)); });
}

void WatchStream::Begin(absl::StatusOr<Sequence> place) {
  if (!place.ok()) return End(place.status());
  {
    absl::MutexLock lock(&mutex_);
    position_ = sent_ = *place;
    stop_at_ = std::max(*place, event_log_->last());
    control_.push_back(Heartbeat());
    opened_ = true;
  }
  Step();
}

bool WatchStream::Advance() { return SendPage() || StopAtEnd() || ReadNext(); }

bool WatchStream::SendPage() {
  std::vector<LogEventPtr> page;
  {
    absl::MutexLock lock(&mutex_);
    if (page_.empty() || writing_ || draining_ || !control_.empty()) return false;
    page.swap(page_);
  }
  const Sequence last = page.back()->sequence;
  page.erase(std::remove_if(page.begin(), page.end(),
                            [this](const LogEventPtr& event) { return !Wanted(*event); }),
             page.end());
  std::vector<Sequence> sequences;
  sequences.reserve(page.size());
  for (const LogEventPtr& event : page) sequences.push_back(event->sequence);
  {
    absl::MutexLock lock(&mutex_);
    position_ = last;
    if (!sequences.empty()) sent_ = sequences.back();
  }
  if (!page.empty()) {
    WriteEvents(EncodeWatchEvents(page, environment().store->store_id(), shows_numbers()),
                std::move(sequences));
  }
  return true;
}

bool WatchStream::StopAtEnd() {
  absl::MutexLock lock(&mutex_);
  if (!stop_at_end_ || !opened_ || writing_ || !page_.empty() || position_ < stop_at_) return false;
  // So that the client resumes behind what was left out at the end.
  if (sent_ < position_) control_.push_back(Heartbeat());
  end_ = absl::OkStatus();
  return true;
}

bool WatchStream::ReadNext() {
  Sequence after = 0;
  ReadLimits limits{options().max_batch_events, options().max_batch_bytes};
  bool at_tail = false;
  {
    absl::MutexLock lock(&mutex_);
    if (!opened_ || writing_ || reading_ || !page_.empty() || !control_.empty()) return false;
    after = position_;
    at_tail = event_log_->last() <= after;
    reading_ = !at_tail;
    if (stop_at_end_) {
      limits.max_events = std::min<size_t>(limits.max_events, stop_at_ - after);
    }
  }
  if (at_tail) {
    SetEligible(true);
    return false;
  }
  auto self = std::static_pointer_cast<WatchStream>(shared_from_this());
  event_log_->Read(after, limits,
                   [self](absl::StatusOr<LogPage> page) { self->TakePage(std::move(page)); });
  return true;
}

void WatchStream::TakePage(absl::StatusOr<LogPage> page) {
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    if (page.ok()) page_ = std::move(page->events);
  }
  if (absl::IsOutOfRange(page.status())) {
    // Retention has overtaken a client that reads too slowly.
    Sequence place = 0;
    {
      absl::MutexLock lock(&mutex_);
      place = position_;
    }
    const absl::Status kept = CheckKept(place, *environment().store);
    return End(kept.ok() ? page.status() : kept);
  }
  if (!page.ok()) return End(page.status());
  Step();
}

bool WatchStream::Wanted(const LogEvent& event) const {
  if (event.corrupt) {
    environment().log->Error("delivery", "a stored event is corrupt and was left out",
                             {{"sequence", event.sequence}, {"stream", id()}});
    return false;
  }
  if (filter_.matches_all()) return true;
  const FilteredFields* const fields = event.filtered_fields();
  return fields != nullptr && filter_.Matches(*fields);
}

grpc::ByteBuffer WatchStream::Heartbeat() const {
  return EncodeWatchHeartbeat(FormatCursor(environment().store->store_id(), position_),
                              options().heartbeat_interval);
}

grpc::ByteBuffer WatchStream::EncodeGoAway(const v1::GoAway& go_away) const {
  return EncodeWatchGoAway(go_away);
}

}  // namespace onhook
