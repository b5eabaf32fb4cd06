// The promises of gateway/store/event_log.h, kept by every engine.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/engine.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventLogContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    if (const std::string missing = engine_->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  }
  EventLog& log() { return engine_->log(); }
  void AppendNumbered(int count) {
    std::vector<NewEvent> events;
    for (int i = 1; i <= count; ++i) {
      events.push_back(MakeEvent(absl::StrCat("call-", i), absl::StrCat("event ", i)));
    }
    for (const auto& result : AppendAll(log(), std::move(events))) ASSERT_TRUE(result.ok());
  }

  std::unique_ptr<Engine> engine_ = GetParam().make();
};

TEST_P(EventLogContract, P1_AnAppendedEventSurvivesARestart) {
  AppendOne(log(), MakeEvent("call", "hung up"));
  engine_->Restart();
  EXPECT_THAT(Contents(ReadPage(log(), 0).events), ElementsAre("hung up"));
}

TEST_P(EventLogContract, P1_AnAppendedEventSurvivesACrash) {
  AppendOne(log(), MakeEvent("call", "hung up"));
  engine_->Crash();
  EXPECT_EQ(log().last(), 1);
  EXPECT_THAT(Contents(ReadPage(log(), 0).events), ElementsAre("hung up"));
}

TEST_P(EventLogContract, P2_SequencesBeginAtOneAndHaveNoGaps) {
  EXPECT_EQ(log().last(), 0);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(AppendOne(log(), MakeEvent(absl::StrCat("call-", i))).sequence, i);
  }
  AppendOne(log(), MakeEvent("call-3"));  // a repeat uses none up
  EXPECT_EQ(AppendOne(log(), MakeEvent("call-6")).sequence, 6);
}

TEST_P(EventLogContract, P2_SequencesGoOnAfterACrash) {
  AppendNumbered(3);
  engine_->Crash();
  EXPECT_EQ(AppendOne(log(), MakeEvent("another")).sequence, 4);
}

TEST_P(EventLogContract, P3_ARepeatedEventKeepsItsFirstSequence) {
  AppendOne(log(), MakeEvent("call-1"));
  AppendOne(log(), MakeEvent("call-2"));
  const AppendResult repeat = AppendOne(log(), MakeEvent("call-1"));
  EXPECT_TRUE(repeat.duplicate);
  EXPECT_EQ(repeat.sequence, 1);
  EXPECT_EQ(log().last(), 2);
}

TEST_P(EventLogContract, P3_ARepeatIsKnownAfterACrash) {
  AppendOne(log(), MakeEvent("call-1"));
  engine_->Crash();
  EXPECT_TRUE(AppendOne(log(), MakeEvent("call-1")).duplicate);
}

TEST_P(EventLogContract, P3_OfEqualEventsInOneCommitOneIsStored) {
  const auto results = AppendAll(log(), std::vector<NewEvent>(20, MakeEvent("call")));
  int stored = 0;
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->sequence, 1);
    stored += result->duplicate ? 0 : 1;
  }
  EXPECT_EQ(stored, 1);
}

TEST_P(EventLogContract, P3_OfEqualEventsFromManyThreadsOneIsStored) {
  constexpr int kThreads = 8;
  constexpr int kEvents = 50;
  std::atomic<int> stored = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEvents; ++i) {
        if (!AppendOne(log(), MakeEvent(absl::StrCat("call-", i))).duplicate) ++stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, kEvents);
  EXPECT_EQ(log().last(), kEvents);
}

TEST_P(EventLogContract, P3_AChangedRepeatIsAnotherEvent) {
  AppendOne(log(), MakeEvent("call", "first"));
  EXPECT_FALSE(AppendOne(log(), MakeEvent("call", "changed")).duplicate);
}

TEST_P(EventLogContract, P3_TheSameCallOfAnotherSourceIsAnotherEvent) {
  NewEvent other = MakeEvent("call");
  other.source = "sales";
  AppendOne(log(), MakeEvent("call"));
  EXPECT_FALSE(AppendOne(log(), std::move(other)).duplicate);
}

