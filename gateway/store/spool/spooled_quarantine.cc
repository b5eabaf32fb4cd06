#include "gateway/store/spool/spooled_quarantine.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"

namespace onhook {
namespace {

constexpr absl::Duration kToldInterval = absl::Seconds(30);

// Waits for the one call of the callback that `start` is given.
template <typename Result>
absl::StatusOr<Result> Awaited(
    const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& start) {
  absl::StatusOr<Result> answer;
  SteadyNotification given;
  start([&](absl::StatusOr<Result> result) {
    answer = std::move(result);
    given.Notify();
  });
  given.Wait();
  return answer;
}

}  // namespace

SpooledQuarantine::SpooledQuarantine(Parts parts)
    : parts_(parts), refusals_(parts.clock, kToldInterval) {}

// --------------------------------------------------------------------------------------- keeping

void SpooledQuarantine::Keep(NewRejectedCallback callback, Done<int64_t> done) {
  Store* const main = parts_.main->Get();
  if (main == nullptr || parts_.circuit->open()) {
    return KeepInSpool(std::move(callback), std::move(done));
  }
  struct Handed {
    NewRejectedCallback callback;
    Done<int64_t> done;
  };
  auto handed = std::make_shared<Handed>(Handed{callback, std::move(done)});
  const std::shared_ptr<Patience::Wait> wait =
      parts_.patience->Begin([this, handed] { KeepInSpool(handed->callback, handed->done); });
  main->quarantine().Keep(
      std::move(callback), [this, handed, wait](const absl::StatusOr<int64_t>& kept) {
        if (!wait->Take()) return;  // too late: the spool has it
        if (!absl::IsUnavailable(kept.status()) && !absl::IsResourceExhausted(kept.status())) {
          return handed->done(kept);
        }
        parts_.patience->Run([this, handed] { KeepInSpool(handed->callback, handed->done); });
      });
}

void SpooledQuarantine::KeepInSpool(NewRejectedCallback callback, Done<int64_t> done) {
  const auto bytes = static_cast<int64_t>(callback.raw_body.size());
  const int64_t most = largest_body();
  if (most > 0 && bytes > most) {
    return done(absl::OutOfRangeError(absl::StrCat("the rejected callback takes ", bytes,
                                                   " bytes, and the main store takes ", most)));
  }
  parts_.spool->quarantine().Keep(
      std::move(callback), [this, done = std::move(done)](const absl::StatusOr<int64_t>& kept) {
        if (!kept.ok()) return done(kept);
        spool_holds_some_ = true;
        done(0);
      });
}

// ---------------------------------------------------------------------------------------- moving

void SpooledQuarantine::MoveAll(const std::function<bool()>& goes_on) {
  if (parts_.main->Get() == nullptr || parts_.circuit->open()) return;
  // What comes meanwhile says so again.
  if (!spool_holds_some_.exchange(false)) return;
  RejectedCallbackQuery query;
  query.after = std::exchange(resumes_after_, 0);
  const bool is_from_beginning = query.after == 0;
  while (true) {
    const absl::StatusOr<std::vector<RejectedCallback>> page =
        Awaited<std::vector<RejectedCallback>>(
            [&](auto done) { parts_.spool->quarantine().List(query, std::move(done)); });
    if (!page.ok()) return GoOnLater(query.after);
    if (page->empty()) {
      if (!is_from_beginning) GoOnLater(0);
      return;
    }
    for (const RejectedCallback& rejected : *page) {
      if (!goes_on()) return GoOnLater(query.after);
      const absl::Status moved = MoveOne(rejected.id);
      if (absl::IsUnavailable(moved)) return GoOnLater(query.after);
      query.after = rejected.id;
      if (moved.ok()) continue;
      if (const int64_t callbacks = refusals_.Occurred(); callbacks > 0) {
        parts_.log->Error("store",
                          "rejected callbacks of the spool cannot be moved, and stay there",
                          {{"callbacks", callbacks},
                           {"source", rejected.callback.source},
                           {"bytes", rejected.body_bytes},
                           {"error", moved}});
      }
      if (!absl::IsOutOfRange(moved)) return GoOnLater(query.after);
    }
  }
}

void SpooledQuarantine::GoOnLater(int64_t after) {
  resumes_after_ = after;
  spool_holds_some_ = true;
}

absl::Status SpooledQuarantine::MoveOne(int64_t id) {
  absl::StatusOr<RejectedCallback> whole = Awaited<RejectedCallback>(
      [&](auto done) { parts_.spool->quarantine().Get(id, std::move(done)); });
  // Removed by its limits meanwhile; or damaged: it stays where it is, until its time is over.
  if (absl::IsNotFound(whole.status()) || absl::IsDataLoss(whole.status())) return absl::OkStatus();
  if (!whole.ok()) return whole.status();
  const absl::StatusOr<int64_t> kept = Awaited<int64_t>([&](auto done) {
    parts_.main->Get()->quarantine().Keep(std::move(whole->callback), std::move(done));
  });
  if (!kept.ok()) return kept.status();
  return Awaited<std::vector<int64_t>>(
             [&](auto done) { parts_.spool->quarantine().Discard({id}, std::move(done)); })
      .status();
}

// ------------------------------------------------------------------------ of the main store's

void SpooledQuarantine::List(RejectedCallbackQuery query,
                             Done<std::vector<RejectedCallback>> done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->quarantine().List(std::move(query), std::move(done));
}

void SpooledQuarantine::Get(int64_t id, Done<RejectedCallback> done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->quarantine().Get(id, std::move(done));
}

void SpooledQuarantine::Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->quarantine().Discard(std::move(ids), std::move(done));
}

void SpooledQuarantine::Measure(Done<QuarantineSize> done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->quarantine().Measure(std::move(done));
}

int64_t SpooledQuarantine::largest_body() const {
  Store* const main = parts_.main->Get();
  return main == nullptr ? 0 : main->quarantine().largest_body();
}

int64_t SpooledQuarantine::removed_by_limit() const {
  Store* const main = parts_.main->Get();
  return parts_.spool->quarantine().removed_by_limit() +
         (main == nullptr ? 0 : main->quarantine().removed_by_limit());
}

int64_t SpooledQuarantine::removed_by_age() const {
  Store* const main = parts_.main->Get();
  return parts_.spool->quarantine().removed_by_age() +
         (main == nullptr ? 0 : main->quarantine().removed_by_age());
}

}  // namespace onhook
