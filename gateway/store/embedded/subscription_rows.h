#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_SUBSCRIPTION_ROWS_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_SUBSCRIPTION_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/store/sequence.h"
#include "gateway/store/subscription_state.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// The rows that a storage keeps of a subscription. Numbers of enumerations lie in files: they are
// never given another meaning.

// A subscription as it lies in storage.
struct SubscriptionRecord {
  enum class Origin {
    kCreated = 0,       // by a call
    kDeclared = 1,      // stands in the settings
    kOnceDeclared = 2,  // stood in the settings
  };
  int64_t id = 0;  // chosen by the storage
  std::string name;
  v1::SubscriptionSpec spec;
  Origin origin = Origin::kCreated;
  bool paused = false;
  absl::Time created_at;
  absl::Time last_used_at;        // a consumer was attached, about
  uint64_t epoch = 0;             // see delivery_id.h
  int64_t epoch_number = 0;       // seeks before it
  Sequence start = 0;             // it never owed what lies up to here
  Sequence floor = 0;             // everything up to here is settled
  Sequence replayed_through = 0;  // up to here events were handed out before a seek
  int64_t dropped_by_limit = 0;   // events, ever

  // --- gathered from other rows when the storage is opened
  SequenceSet settled;               // above the floor
  std::map<Sequence, Trials> tried;  // unsettled events that failed
  SequenceSet dead_letters;          // events that have one that is not redriven
  SequenceSet redriven;              // events whose dead letter is owed again
};

// What changes of a subscription while it is used, without anybody's call.
struct SubscriptionProgress {
  int64_t subscription_id = 0;
  int64_t epoch_number = 0;
  Sequence floor = 0;
  absl::Time last_used_at;
  int64_t dropped_by_limit = 0;
};

// A run of events that one consumer settled in one commit, or that were settled for one reason.
struct SettlementRow {
  enum class Kind {
    kAcked = 1,
    kSkipped = 2,
    kParked = 3,
    kFiltered = 4,    // the filter excludes it
    kDropped = 5,     // by the backlog limit
    kPassedOver = 6,  // by a seek
  };
  int64_t subscription_id = 0;
  int64_t epoch_number = 0;
  SequenceRange range;
  Kind kind = Kind::kAcked;
  std::string consumer_name;
  absl::Time settled_at;
};

// Something that happened to one event.
struct HistoryRow {
  int64_t subscription_id = 0;
  int64_t epoch_number = 0;
  Sequence sequence = 0;
  v1::TimelineEntry::Kind kind = v1::TimelineEntry::KIND_UNSPECIFIED;
  absl::Time at;
  std::string consumer_name;
  int32_t attempt = 0;
  std::string reason;
  Trials trials;  // as they are afterwards
};

struct DeadLetterRow {
  int64_t subscription_id = 0;
  Sequence sequence = 0;
  v1::DeadLetter::Reason reason = v1::DeadLetter::REASON_UNSPECIFIED;
  std::string detail;
  int32_t attempts = 0;
  absl::Time parked_at;
  std::string consumer_name;
};

// One that a limit removes.
struct DeadLetterName {
  int64_t subscription_id = 0;
  Sequence sequence = 0;
  bool by_age = false;  // not by the size of all
};

// What is kept of one event in one subscription.
struct EventRows {
  std::vector<SettlementRow> settlements;  // by epoch
  std::vector<HistoryRow> history;         // in the order they were inserted
};

// Whether rows of this kind say that the event was received and dealt with.
inline bool IsProcessed(SettlementRow::Kind kind) {
  return kind == SettlementRow::Kind::kAcked || kind == SettlementRow::Kind::kSkipped ||
         kind == SettlementRow::Kind::kParked;
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_SUBSCRIPTION_ROWS_H_
