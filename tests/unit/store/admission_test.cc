// What nonces admit, on every storage, while somebody turns the clock.
#include "gateway/store/embedded/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/store/memory/memory_storage.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kMemory = absl::Hours(48);
constexpr absl::Duration kReplayWindow = absl::Minutes(15);
constexpr absl::Duration kDeduplicationWindow = absl::Hours(24);
constexpr absl::Duration kYear = absl::Hours(365 * 24);
constexpr int64_t kMostRows = 20;

// A storage of either kind with a clock, and what ingress and housekeeping do with them.
class Storages {
 public:
  explicit Storages(const std::string& kind) : kind_(kind) { Open(); }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);

  void Open() {
    if (storage_ != nullptr) {
      EXPECT_TRUE(storage_->Commit().ok());
      EXPECT_TRUE(storage_->Close().ok());
      storage_.reset();
    }
    if (kind_ == "Memory") {
      storage_ = std::make_unique<MemoryStorage>(rows_);
    } else {
      storage_ = *SqliteStorage::Open(absl::StrCat(directory_.path(), "/store"));
    }
    const RecoveredState state = storage_->Recover().value();
    first_ = state.first;
    newest_ = {state.last, state.last_offset};
    EXPECT_TRUE(storage_->Begin().ok());
  }
  void Commit() {
    ASSERT_TRUE(storage_->Commit().ok());
    ASSERT_TRUE(storage_->Begin().ok());
  }

  // As the source is set: what is outside its replay window is to be a repeat.
  Admission AdmitNow(NewEvent event) {
    const absl::Time timestamp = absl::FromUnixMillis(event.nonce->timestamp_ms);
    const bool is_stale = absl::AbsDuration(now - timestamp) > kReplayWindow;
    event.only_if_known = is_stale && event.nonce->refuse_forgotten;
    event.received_at = now;
    const LogPlace place{newest_.sequence + 1, newest_.end_offset + 1};
    const absl::StatusOr<Admission> admission = Admit(event, place, now, kMemory, *storage_);
    EXPECT_TRUE(admission.ok()) << admission.status();
    if (admission->refusal.ok() && !admission->result.duplicate) newest_ = place;
    return *admission;
  }
  absl::StatusCode CodeNow(const NewEvent& event) { return AdmitNow(event).refusal.code(); }

  // All that is due.
  void Sweep() {
    Commit();
    while (storage_->nonces().Forget(now, kMostRows).value() == kMostRows) Commit();
    EXPECT_TRUE(storage_->ForgetIdentities(now - kDeduplicationWindow, 1'000'000).ok());
    Commit();
  }
  // Leaves the newest event only.
  void Cut() {
    Commit();
    if (newest_.sequence <= first_) return;
    first_ = newest_.sequence;
    ASSERT_TRUE(storage_->RemoveEvents(newest_.sequence - 1, now).ok());
    Commit();
  }

 private:
  const std::string kind_;
  FaultyDisk disk_;  // for its syncs, which take no time
  TemporaryDirectory directory_;
  std::shared_ptr<MemoryDisk> rows_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Storage> storage_;
  Sequence first_ = 1;
  LogPlace newest_{0, 0};
};

NewEvent Signed(int number, absl::Time timestamp, const std::string& content = "genuine") {
  NewEvent event;
  event.call_serial_no = absl::StrCat("call-", number);
  event.source = number % 2 == 0 ? "sales" : "default";
  event.digest = absl::StrCat(number, " ", content);
  event.event = "e";
  event.nonce = NewEvent::Nonce{absl::StrCat(number), absl::ToUnixMillis(timestamp), true};
  return event;
}

// ---------------------------------------------------------------------------- one step at a time

class AdmissionTest : public ::testing::TestWithParam<const char*> {
 protected:
  // The clock goes ahead, everything old is forgotten, and it comes back.
  void LeapAheadAndBack(absl::Duration leap) {
    storages_.now += leap;
    storages_.Sweep();
    storages_.Cut();
    storages_.now += kDeduplicationWindow * 2;
    storages_.Sweep();
    storages_.now -= leap + kDeduplicationWindow * 2;
  }
  void AdmitAnother(int number) {
    EXPECT_EQ(storages_.CodeNow(Signed(number, storages_.now)), absl::StatusCode::kOk);
  }

