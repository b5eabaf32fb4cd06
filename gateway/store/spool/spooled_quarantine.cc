#include "gateway/store/spool/spooled_quarantine.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/steady_condition.h"

namespace onhook {
namespace {

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
  while (true) {
    const absl::StatusOr<std::vector<RejectedCallback>> page =
        Awaited<std::vector<RejectedCallback>>(
            [&](auto done) { parts_.spool->quarantine().List(query, std::move(done)); });
    if (page.ok() && page->empty()) return;
    for (const RejectedCallback& rejected : page.value_or(std::vector<RejectedCallback>())) {
      query.after = rejected.id;
      if (!goes_on() || !MoveOne(rejected.id)) {
        spool_holds_some_ = true;
        return;
      }
    }
    if (!page.ok()) {
      spool_holds_some_ = true;
      return;
    }
  }
}

bool SpooledQuarantine::MoveOne(int64_t id) {
  absl::StatusOr<RejectedCallback> whole = Awaited<RejectedCallback>(
      [&](auto done) { parts_.spool->quarantine().Get(id, std::move(done)); });
  // Removed by its limits meanwhile; or damaged: it stays where it is, until its time is over.
  if (absl::IsNotFound(whole.status()) || absl::IsDataLoss(whole.status())) return true;
  if (!whole.ok()) return false;
  const absl::StatusOr<int64_t> kept = Awaited<int64_t>([&](auto done) {
    parts_.main->Get()->quarantine().Keep(std::move(whole->callback), std::move(done));
  });
  if (absl::IsUnavailable(kept.status())) return false;
  // What the main store does not take stays here, until its time is over, and holds up no other.
  if (!kept.ok()) {
    spool_holds_some_ = true;
    return true;
  }
  return Awaited<std::vector<int64_t>>(
             [&](auto done) { parts_.spool->quarantine().Discard({id}, std::move(done)); })
      .ok();
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
