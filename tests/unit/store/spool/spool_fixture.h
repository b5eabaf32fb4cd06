#ifndef ONHOOK_TESTS_UNIT_STORE_SPOOL_SPOOL_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_STORE_SPOOL_SPOOL_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/memory/memory_store.h"
#include "gateway/store/spool/spooled_store.h"
#include "tests/support/faulty_store.h"
#include "tests/support/shifted_clock.h"

namespace onhook {

// A callback under way.
class PendingAppend {
 public:
  EventLog::AppendDone Done() {
    return [state = state_](const absl::StatusOr<AppendResult>& result) {
      state->result = result;
      state->done.Notify();
    };
  }
  bool done() const { return state_->done.HasBeenNotified(); }
  absl::StatusOr<AppendResult> Await() const {
    state_->done.WaitForNotification();
    return state_->result;
  }

 private:
  struct State {
    absl::StatusOr<AppendResult> result;
    absl::Notification done;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// What became of a callback, in a word.
inline std::string WordOf(const absl::StatusOr<AppendResult>& result) {
  if (!result.ok()) return absl::StatusCodeToString(result.status().code());
  const std::string place =
      result->spooled ? std::string("spooled") : absl::StrCat("at ", result->sequence);
  return result->duplicate ? absl::StrCat(place, " before") : place;
}

// A SpooledStore over two stores in memory, of which the main one is faulty, or away, as the test
// says. What takes time takes little; what must not happen by itself takes hours.
class SpoolTest : public ::testing::Test {
 protected:
  using Mode = StoreFaults::Mode;

  SpoolTest() {
    options_.patience = absl::Hours(1);
    options_.start_patience = absl::ZeroDuration();
    options_.reopen_interval = absl::Milliseconds(2);
    options_.longest_pause = absl::Milliseconds(2);
    options_.callback_interval = absl::Hours(1);
    spool_options_.retention = SpooledStore::SpoolLimits({}).retention;
    spool_options_.tick_interval = main_options_.tick_interval = absl::Milliseconds(5);
    spool_options_.commits.linger = absl::ZeroDuration();
  }
  ~SpoolTest() override { store_.reset(); }

  virtual std::unique_ptr<Store> OpenSpool() {
    auto spool = OpenMemoryStore(spool_disk_, &clock_, &log_, spool_options_);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }
  absl::StatusOr<std::unique_ptr<Store>> OpenMain() {
    {
      absl::MutexLock lock(&mutex_);
      if (!reachable_.ok()) return reachable_;
    }
    auto main = OpenMemoryStore(main_disk_, &clock_, &log_, main_options_);
    if (!main.ok()) return main.status();
    auto faulty = std::make_unique<FaultyStore>(*std::move(main), &faults_);
    absl::MutexLock lock(&mutex_);
    main_ = &faulty->behind();
    return std::unique_ptr<Store>(std::move(faulty));
  }
  absl::Status TryToOpen() {
    auto store = SpooledStore::Open(
        options_, OpenSpool(), [this] { return OpenMain(); }, &clock_, &log_);
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }
  void Open() { ASSERT_EQ(TryToOpen(), absl::OkStatus()); }
  // What a process that is killed now leaves behind is opened again. What was moved meanwhile may
  // be in both: then it is moved again.
  void Crash() {
    spool_disk_ = spool_disk_->Copy();
    main_disk_ = main_disk_->Copy();
    store_.reset();
    Open();
  }
  void Restart() {
    ASSERT_EQ(store_->Close(), absl::OkStatus());
    store_.reset();
    Open();
  }
  void SetReachable(absl::Status reachable) {
    absl::MutexLock lock(&mutex_);
    reachable_ = std::move(reachable);
  }
  Store& MainAsOthersSeeIt() {
    absl::MutexLock lock(&mutex_);
    return *main_;
  }

  NewEvent EventOf(const std::string& call, const std::string& content = "content") const {
    NewEvent event;
    event.call_serial_no = call;
    event.source = "default";
    event.digest = content;
    event.digest.resize(16, '.');
    event.received_at = clock_.Now();
    event.event = absl::StrCat(call, ": ", content);
    return event;
  }
  NewEvent SignedEventOf(const std::string& call, const std::string& nonce,
                         int64_t age_minutes = 0) const {
    NewEvent event = EventOf(call);
    event.nonce =
        NewEvent::Nonce{nonce, absl::ToUnixMillis(clock_.Now() - absl::Minutes(age_minutes)), true};
    return event;
  }
  static NewEvent AsRepeatOnly(NewEvent event) {
    event.only_if_known = true;
    return event;
  }