TEST_P(EventLogContract, P5_BytesComeBackAsTheyWere) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes.push_back(static_cast<char>(i * 37));
  NewEvent event = MakeEvent(std::string("c\0\xC3\xA9", 4), bytes);
  event.received_at = absl::FromUnixMicros(1645524276123456);
  AppendOne(log(), std::move(event));
  engine_->Restart();
  const LogPage page = ReadPage(log(), 0);
  ASSERT_EQ(page.events.size(), 1);
  EXPECT_EQ(page.events[0]->event, bytes);
  EXPECT_EQ(page.events[0]->received_at, absl::FromUnixMicros(1645524276123456));
  EXPECT_FALSE(page.events[0]->corrupt);
}

TEST_P(EventLogContract, P6_AListenerHearsOfEveryEventOnceItIsReadable) {
  absl::Notification all;
  std::atomic<Sequence> readable = 0;
  log().AddTailListener([&](Sequence last) {
    readable = log().last();
    if (last == 10 && !all.HasBeenNotified()) all.Notify();
  });
  AppendNumbered(10);
  all.WaitForNotification();
  EXPECT_EQ(readable, 10);
}

TEST_P(EventLogContract, P7_AnAppendIsAnsweredAlsoWhenTheStoreCloses) {
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        answered += static_cast<int>(
            AppendAll(log(), {MakeEvent(absl::StrCat("call-", t, "-", i))}).size());
      }
    });
  }
  EXPECT_TRUE(engine_->store().Close().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

TEST_P(EventLogContract, ReadGivesPagesInOrderFromAnyPlace) {
  AppendNumbered(100);
  engine_->Restart();  // so that nothing is in memory
  Sequence after = 0;
  int pages = 0;
  for (bool at_end = false; !at_end; ++pages) {
    const LogPage page = ReadPage(log(), after, {7, 1 << 20});
    ASSERT_FALSE(page.events.empty());
    for (const LogEventPtr& event : page.events) ASSERT_EQ(event->sequence, ++after);
    at_end = page.at_end;
  }
  EXPECT_EQ(after, 100);
  EXPECT_EQ(pages, 15);
}

TEST_P(EventLogContract, ReadGivesOneEventEvenBeyondTheByteLimit) {
  AppendNumbered(3);
  EXPECT_THAT(Contents(ReadPage(log(), 0, {10, 1}).events), ElementsAre("event 1"));
  engine_->Restart();
  EXPECT_THAT(Contents(ReadPage(log(), 0, {10, 1}).events), ElementsAre("event 1"));
}

TEST_P(EventLogContract, ReadAtTheEndGivesAnEmptyPage) {
  AppendNumbered(3);
  const LogPage page = ReadPage(log(), 3);
  EXPECT_THAT(page.events, IsEmpty());
  EXPECT_TRUE(page.at_end);
}

TEST_P(EventLogContract, ReadBehindTheNewestEventIsOutOfRange) {
  AppendNumbered(3);
  absl::Status status;
  log().Read(4, {}, [&](const absl::StatusOr<LogPage>& page) { status = page.status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
}

TEST_P(EventLogContract, FindGivesAllEventsOfACallOldestFirst) {
  AppendNumbered(5);
  AppendOne(log(), MakeEvent("call-3", "again"));
  EventQuery query;
  query.call_serial_no = "call-3";
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("event 3", "again"));
  query.digest = MakeEvent("call-3", "again").digest;
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("again"));
  query.source = "sales";
  EXPECT_THAT(FindEvents(log(), query), IsEmpty());
}

TEST_P(EventLogContract, FindEndsWithTheEventThatIsTooMuch) {
  for (const char* content : {"12345", "67890", "more"}) AppendOne(log(), MakeEvent("1", content));
  EventQuery query;
  query.call_serial_no = "1";
  query.max_bytes = 10;
  EXPECT_EQ(FindEvents(log(), query).size(), 3);
  query.max_bytes = 9;
  EXPECT_EQ(FindEvents(log(), query).size(), 2);
  query.max_bytes = 0;
  EXPECT_EQ(FindEvents(log(), query).size(), 1);
}

TEST_P(EventLogContract, FindByTimeTakesTheStartAndLeavesTheEnd) {
  for (int i = 0; i < 5; ++i) {
    NewEvent event = MakeEvent(absl::StrCat("call-", i), absl::StrCat(i));
    event.received_at += absl::Seconds(i);
    AppendOne(log(), std::move(event));
  }
  EventQuery query;
  query.received_from = MakeEvent("").received_at + absl::Seconds(1);
  query.received_before = MakeEvent("").received_at + absl::Seconds(4);
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("1", "2", "3"));
  query.after = 2;
  query.max_events = 1;
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("2"));
}