  Storages storages_{GetParam()};
};

TEST_P(AdmissionTest, WhatWasForgottenByAClockThatLeaptIsNoNewsAfterwards) {
  const NewEvent event = Signed(1, storages_.now);
  EXPECT_FALSE(storages_.AdmitNow(event).result.duplicate);
  AdmitAnother(3);
  LeapAheadAndBack(kYear);
  storages_.Open();
  EXPECT_EQ(storages_.CodeNow(event), absl::StatusCode::kNotFound);
  EXPECT_EQ(storages_.CodeNow(Signed(1, storages_.now, "altered")), absl::StatusCode::kNotFound);
  storages_.now += absl::Seconds(1);
  AdmitAnother(5);
}

TEST_P(AdmissionTest, TheHorizonOfOneSourceStopsNoOther) {
  AdmitAnother(1);
  AdmitAnother(3);
  LeapAheadAndBack(kYear);
  EXPECT_EQ(storages_.CodeNow(Signed(5, storages_.now)), absl::StatusCode::kNotFound);
  AdmitAnother(6);
}

TEST_P(AdmissionTest, ANonceThatIsKeptStoresNothingAgainThoughItsEventIsForgotten) {
  const NewEvent event = Signed(1, storages_.now);
  EXPECT_EQ(storages_.CodeNow(event), absl::StatusCode::kOk);
  AdmitAnother(3);
  storages_.Cut();
  storages_.now += kDeduplicationWindow + absl::Hours(1);
  storages_.Sweep();
  storages_.now -= kDeduplicationWindow + absl::Hours(1);
  EXPECT_EQ(storages_.CodeNow(event), absl::StatusCode::kNotFound);
  EXPECT_EQ(storages_.CodeNow(Signed(1, storages_.now, "altered")),
            absl::StatusCode::kPermissionDenied);
}

TEST_P(AdmissionTest, WhereNoReplayWindowIsKeptATimeFarAheadHoldsUpNothing) {
  NewEvent in_another_unit = Signed(1, absl::FromUnixMillis(absl::ToUnixMicros(storages_.now)));
  in_another_unit.nonce->refuse_forgotten = false;
  EXPECT_EQ(storages_.CodeNow(in_another_unit), absl::StatusCode::kOk);
  in_another_unit.digest = "altered";
  EXPECT_EQ(storages_.CodeNow(in_another_unit), absl::StatusCode::kPermissionDenied);
  storages_.now += absl::Hours(33 * 24);
  storages_.Sweep();
  EXPECT_EQ(storages_.CodeNow(in_another_unit), absl::StatusCode::kOk) << "it is forgotten";
  AdmitAnother(3);
}

TEST_P(AdmissionTest, ANonceIsForgottenOnlyAfterItsOwnTime) {
  const absl::Time sent = storages_.now + kYear;  // it is ours that is behind
  NewEvent repeat = Signed(1, storages_.now);
  EXPECT_EQ(storages_.CodeNow(repeat), absl::StatusCode::kOk);
  repeat.nonce = NewEvent::Nonce{"another", absl::ToUnixMillis(sent), true};
  EXPECT_TRUE(storages_.AdmitNow(repeat).result.duplicate);
  storages_.now = sent;
  storages_.Sweep();
  repeat.digest = "altered";
  EXPECT_EQ(storages_.CodeNow(repeat), absl::StatusCode::kPermissionDenied);
}

TEST_P(AdmissionTest, TimesAtTheEndsOfTheirRangeAreTimes) {
  for (const int64_t timestamp_ms : {INT64_MIN, INT64_MAX}) {
    for (const bool refuse_forgotten : {false, true}) {
      NewEvent event = Signed(1, storages_.now, absl::StrCat(timestamp_ms, refuse_forgotten));
      event.nonce =
          NewEvent::Nonce{absl::StrCat("n", refuse_forgotten), timestamp_ms, refuse_forgotten};
      EXPECT_EQ(storages_.CodeNow(event),
                refuse_forgotten ? absl::StatusCode::kNotFound : absl::StatusCode::kOk);
      storages_.Sweep();
    }
  }
  AdmitAnother(3);
}