  PendingAppend Begin(NewEvent event) {
    PendingAppend pending;
    store_->log().Append(std::move(event), pending.Done());
    return pending;
  }
  std::string Append(NewEvent event) { return WordOf(Begin(std::move(event)).Await()); }
  std::string Append(const std::string& call) { return Append(EventOf(call)); }
  // Straight to the main store.
  std::string AppendElsewhere(NewEvent event) {
    PendingAppend pending;
    MainAsOthersSeeIt().log().Append(std::move(event), pending.Done());
    return WordOf(pending.Await());
  }

  void MainHeals() {
    faults_.Set(Mode::kNone);
    faults_.Release();
  }
  void AwaitEmptySpool() {
    while (store_->Spool().events > 0) std::this_thread::yield();
  }

  // Of the main log, in order.
  std::vector<std::string> StoredEvents() {
    std::vector<std::string> stored;
    for (Sequence after = 0;;) {
      absl::Notification read;
      absl::StatusOr<LogPage> page;
      store_->log().Read(after, {}, [&](absl::StatusOr<LogPage> result) {
        page = std::move(result);
        read.Notify();
      });
      read.WaitForNotification();
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || page->events.empty()) return stored;
      for (const LogEventPtr& event : page->events) stored.push_back(event->event);
      after = page->events.back()->sequence;
    }
  }
  // What a quarantine holds, as "detail: body".
  static std::vector<std::string> Kept(Quarantine& quarantine) {
    std::vector<std::string> kept;
    absl::Notification listed;
    std::vector<RejectedCallback> callbacks;
    quarantine.List({}, [&](absl::StatusOr<std::vector<RejectedCallback>> result) {
      callbacks = result.value_or(std::vector<RejectedCallback>());
      listed.Notify();
    });
    listed.WaitForNotification();
    for (const RejectedCallback& callback : callbacks) {
      absl::Notification read;
      quarantine.Get(callback.id, [&](absl::StatusOr<RejectedCallback> whole) {
        if (whole.ok()) kept.push_back(whole->callback.raw_body);
        read.Notify();
      });
      read.WaitForNotification();
    }
    return kept;
  }
  std::string Keep(const std::string& body) {
    NewRejectedCallback callback;
    callback.source = "default";
    callback.received_at = clock_.Now();
    callback.reason = v1::RejectedCallback::REASON_MALFORMED;
    callback.raw_body = body;
    absl::Notification kept;
    absl::StatusOr<int64_t> id;
    store_->quarantine().Keep(std::move(callback), [&](absl::StatusOr<int64_t> result) {
      id = std::move(result);
      kept.Notify();
    });
    kept.WaitForNotification();
    return id.ok() ? absl::StrCat("id ", *id) : absl::StatusCodeToString(id.status().code());
  }
  bool Logged(absl::string_view words) {
    absl::MutexLock lock(&mutex_);
    for (const std::string& line : log_lines_) {
      if (absl::StrContains(line, words)) return true;
    }
    return false;
  }

  ShiftedClock clock_;
  absl::Mutex mutex_;
  std::vector<std::string> log_lines_ ABSL_GUARDED_BY(mutex_);
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, [this](absl::string_view line) {
             absl::MutexLock lock(&mutex_);
             log_lines_.emplace_back(line);
           }};
  SpooledStoreOptions options_;
  EmbeddedStoreOptions spool_options_;
  EmbeddedStoreOptions main_options_;
  StoreFaults faults_;
  std::shared_ptr<MemoryDisk> spool_disk_ = std::make_shared<MemoryDisk>();
  std::shared_ptr<MemoryDisk> main_disk_ = std::make_shared<MemoryDisk>();
  absl::Status reachable_ ABSL_GUARDED_BY(mutex_);
  Store* main_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::unique_ptr<SpooledStore> store_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_SPOOL_SPOOL_FIXTURE_H_
