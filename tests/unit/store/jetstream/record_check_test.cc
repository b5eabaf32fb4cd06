#include "gateway/store/jetstream/record_check.h"

#include <cstdint>
#include <functional>
#include <string>

#include "gateway/store/embedded/subscription_rows.h"
#include "gmock/gmock.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;
using testing::StartsWith;
using Kind = SettlementRow::Kind;
using Entry = v1::TimelineEntry;

constexpr int64_t kNone = int64_t{1} << 62;  // the next one is no sequence

SubscriptionChanges RecordOf(const std::function<void(SubscriptionChange&)>& fill) {
  SubscriptionChanges changes;
  changes.add_changes()->mutable_used();
  fill(*changes.add_changes());
  return changes;
}

void Park(SubscriptionChange& change) {
  change.mutable_settled()->set_kind(static_cast<int>(Kind::kParked));
  SubscriptionChange::Parked& parked = *change.mutable_settled()->add_parked();
  parked.set_sequence(1);
  parked.set_dead_letter_id(1);
}

void Redrive(SubscriptionChange& change) {
  SubscriptionChange::DeadLettersChanged& letters = *change.mutable_dead_letters_changed();
  letters.set_kind(Entry::KIND_REDRIVEN);
  letters.add_sequences(5);
  letters.add_dead_letter_ids(7);
  letters.add_copies(9);
}

void Settle(SubscriptionChange& change, Kind kind, int64_t count) {
  change.mutable_settled()->set_kind(static_cast<int>(kind));
  change.mutable_settled()->mutable_sequences()->add_distances(1);
  change.mutable_settled()->mutable_sequences()->add_distances(count - 1);
}

TEST(RecordCheckTest, WhatAGatewayWritesIsTaken) {
  const std::function<void(SubscriptionChange&)> all[] = {
      [](SubscriptionChange& change) { change.mutable_created()->set_start(kNone); },
      [](SubscriptionChange& change) { change.set_paused(true); },
      [](SubscriptionChange& change) { change.mutable_deleted(); },
      [](SubscriptionChange& change) { change.mutable_sought(); },
      [](SubscriptionChange& change) { change.mutable_snapshot(); },
      [](SubscriptionChange& change) { change.mutable_failed()->set_sequence(1); },
      [](SubscriptionChange& change) { Settle(change, Kind::kAcked, int64_t{1} << 20); },
      [](SubscriptionChange& change) { Settle(change, Kind::kDropped, int64_t{1} << 40); },
      Park,
      Redrive,
      // Of a newer version.
      [](SubscriptionChange& change) {
        change.GetReflection()->MutableUnknownFields(&change)->AddVarint(99, 1);
      },
  };
  EXPECT_EQ(CheckRecord({}), absl::OkStatus());
  for (const auto& fill : all) {
    const SubscriptionChanges record = RecordOf(fill);
    EXPECT_EQ(CheckRecord(record), absl::OkStatus()) << record.ShortDebugString();
  }
}

TEST(RecordCheckTest, WhatNoGatewayCanHaveWrittenIsNamed) {
  const struct {
    const char* field;
    std::function<void(SubscriptionChange&)> fill;
  } all[] = {
      {"epoch_number: -1", [](auto& change) { change.set_epoch_number(-1); }},
      {"created.start", [](auto& change) { change.mutable_created()->set_start(-1); }},
      {"created.start", [](auto& change) { change.mutable_created()->set_start(kNone + 1); }},
      {"settled.kind: 7", [](auto& change) { change.mutable_settled()->set_kind(7); }},
      {"settled.kind: 0", [](auto& change) { change.mutable_settled()->set_kind(0); }},
      {"settled.sequences: too many",
       [](auto& change) { Settle(change, Kind::kAcked, (int64_t{1} << 20) + 1); }},
      {"settled.sequences: no runs",
       [](auto& change) {
         Settle(change, Kind::kAcked, 1);
         change.mutable_settled()->mutable_sequences()->add_distances(1);
       }},
      {"settled.parked: of another kind",
       [](auto& change) {
         Park(change);
         change.mutable_settled()->set_kind(static_cast<int>(Kind::kAcked));
       }},
      {"parked.dead_letter_id",
       [](auto& change) {
         Park(change);
         change.mutable_settled()->mutable_parked(0)->set_dead_letter_id(0);
       }},
      {"parked.sequence",
       [](auto& change) {
         Park(change);
         change.mutable_settled()->mutable_parked(0)->set_sequence(0);
       }},
      {"failed.sequence", [](auto& change) { change.mutable_failed(); }},
      {"sought.after", [](auto& change) { change.mutable_sought()->set_after(-1); }},
      {"sought.lost_behind",
       [](auto& change) { change.mutable_sought()->set_lost_behind(INT64_MAX); }},
      {"dead_letters_changed.copies: 0 of them",
       [](auto& change) {
         Redrive(change);
         change.mutable_dead_letters_changed()->clear_copies();
       }},
      {"dead_letters_changed.copies: 1 of them",
       [](auto& change) {
         Redrive(change);
         change.mutable_dead_letters_changed()->set_kind(Entry::KIND_DISCARDED);
       }},
      {"dead_letters_changed.kind: 2",
       [](auto& change) {
         Redrive(change);
         change.mutable_dead_letters_changed()->set_kind(Entry::KIND_ACKED);
       }},
      {"snapshot.floor", [](auto& change) { change.mutable_snapshot()->set_floor(-1); }},
      {"snapshot.letters: no columns",
       [](auto& change) { change.mutable_snapshot()->mutable_letters()->add_sequences(1); }},
      {"snapshot.settled: no runs",
       [](auto& change) { change.mutable_snapshot()->mutable_settled()->add_distances(1); }},
      {"letters_of_lost_events: 0",
       [](auto& change) { change.mutable_snapshot()->add_letters_of_lost_events(0); }},
      {"failed.sequence: 0", [](auto& change) { change.mutable_snapshot()->add_tried(); }},
  };
  for (const auto& each : all) {
    const absl::Status status = CheckRecord(RecordOf(each.fill));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << each.field;
    EXPECT_THAT(std::string(status.message()), StartsWith(each.field));
  }
}

}  // namespace
}  // namespace onhook
