#include "gateway/delivery/resume_advice.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {
namespace {

using TimeDone = std::function<void(absl::StatusOr<absl::Time>)>;

// What is looked back further, at each try, for events that were not stored in the order of their
// receipt.
constexpr absl::Duration kFirstStepBack = absl::Seconds(1);
constexpr int kMostStepsBack = 24;

struct Place {
  StoreAncestor ancestor;
  Sequence sequence = 0;
};

// Where the cursor stands in an ancestor's log; nothing if it is of none.
std::optional<Place> PlaceInAncestor(const std::string& cursor, const Store& store) {
  for (StoreAncestor& ancestor : store.ancestors()) {
    const absl::StatusOr<Sequence> sequence = ParseCursor(cursor, ancestor.store_id);
    if (sequence.ok()) return Place{std::move(ancestor), *sequence};
  }
  return std::nullopt;
}

// Finds a time from which reading begins behind `place` at the latest: `time`, or one before it.
void StepBack(absl::Time time, Sequence place, int steps, Store& store, TimeDone done) {
  auto take = [time, place, steps, &store, done = std::move(done)](absl::StatusOr<Sequence> found) {
    if (!found.ok()) return done(found.status());
    if (*found <= place) return done(time);
    if (steps == kMostStepsBack) return done(absl::UnixEpoch());
    StepBack(time - kFirstStepBack * (int64_t{1} << steps), place, steps + 1, store, done);
  };
  store.log().FindPlace(time, std::move(take));
}

void FindResumeTime(const Place& place, Store& store, TimeDone done) {
  if (place.sequence > place.ancestor.newest) return done(place.ancestor.taken_at);
  const Sequence before = std::max(place.sequence - 1, store.log().first() - 1);
  ReadLimits two;
  two.max_events = 2;
  auto take = [at = place.sequence, taken_at = place.ancestor.taken_at, &store,
               done = std::move(done)](absl::StatusOr<LogPage> page) {
    if (!page.ok()) return done(page.status());
    absl::Time time = taken_at;
    for (const LogEventPtr& event : page->events) time = std::min(time, event->received_at);
    StepBack(time, std::max(at, store.log().first() - 1), 0, store, done);
  };
  store.log().Read(before, two, std::move(take));
}

absl::Status Advised(const Place& place, absl::Time time) {
  // To the microsecond, as the store has it, and no later.
  const std::string text = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("the cursor is from before a backup was restored "
                                                 "here, or a loss accepted; start from the "
                                                 "time ",
                                                 text, " instead")),
      kReasonForeignCursor,
      {{"resume_from", text},
       {"taken_over_until",
        absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", place.ancestor.taken_at, absl::UTCTimeZone())}});
}

}  // namespace

void AdviseResuming(const absl::Status& refused, const std::string& cursor, Store& store,
                    std::function<void(absl::Status)> done) {
  const std::optional<Place> place =
      absl::IsFailedPrecondition(refused) ? PlaceInAncestor(cursor, store) : std::nullopt;
  if (!place.has_value()) return done(refused);
  FindResumeTime(
      *place, store,
      [place = *place, refused, done = std::move(done)](absl::StatusOr<absl::Time> time) {
        done(time.ok() ? Advised(place, *time) : refused);
      });
}

}  // namespace onhook