TEST_P(EventLogContract, FindByTimeGoesThroughTheWholeLogInParts) {
  // More than it goes through at once, and what is looked for at either end.
  constexpr int kEvents = 41'000;
  std::vector<NewEvent> events;
  for (int i = 1; i <= kEvents; ++i) {
    events.push_back(MakeEvent(absl::StrCat("call-", i), absl::StrCat(i)));
    if (i == 1 || i == 20'001 || i == kEvents) events.back().source = "rare";
  }
  for (size_t begin = 0; begin < events.size(); begin += 1000) {
    AppendAll(log(), {events.begin() + static_cast<std::ptrdiff_t>(begin),
                      events.begin() + static_cast<std::ptrdiff_t>(begin + 1000)});
  }
  EventQuery query;
  query.source = "rare";
  query.received_from = events.front().received_at;
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("1", "20001", absl::StrCat(kEvents)));
  query.max_events = 2;
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("1", "20001"));
  query.max_events = 100;
  query.max_bytes = 1;  // of "1"; what comes in the next part is too much
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre("1", "20001"));
  query.after = 20'001;
  EXPECT_THAT(Contents(FindEvents(log(), query)), ElementsAre(absl::StrCat(kEvents)));
}

TEST_P(EventLogContract, FindWithoutConditionIsRefused) {
  absl::Status status;
  log().Find({}, [&](const auto& result) { status = result.status(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(EventLogContract, FindPlaceGivesTheLastEventBeforeATime) {
  for (int i = 0; i < 9; ++i) {
    NewEvent event = MakeEvent(absl::StrCat("call-", i), absl::StrCat(i));
    event.received_at += absl::Seconds(i);
    AppendOne(log(), std::move(event));
  }
  const auto place = [&](absl::Duration offset) {
    absl::Notification found;
    Sequence sequence = -1;
    log().FindPlace(MakeEvent("").received_at + offset, [&](absl::StatusOr<Sequence> result) {
      sequence = result.value_or(-1);
      found.Notify();
    });
    found.WaitForNotification();
    return sequence;
  };
  EXPECT_EQ(place(absl::ZeroDuration()), 0);
  EXPECT_EQ(place(absl::Seconds(3)), 3);
  EXPECT_EQ(place(absl::Hours(1)), 9);
}

TEST_P(EventLogContract, ForwardedMarksAreThereAfterAGoodEnd) {
  AppendNumbered(5);
  log().RecordForwarded("watch", {1, 2});
  log().RecordForwarded("subscription/crm", {4, 4});
  log().RecordForwarded("watch", {3, 3});
  engine_->Restart();
  if (!engine_->keeps_forwarded_marks()) {
    EXPECT_TRUE(log().ForwardedAtOpen().empty());
    return;
  }
  EXPECT_EQ(log().ForwardedAtOpen().at("watch").ToText(), "1-3");
  EXPECT_EQ(log().ForwardedAtOpen().at("subscription/crm").ToText(), "4");
}

TEST_P(EventLogContract, P5_ARawBodyComesBackAsItWasAndAnEventWithoutOneHasNone) {
  NewEvent event = MakeEvent("call-1");
  event.raw_body = std::string("{\0\xFF \"x\":1}", 10);
  const std::string body = event.raw_body;
  AppendOne(log(), std::move(event));
  AppendOne(log(), MakeEvent("call-2"));
  NewEvent repeat = MakeEvent("call-2");
  repeat.raw_body = "of the repeat";
  EXPECT_TRUE(AppendOne(log(), std::move(repeat)).duplicate);
  for (const bool crashed : {false, true}) {
    if (crashed) engine_->Crash();
    EXPECT_EQ(FindRawBody(log(), 1), body);
    EXPECT_EQ(FindRawBody(log(), 2), std::nullopt);
    EXPECT_EQ(FindRawBody(log(), 3), std::nullopt) << "there is no such event";
  }
}

TEST_P(EventLogContract, TheStoreKeepsItsIdentity) {
  const std::string id = engine_->store().store_id();
  EXPECT_EQ(id.size(), 16);
  engine_->Restart();
  EXPECT_EQ(engine_->store().store_id(), id);
}

INSTANTIATE_TEST_SUITE_P(Engines, EventLogContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
