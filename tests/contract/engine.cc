#include "tests/contract/engine.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gateway/store/memory/memory_store.h"
#include "gateway/store/sqlite/sqlite_store.h"
#include "gtest/gtest.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/nats_server.h"
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
  // the copy has a lock of its own. Read until twice the same, it is of one moment: a checkpoint
  // may be writing.
  void KeepDataOfNow() override {
    std::map<std::string, std::string> files = FilesIn(path_);
    for (auto again = FilesIn(path_); again != files; again = FilesIn(path_)) files.swap(again);
    path_ = absl::StrCat(directory_.path(), "/", ++copies_);
    std::filesystem::create_directory(path_);
    for (const auto& [name, content] : files) {
      std::ofstream(absl::StrCat(path_, "/", name), std::ios::binary)
          .write(content.data(), static_cast<std::streamsize>(content.size()));
    }
  }
  static std::map<std::string, std::string> FilesIn(const std::string& directory) {
    std::map<std::string, std::string> files;
    for (const auto& each : std::filesystem::directory_iterator(directory)) {
      std::ifstream file(each.path(), std::ios::binary);
      files[each.path().filename()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  }

  TemporaryDirectory directory_;
  int copies_ = 0;
  std::string path_;
};

#ifdef ONHOOK_JETSTREAM_TESTS
void FailIfReplaced(const absl::Status& status) { ADD_FAILURE() << status; }

// A gateway on a nats-server of its own, with a network between them that can be taken away.
class JetStreamEngine final : public Engine {
 public:
  explicit JetStreamEngine(NatsVersion version) : version_(version), server_(Options(version)) {
    if (!Missing().empty()) return;
    EXPECT_TRUE(server_.Start()) << server_.log();
    store_ = OpenStore();
  }
  ~JetStreamEngine() override { store_.reset(); }

  std::string Missing() const override { return NatsServer::Missing(version_); }
  // The servers know the identities of what they keep, so for as long as these are to be known
  // nothing goes.
  absl::Duration youngest_removed() const override { return absl::Hours(25); }
  bool limits_backlog_by_bytes() const override { return false; }
  // The servers hold it back until that gateway has been silent for long enough.
  bool keeps_order_over_crashes() const override { return false; }
  // Each is stored once the servers have bound its nonce, whichever comes first.
  bool keeps_order_of_signed() const override { return false; }
  // What is handed out next is what the servers have given by then.
  bool is_deterministic() const override { return false; }
  bool keeps_forwarded_marks() const override { return false; }

 private:
  static NatsServer::Options Options(NatsVersion version) {
    NatsServer::Options options;
    options.version = version;
    options.sync_always = false;  // only gateways are killed here
    return options;
  }
  std::unique_ptr<Store> OpenStore() override {
    network_ = std::make_unique<ChaosProxy>(/*seed=*/1);
    network_->LeadTo(server_.port());
    JetStreamOptions options;
    options.nats.servers = {absl::StrCat("nats://127.0.0.1:", network_->port())};
    options.replicas = 1;
    options.retention.age = retention_age;
    options.quarantine = quarantine;
    options.tail_bytes = 4096;  // so that the suites read from the servers too
    options.ownership = absl::Milliseconds(500);
    options.tick_interval = absl::Milliseconds(5);
    options.nonce_pace = {absl::Milliseconds(20), absl::Milliseconds(50)};
    return Opened(OpenJetStreamStore(options, &clock_, &gateway_log_, FailIfReplaced));
  }
  // The servers hear no more of a gateway that was killed.
  void KeepDataOfNow() override { network_.reset(); }

  const NatsVersion version_;
  NatsServer server_;
  std::unique_ptr<ChaosProxy> network_;
};
#endif

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
  std::vector<EngineKind> engines = {
      {"Memory", [] { return std::make_unique<MemoryEngine>(); }},
      {"Sqlite", [] { return std::make_unique<SqliteEngine>(); }},
  };
#ifdef ONHOOK_JETSTREAM_TESTS
  engines.push_back(
      {"JetStream", [] { return std::make_unique<JetStreamEngine>(NatsVersion::kNewest); }});
  engines.push_back(
      {"JetStreamOldest", [] { return std::make_unique<JetStreamEngine>(NatsVersion::kOldest); }});
#endif
  return engines;
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
