#include "tests/bench/store_filler.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/store/sqlite/sqlite_store.h"
#include "tests/bench/callback_request.h"

namespace onhook {
namespace {

// As many as one commit takes, twice: one is written while the next gathers.
constexpr int64_t kMostUnderWay = 4096;

// Counts appends until all are done.
class AppendsUnderWay {
 public:
  // Blocking: while there are too many.
  void Begin() {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]()
                          ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ < kMostUnderWay; };
    mutex_.Await(absl::Condition(&room));
    ++count_;
  }
  void End(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    --count_;
    status_.Update(status);
  }
  // Blocking: until there are none. The first failure, if any.
  absl::Status Wait() {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
    mutex_.Await(absl::Condition(&none));
    return status_;
  }

 private:
  absl::Mutex mutex_;
  int64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<NewEvent> EventOf(absl::string_view body, const Clock& clock) {
  const absl::StatusOr<VendorFields> fields = ParseCallback(body);
  if (!fields.ok()) return fields.status();
  MappingOptions options;
  options.source = "default";
  options.received_at = clock.Now();
  v1::ReleaseEvent event;
  const absl::StatusOr<std::string> digest = MapReleaseEvent(*fields, options, event);
  if (!digest.ok()) return digest.status();
  return NewEvent{event.call_serial_no(), "default", *digest, options.received_at,
                  event.SerializeAsString()};
}

}  // namespace

absl::Status FillStore(const std::string& directory, const std::string& subscription,
                       int64_t events) {
  const SystemClock clock;
  const Log log(&clock, LogLevel::kWarning, Log::Format::kText, Log::StandardError());
  SqliteStoreOptions options;
  options.directory = directory;
  absl::StatusOr<std::unique_ptr<Store>> store =
      OpenSqliteStore(options, &clock, &log, [](const absl::Status& status) {
        std::fprintf(stderr, "%s\n", status.ToString().c_str());
        std::_Exit(2);
      });
  if (!store.ok()) return store.status();
  const auto created = (*store)->CreateSubscription(subscription, v1::SubscriptionSpec());
  if (!created.ok()) return created.status();
  AppendsUnderWay appends;
  CallbackRequest callback;
  for (int64_t number = 0; number < events; ++number) {
    callback.WithNumber(number);
    absl::StatusOr<NewEvent> event = EventOf(callback.body(), clock);
    if (!event.ok()) return event.status();
    appends.Begin();
    (*store)->log().Append(*std::move(event), [&](const absl::StatusOr<AppendResult>& result) {
      appends.End(result.status());
    });
  }
  if (absl::Status status = appends.Wait(); !status.ok()) return status;
  return (*store)->Close();
}

}  // namespace onhook
