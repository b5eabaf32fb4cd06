#include "tests/contract/engine.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/memory/memory_store.h"
#include "gateway/store/sqlite/sqlite_store.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr size_t kDigestBytes = 16;

std::unique_ptr<Store> Opened(absl::StatusOr<std::unique_ptr<Store>> store) {
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

class MemoryEngine final : public Engine {
 public:
  MemoryEngine() : disk_(std::make_shared<MemoryDisk>()) { store_ = OpenStore(); }

 private:
  std::unique_ptr<Store> OpenStore() override {
    return Opened(OpenMemoryStore(disk_, &clock_, &gateway_log_, Options()));
  }
  void KeepDataOfNow() override { disk_ = disk_->Copy(); }

  std::shared_ptr<MemoryDisk> disk_;
};

class SqliteEngine final : public Engine {
 public:
  SqliteEngine() : path_(absl::StrCat(directory_.path(), "/0")) { store_ = OpenStore(); }

 private:
  std::unique_ptr<Store> OpenStore() override {
    SqliteStoreOptions options;
    options.directory = path_;
    options.embedded = Options();
    options.embedded.tail_bytes = 4096;  // so that the suites read from disk too
    return Opened(OpenSqliteStore(options, &clock_, &gateway_log_, [](const absl::Status& status) {
      ADD_FAILURE() << "fatal: " << status;
    }));
  }
  // A killed process leaves its files as the kernel has them. The lock goes with the process, so
  // the copy has a lock of its own.
  void KeepDataOfNow() override {
    std::string copy = absl::StrCat(directory_.path(), "/", ++copies_);
    std::filesystem::copy(path_, copy);
    path_ = std::move(copy);
  }

  TemporaryDirectory directory_;
  int copies_ = 0;
  std::string path_;
};

}  // namespace

Engine::Engine()
    : gateway_log_(&clock_, LogLevel::kError, Log::Format::kText, Log::StandardError()) {}

EmbeddedStoreOptions Engine::Options() const {
  EmbeddedStoreOptions options;
  options.tick_interval = absl::Milliseconds(5);
  options.retention.age = retention_age;
  options.quarantine = quarantine;
  return options;
}

void Engine::Restart() {
  ASSERT_TRUE(store_->Close().ok());
  store_.reset();
  store_ = OpenStore();
  ASSERT_NE(store_, nullptr);
}

void Engine::Crash() {
  KeepDataOfNow();
  store_.reset();
  store_ = OpenStore();
  ASSERT_NE(store_, nullptr);
}

std::vector<EngineKind> AllEngines() {
  return {{"Memory", [] { return std::make_unique<MemoryEngine>(); }},
          {"Sqlite", [] { return std::make_unique<SqliteEngine>(); }}};
}

NewEvent MakeEvent(const std::string& call, const std::string& content) {
  NewEvent event;
  event.call_serial_no = call;
  event.source = "default";
  event.digest = absl::StrCat(absl::Hex(std::hash<std::string>()(content), absl::kZeroPad16));
  event.digest.resize(kDigestBytes);
  event.received_at = absl::FromUnixSeconds(1645524276);
  event.event = content;
  return event;
}

std::vector<absl::StatusOr<AppendResult>> AppendAll(EventLog& log, std::vector<NewEvent> events) {
  std::vector<absl::StatusOr<AppendResult>> results(events.size());
  absl::BlockingCounter missing(static_cast<int>(events.size()));
  for (size_t i = 0; i < events.size(); ++i) {
    log.Append(std::move(events[i]), [&, i](const absl::StatusOr<AppendResult>& result) {
      results[i] = result;
      missing.DecrementCount();
    });
  }
  missing.Wait();
  return results;
}

AppendResult AppendOne(EventLog& log, NewEvent event) {
  std::vector<absl::StatusOr<AppendResult>> results = AppendAll(log, {std::move(event)});
  EXPECT_TRUE(results[0].ok()) << results[0].status();
  return results[0].value_or(AppendResult());
}

LogPage ReadPage(EventLog& log, Sequence after, ReadLimits limits) {
  absl::Notification read;
  LogPage page;
  log.Read(after, limits, [&](absl::StatusOr<LogPage> result) {
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) page = *std::move(result);
    read.Notify();
  });
  read.WaitForNotification();
  return page;
}

std::vector<LogEventPtr> FindEvents(EventLog& log, EventQuery query) {
  absl::Notification found;
  std::vector<LogEventPtr> events;
  log.Find(std::move(query), [&](absl::StatusOr<std::vector<LogEventPtr>> result) {
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) events = *std::move(result);
    found.Notify();
  });
  found.WaitForNotification();
  return events;
}

std::optional<std::string> FindRawBody(EventLog& log, Sequence sequence) {
  absl::Notification found;
  std::optional<std::string> body;
  log.FindRawBody(sequence, [&](absl::StatusOr<std::optional<std::string>> result) {
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) body = *std::move(result);
    found.Notify();
  });
  found.WaitForNotification();
  return body;
}

std::vector<std::string> Contents(const std::vector<LogEventPtr>& events) {
  std::vector<std::string> contents;
  for (const LogEventPtr& event : events) contents.push_back(event->event);
  return contents;
}

}  // namespace onhook
