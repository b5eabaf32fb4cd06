#include "gateway/store/spool/spooled_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/store/spool/envelope.h"

namespace onhook {
namespace {

absl::Status IsAway() { return absl::UnavailableError("the main store is away"); }

absl::Status IsFull(int64_t max_events) {
  return absl::ResourceExhaustedError(absl::StrCat("the main store is away, and the spool holds ",
                                                   max_events, " events, which is its limit"));
}

bool IsOfSpool(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

// What stands in a message beside the event and its body.
constexpr int64_t kBesideBytes = 1024;

absl::Status TooLarge(int64_t bytes, int64_t most) {
  return absl::OutOfRangeError(
      absl::StrCat("the event takes ", bytes, " bytes, and the main store takes ", most));
}

AppendResult SpooledResult(bool duplicate) { return {0, duplicate, /*spooled=*/true}; }

}  // namespace

// ------------------------------------------------------------------------------------- appending

void SpooledLog::Append(NewEvent event, AppendDone done) {
  auto handed = std::make_shared<Handed>(Handed{std::move(event), std::move(done)});
  // Before anything is begun: what the main log does not know then, the spool does.
  const bool spool_holds_something = parts_.account->held() > 0;
  if (parts_.main->Get() == nullptr) return Spool(handed, parts_.main->Find().status());
  if (!parts_.circuit->Admits(clock_.Elapsed())) {
    return Spool(handed, IsAway());
  }
  if (handed->event.nonce.has_value() && spool_holds_something) {
    return AppendIfSpoolLets(std::move(handed));
  }
  AppendToMain(handed, spool_holds_something);
}

void SpooledLog::AppendIfSpoolLets(HandedPtr handed) {
  NewEvent question = ToQuestion(handed->event);
  parts_.spool->log().Append(std::move(question), [this, handed](
                                                      const absl::StatusOr<AppendResult>& known) {
    if (absl::IsPermissionDenied(known.status())) return handed->done(known);
    // The main log may wait for a disk, which the one that calls must not.
    parts_.patience->Run([this, handed] { AppendToMain(handed, /*spool_holds_something=*/true); });
  });
}

void SpooledLog::AppendToMain(const HandedPtr& handed, bool spool_holds_something) {
  const std::shared_ptr<Patience::Wait> wait = parts_.patience->Begin([this, handed] {
    Failed(handed, absl::UnavailableError("the main store does not answer in time"));
  });
  NewEvent copy = handed->event;
  parts_.main->Get()->log().Append(
      std::move(copy),
      [this, handed, wait, spool_holds_something](const absl::StatusOr<AppendResult>& result) {
        if (!wait->Take()) return;  // too late: the spool has it
        if (result.ok()) {
          parts_.circuit->Succeeded();
          handed->event = {};
          return handed->done(result);
        }
        const absl::Status& status = result.status();
        const bool may_be_in_spool = absl::IsNotFound(status) && spool_holds_something;
        if (!IsOfSpool(status) && !may_be_in_spool) return handed->done(status);
        // Not here: the spool may wait for the disk.
        parts_.patience->Run([this, handed, status] {
          if (absl::IsNotFound(status)) return LookInSpool(handed, status);
          Failed(handed, status);
        });
      });
}

void SpooledLog::Failed(const HandedPtr& handed, const absl::Status& why) {
  parts_.circuit->Failed(clock_.Elapsed());
  Spool(handed, why);
}

void SpooledLog::Spool(const HandedPtr& handed, const absl::Status& why_not_main) {
  if (handed->event.only_if_known) return LookInSpool(handed, IsAway());
  if (parts_.account->held() >= max_events_) return LookInSpool(handed, IsFull(max_events_));
  // What the main store would never take must not be promised.
  const NewEvent& event = handed->event;
  const auto bytes = static_cast<int64_t>(event.event.size() + event.raw_body.size() +
                                          event.call_serial_no.size() + event.source.size());
  const int64_t most = largest_event();
  if (most > 0 && bytes + kBesideBytes > most) {
    return LookInSpool(handed, TooLarge(bytes, most));
  }
  parts_.account->Begin();
  parts_.spool->log().Append(
      ToEnvelope(handed->event),
      [this, handed, why_not_main](const absl::StatusOr<AppendResult>& result) {
        if (result.ok() && !result->duplicate) {
          parts_.account->Spooled(why_not_main);
        } else {
          parts_.account->NotSpooled();
        }
        if (result.ok()) return handed->done(SpooledResult(result->duplicate));
        // By its nonce it may only be a repeat, and the spool knows no such event. The main log
        // may.
        handed->done(absl::IsNotFound(result.status()) ? IsAway() : result.status());
      });
}

void SpooledLog::LookInSpool(const HandedPtr& handed, const absl::Status& otherwise) {
  parts_.spool->log().Append(
      ToQuestion(handed->event), [handed, otherwise](const absl::StatusOr<AppendResult>& result) {
        if (result.ok()) return handed->done(SpooledResult(/*duplicate=*/true));
        handed->done(absl::IsNotFound(result.status()) ? otherwise : result.status());
      });
}

// ---------------------------------------------------------------------------- of the main log

void SpooledLog::Read(Sequence after, ReadLimits limits, ReadDone done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->log().Read(after, limits, std::move(done));
}

void SpooledLog::Find(EventQuery query, FindDone done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->log().Find(std::move(query), std::move(done));
}

void SpooledLog::FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->log().FindPlace(time, std::move(done));
}

void SpooledLog::FindRawBody(Sequence sequence, RawBodyDone done) {
  const auto main = parts_.main->Find();
  if (!main.ok()) return done(main.status());
  (*main)->log().FindRawBody(sequence, std::move(done));
}

Sequence SpooledLog::last() const {
  Store* const main = parts_.main->Get();
  return main == nullptr ? 0 : main->log().last();
}

int64_t SpooledLog::largest_event() const {
  Store* const main = parts_.main->Get();
  return main == nullptr ? 0 : main->log().largest_event();
}

Sequence SpooledLog::first() const {
  Store* const main = parts_.main->Get();
  return main == nullptr ? 1 : main->log().first();
}

void SpooledLog::AddTailListener(TailListener listener) {
  parts_.main->AddTailListener(std::move(listener));
}

void SpooledLog::RecordForwarded(const std::string& receiver, SequenceRange range) {
  if (Store* const main = parts_.main->Get()) main->log().RecordForwarded(receiver, range);
}

void SpooledLog::ListenToOthers(OtherGateways others) {
  parts_.main->ListenToOthers(std::move(others));
}

void SpooledLog::TellReceivers(const std::vector<std::string>& receivers) {
  if (Store* const main = parts_.main->Get()) main->log().TellReceivers(receivers);
}

const std::map<std::string, SequenceSet>& SpooledLog::ForwardedAtOpen() const {
  Store* const main = parts_.main->Get();
  return main == nullptr ? nothing_ : main->log().ForwardedAtOpen();
}

}  // namespace onhook