INSTANTIATE_TEST_SUITE_P(Storages, AdmissionTest, ::testing::Values("Memory", "Sqlite"),
                         [](const auto& info) { return info.param; });

// ------------------------------------------------------------------------------- any step at all

// A sender with a good clock, somebody who sends again, altered or not, what he has seen of it, and
// a gateway whose clock is turned by minutes and by years.
class AdmissionWalkTest : public ::testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  AdmissionWalkTest() : storages_(std::get<0>(GetParam())), random_(std::get<1>(GetParam())) {}

  int64_t Random(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }
  void LetPass(absl::Duration time) {
    true_now_ += time;
    storages_.now += time;
  }
  void TurnClock() {
    constexpr absl::Duration kTurns[] = {absl::Minutes(10), absl::Hours(30), absl::Hours(50),
                                         kYear};
    const absl::Duration turn = kTurns[Random(4)] * (Random(2) == 0 ? 1 : -1);
    // Somebody puts it right again sooner or later.
    storages_.now = Random(2) == 0 ? true_now_ : storages_.now + turn;
  }
  void Send(const NewEvent& event) {
    const Admission admission = storages_.AdmitNow(event);
    if (!admission.refusal.ok() || admission.result.duplicate) return;
    ++stored_;
    ASSERT_TRUE(stored_nonces_.insert({event.source, event.nonce->nonce}).second)
        << event.digest << " at " << storages_.now << " of " << true_now_;
  }
  void SendNew() {
    seen_.push_back(Signed(++sent_, true_now_));
    if (Random(4) != 0) Send(seen_.back());
  }
  // Mostly what is young.
  NewEvent& AnySeen() {
    const auto count = static_cast<int64_t>(seen_.size());
    const int64_t back = Random(4) == 0 ? Random(count) : Random(std::min<int64_t>(count, 8));
    return seen_[static_cast<size_t>(count - 1 - back)];
  }
  // The sender repeats a call, and signs that anew.
  void Repeat() {
    NewEvent again = AnySeen();
    again.nonce = Signed(++sent_, true_now_).nonce;
    seen_.push_back(again);
    // It may be stored as another event by now: then it is what its nonce stands for.
    Send(again);
  }
  void SendAgain() {
    NewEvent event = AnySeen();
    if (Random(2) == 0) event.digest = absl::StrCat(event.digest, " altered ", Random(3));
    Send(event);
  }
  void Step() {
    switch (Random(16)) {
      case 0:
        return TurnClock();
      case 1:
        return storages_.Sweep();
      case 2:
        return storages_.Cut();
      case 3:
        return Random(8) == 0 ? storages_.Open() : storages_.Commit();
      case 4:
        return LetPass(absl::Minutes(Random(20)));
      case 5:
        return LetPass(Random(10) == 0 ? absl::Hours(Random(60)) : absl::Seconds(1));
      case 6:
      case 7:
      case 8:
        return SendNew();
      case 9:
        return Repeat();
      default:
        return SendAgain();
    }
  }

  Storages storages_;
  std::mt19937_64 random_;
  absl::Time true_now_ = storages_.now;
  int sent_ = 0;
  int stored_ = 0;
  std::vector<NewEvent> seen_;
  std::set<std::pair<std::string, std::string>> stored_nonces_;
};

TEST_P(AdmissionWalkTest, NoNonceStoresTwiceHoweverTheClockIsTurned) {
  SendNew();
  for (int step = 0; step < 3000 && !HasFatalFailure(); ++step) Step();
  EXPECT_GT(stored_, 100);
}

TEST_P(AdmissionWalkTest, WhileTheClockIsRightNothingGenuineIsRefused) {
  for (int i = 0; i < 1000; ++i) {
    LetPass(absl::Minutes(Random(30)));
    if (Random(4) == 0) storages_.Cut();
    if (Random(4) == 0) storages_.Sweep();
    // On its way for a while.
    const absl::Duration delay = absl::Minutes(Random(14));
    ASSERT_EQ(storages_.CodeNow(Signed(i, true_now_ - delay)), absl::StatusCode::kOk);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AdmissionWalkTest,
                         ::testing::Combine(::testing::Values("Memory", "Sqlite"),
                                            ::testing::Range(1, 9)),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param), std::get<1>(info.param));
                         });

}  // namespace
}  // namespace onhook
