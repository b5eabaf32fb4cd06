// One bit, or the end, of one file of a store is damaged at random, thousands of times: no altered
// event is ever read, nothing that is missing is missing in silence, and nothing crashes.
//
//   ONHOOK_ROUNDS=20000 ONHOOK_SEED=7 build/release/tests/unit/store/store_sqlite_test
//   --gtest_filter='SqliteFlipsTest.*'
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "gateway/store/sqlite/sqlite_verification.h"
#include "gateway/store/store_damage.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

constexpr int kEvents = 120;
constexpr int kAcked = 40;
constexpr const char* kFiles[] = {"onhook.db", "onhook.db-wal", "onhook.db-shm"};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  uint64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

class SqliteFlipsTest : public EmbeddedStoreFixture {
 protected:
  // A store with events in its file and more in its log, acks, dead letters and rejected callbacks:
  // as a kill leaves it, and as an end in order does.
  SqliteFlipsTest() : seed_(FromEnvironment("ONHOOK_SEED", std::random_device()())) {
    std::cout << "to see it again: ONHOOK_SEED=" << seed_ << std::endl;
    random_.seed(seed_);
    Open();
    Fill(0, kEvents / 2);
    Open();
    Fill(kEvents / 2, kEvents);
    killed_ = Image();
    store_.reset();
    closed_ = Image();
  }

  absl::StatusOr<std::unique_ptr<Storage>> NewStorage() override {
    return SqliteStorage::Open(directory_.path());
  }

  void Fill(int from, int to) {
    QueuePtr queue = Queue();
    for (int i = from + 1; i <= to; ++i) {
      NewEvent event = EventNamed(absl::StrCat("call ", i));
      event.event = EventOf(i);
      event.raw_body = absl::StrCat("body ", i);
      ASSERT_TRUE(Append(std::move(event)).ok());
    }
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.PullWhenReady().leases;
    std::vector<std::string> acked;
    for (int i = 0; i < kAcked / 2; ++i) acked.push_back(leases.at(i).delivery_id);
    ASSERT_THAT(Ack(queue, acked), ::testing::IsEmpty());
    SettleRequest park = AckOf({leases.at(kAcked / 2).delivery_id});
    park.action = SettleRequest::Action::kPark;
    absl::Notification parked;
    queue->Settle(park, [&](const auto&) { parked.Notify(); });
    parked.WaitForNotification();
    NewRejectedCallback rejected;
    rejected.source = "default";
    rejected.received_at = clock_.Now();
    rejected.raw_body = absl::StrCat("rejected ", from);
    absl::Notification kept;
    store_->quarantine().Keep(rejected, [&](const auto&) { kept.Notify(); });
    kept.WaitForNotification();
  }

