#include "gateway/store/embedded/timeline.h"

#include <algorithm>
#include <string>

#include "google/protobuf/util/time_util.h"

namespace onhook {
namespace {

using Timeline = v1::SubscriptionTimeline;
using Entry = v1::TimelineEntry;
using google::protobuf::util::TimeUtil;

Timeline::State StateOf(SettlementRow::Kind kind) {
  switch (kind) {
    case SettlementRow::Kind::kAcked:
      return Timeline::STATE_ACKED;
    case SettlementRow::Kind::kSkipped:
    case SettlementRow::Kind::kPassedOver:
      return Timeline::STATE_SKIPPED;
    case SettlementRow::Kind::kParked:
      return Timeline::STATE_PARKED;
    case SettlementRow::Kind::kFiltered:
      return Timeline::STATE_FILTERED;
    case SettlementRow::Kind::kDropped:
      return Timeline::STATE_DROPPED_BY_LIMIT;
  }
  return Timeline::STATE_UNSPECIFIED;
}

}  // namespace

void AddTimelineEntry(Timeline& timeline, Entry::Kind kind, absl::Time at,
                      absl::string_view consumer_name, int32_t attempt, absl::string_view reason) {
  Entry* entry = timeline.add_entries();
  entry->set_kind(kind);
  *entry->mutable_time() = TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(at));
  entry->set_consumer_name(consumer_name.data(), consumer_name.size());
  entry->set_attempt(attempt);
  entry->set_reason(reason.data(), reason.size());
}

void AddRows(const EventRows& rows, Timeline& timeline) {
  for (const SettlementRow& row : rows.settlements) {
    // Skips and parkings stand in the history too, with their reasons.
    if (row.kind == SettlementRow::Kind::kAcked) {
      AddTimelineEntry(timeline, Entry::KIND_ACKED, row.settled_at, row.consumer_name, 0, "");
    } else if (row.kind == SettlementRow::Kind::kPassedOver) {
      AddTimelineEntry(timeline, Entry::KIND_SKIPPED, row.settled_at, "", 0,
                       "passed over by a seek");
    }
  }
  for (const HistoryRow& row : rows.history) {
    AddTimelineEntry(timeline, row.kind, row.at, row.consumer_name, row.attempt, row.reason);
  }
}

void SortEntries(Timeline& timeline) {
  std::stable_sort(timeline.mutable_entries()->pointer_begin(),
                   timeline.mutable_entries()->pointer_end(), [](const Entry* a, const Entry* b) {
                     return TimeUtil::TimestampToMicroseconds(a->time()) <
                            TimeUtil::TimestampToMicroseconds(b->time());
                   });
}

Timeline::State SettledState(const EventRows& rows) {
  Timeline::State state = rows.settlements.empty() ? Timeline::STATE_UNSPECIFIED
                                                   : StateOf(rows.settlements.back().kind);
  // What was redriven is settled by its history.
  bool redriven = false;
  for (const HistoryRow& row : rows.history) {
    redriven = redriven || row.kind == Entry::KIND_REDRIVEN;
    if (row.kind == Entry::KIND_PARKED) state = Timeline::STATE_PARKED;
    if (row.kind == Entry::KIND_SKIPPED && redriven) state = Timeline::STATE_SKIPPED;
    if (row.kind == Entry::KIND_ACKED) state = Timeline::STATE_ACKED;
    if (row.kind == Entry::KIND_DISCARDED) state = Timeline::STATE_DISCARDED;
  }
  return state;
}

}  // namespace onhook