  static std::string EventOf(int64_t sequence) {
    return absl::StrCat("event ", sequence,
                        std::string(200, static_cast<char>('a' + sequence % 26)));
  }
  static std::string ReadFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::map<std::string, std::string> Image() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      files[entry.path().filename()] = ReadFile(entry.path());
    }
    return files;
  }

  // Returns what it did.
  std::string Damage(std::map<std::string, std::string>& files) {
    std::string name = kFiles[random_() % 8 == 0 ? 2 : random_() % 2];
    if (files.count(name) == 0) name = kFiles[0];
    std::string& content = files[name];
    switch (random_() % 12) {
      case 0: {
        const size_t left = random_() % content.size();
        content.resize(left);
        return absl::StrCat(name, " cut off at ", left);
      }
      case 1:
        files.erase(name);
        return absl::StrCat(name, " deleted");
      default: {
        const size_t bit = random_() % (content.size() * 8);
        content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8)));
        return absl::StrCat(name, ": bit ", bit % 8, " of byte ", bit / 8);
      }
    }
  }

  // Whether all is whole; nothing: the store does not open.
  std::optional<bool> OpenAndRead(const std::string& path) {
    absl::StatusOr<std::unique_ptr<Storage>> storage = SqliteStorage::Open(path);
    if (!storage.ok()) {
      EXPECT_TRUE(IsStoreDamage(storage.status())) << storage.status();
      return std::nullopt;
    }
    const auto ended = ended_ = std::make_shared<absl::Notification>();
    auto store =
        EmbeddedStore::Open(*std::move(storage), v1::DURABILITY_CLASS_DISK, options_, &clock_,
                            &log_, [ended](const absl::Status&) { ended->Notify(); });
    if (!store.ok()) {
      EXPECT_TRUE(IsStoreDamage(store.status())) << store.status();
      return std::nullopt;
    }
    store_ = *std::move(store);
    const auto queue = store_->FindQueue("crm");
    const bool owes_right = queue.ok() &&
                            (*queue)->Stats().backlog_events == kEvents - kAcked - 2 &&
                            (*queue)->Stats().dead_letters == 2;
    const bool whole = ReadAll() && owes_right;
    return whole;
  }
  bool ReadAll() {
    int64_t whole = 0;
    for (Sequence after = 0; after < store_->log().last();) {
      const absl::StatusOr<LogPage> page = Read(after);
      if (!page.ok() || page->events.empty()) {
        ++after;
        continue;
      }
      for (const LogEventPtr& event : page->events) {
        if (!event->corrupt) {
          EXPECT_EQ(event->event, EventOf(event->sequence));
          ++whole;
        }
      }
      after = std::max(after + 1, page->events.back()->sequence);
    }
    return whole == kEvents && store_->log().last() == kEvents;
  }

  // What is told to be stored, by the answer to a repeat, is there.
  void RepeatAll() {
    for (int i = 1; i <= kEvents; i += 7) {
      NewEvent event = EventNamed(absl::StrCat("call ", i));
      event.event = EventOf(i);
      const absl::StatusOr<AppendResult> result = AppendOrEnd(std::move(event));
      if (ended_->HasBeenNotified()) return;
      if (!result.ok()) continue;
      const absl::StatusOr<LogPage> page = Read(result->sequence - 1, {1, 1 << 20});
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_EQ(page->events.size(), 1U);
      EXPECT_EQ(page->events[0]->sequence, result->sequence);
      EXPECT_FALSE(page->events[0]->corrupt);
    }
  }
  // A commit that meets damage ends the process, and is never answered.
  absl::StatusOr<AppendResult> AppendOrEnd(NewEvent event) {
    struct Answer {
      absl::Mutex mutex;
      std::optional<absl::StatusOr<AppendResult>> result;
    };
    const auto answer = std::make_shared<Answer>();
    store_->log().Append(std::move(event), [answer](const absl::StatusOr<AppendResult>& result) {
      absl::MutexLock lock(&answer->mutex);
      answer->result = result;
    });
    const auto is_over = [&] { return answer->result.has_value() || ended_->HasBeenNotified(); };
    while (true) {
      absl::MutexLock lock(&answer->mutex);
      if (is_over()) return answer->result.value_or(absl::UnavailableError("ended"));
      answer->mutex.AwaitWithTimeout(absl::Condition(&is_over), absl::Milliseconds(10));
    }
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  FaultyDisk disk_;
  std::shared_ptr<absl::Notification> ended_;
  std::map<std::string, std::string> killed_;
  std::map<std::string, std::string> closed_;
};

TEST_F(SqliteFlipsTest, NoAlteredEventIsReadAndNothingIsMissingInSilence) {
  int refused = 0;
  int damaged = 0;
  int whole = 0;
  for (uint64_t round = 0; round < FromEnvironment("ONHOOK_ROUNDS", 150) && !HasFailure();
       ++round) {
    const TemporaryDirectory damaged_store;
    std::map<std::string, std::string> files = round % 2 == 0 ? killed_ : closed_;
    const std::string damage = Damage(files);
    SCOPED_TRACE(damage);
    for (const auto& [name, content] : files) damaged_store.Write(name, content);
    std::string lines;
    const absl::StatusOr<bool> sound =
        VerifySqliteStore(damaged_store.path(), &clock_,
                          {[&](absl::string_view line) { absl::StrAppend(&lines, line, "\n"); },
                           [](absl::string_view) {}});
    ASSERT_TRUE(sound.ok()) << sound.status();
    const std::optional<bool> is_whole = OpenAndRead(damaged_store.path());
    if (is_whole.has_value()) RepeatAll();
    store_.reset();
    // What is not whole is told by one of the two, and what is told to be sound opens and is whole.
    EXPECT_TRUE(!*sound || is_whole.value_or(false)) << lines;
    ++(!is_whole.has_value() ? refused : *sound ? whole : damaged);
  }
  std::cout << refused << " refused at the start, " << damaged << " damaged and told by --verify, "
            << whole << " whole" << std::endl;
}

}  // namespace
}  // namespace onhook
