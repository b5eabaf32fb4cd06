// The log on a real server, newest and oldest. What every engine keeps, tests/contract shows.
#include "gateway/store/jetstream/jetstream_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/chaos_proxy.h"
#include "tests/unit/store/jetstream/log_gateway.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JetStreamLogTest : public OnServer {
 protected:
  // Events "1", "2", ... of calls of their own.
  void AppendNumbered(int from, int through) {
    std::vector<NewEvent> events;
    for (int i = from; i <= through; ++i) {
      events.push_back(MakeEvent(absl::StrCat("call-", i), absl::StrCat(i)));
      events.back().received_at += absl::Seconds(i);
      if (events.size() < 1000 && i < through) continue;
      for (const auto& result : gateway_->AppendAll(std::move(events))) {
        ASSERT_TRUE(result.ok()) << result.status();
      }
      events.clear();
    }
  }
  // Such that nothing is in memory.
  void ForgetTail() { gateway_->Reopen(); }
};
INSTANTIATE_TEST_SUITE_P(Versions, JetStreamLogTest,
                         ::testing::Values(NatsVersion::kNewest, NatsVersion::kOldest),
                         ::testing::PrintToStringParamName());

TEST_P(JetStreamLogTest, AnEventIsReadAsItWasAppendedByWhoeverIsOnTheStream) {
  NewEvent event = MakeEvent(std::string("c\0\xC3\xA9 .*>", 8), std::string("\0\xFF bytes", 8));
  event.raw_body = "{}";
  EXPECT_EQ(gateway_->Answer(event), "1");
  EXPECT_EQ(gateway_->Answer(event), "1 again");
  EXPECT_EQ(gateway_->log().last(), 1);
  const auto other = NewGateway();
  EXPECT_THAT(other->ReadAll(0), ElementsAre(event.event));
  EXPECT_EQ(other->Answer(event), "1 again");
  EventQuery query;
  query.call_serial_no = event.call_serial_no;
  EXPECT_THAT(other->Find(query), ElementsAre(event.event));
  const auto body = Awaited<std::optional<std::string>>(
      [&](auto done) { other->log().FindRawBody(1, std::move(done)); });
  EXPECT_EQ(*body, "{}");
}

TEST_P(JetStreamLogTest, WhatAnotherGatewayStoresComesInByItself) {
  const auto other = NewGateway();
  absl::Mutex mutex;
  std::vector<Sequence> heard;
  other->log().AddTailListener([&](Sequence last) {
    absl::MutexLock lock(&mutex);
    heard.push_back(last);
  });
  AppendNumbered(1, 3);
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(
      +[](std::vector<Sequence>* all) { return all->size() == 3; }, &heard));
  EXPECT_THAT(heard, ElementsAre(1, 2, 3));
  EXPECT_EQ(other->log().last(), 3);
}

TEST_P(JetStreamLogTest, P6_AListenerIsCalledAfterTheAppendWasAnswered) {
  constexpr int kEvents = 500;
  std::atomic<Sequence> answered = 0;
  std::atomic<int> early = 0;
  absl::Notification heard_all;
  gateway_->log().AddTailListener([&](Sequence last) {
    if (answered < last) ++early;
    if (last == kEvents) heard_all.Notify();
  });
  for (int i = 1; i <= kEvents; ++i) {
    absl::Notification done;
    gateway_->log().Append(MakeEvent(absl::StrCat(i)),
                           [&](const absl::StatusOr<AppendResult>& result) {
                             EXPECT_TRUE(result.ok());
                             EXPECT_FALSE(result->duplicate);
                             EXPECT_GE(gateway_->log().last(), result->sequence);
                             answered = std::max<Sequence>(answered, result->sequence);
                             done.Notify();
                           });
    done.WaitForNotification();
    const auto page = gateway_->Read(i - 1);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->events.size(), 1);
    EXPECT_TRUE(page->at_end);
  }
  heard_all.WaitForNotification();
  EXPECT_EQ(early, 0);
}

TEST_P(JetStreamLogTest, P3_OfEqualEventsFromManyThreadsOfTwoGatewaysOneIsStored) {
  constexpr int kThreads = 8;
  constexpr int kEvents = 200;
  const auto other = NewGateway();
  std::atomic<int> stored = 0;
  std::vector<std::map<int, Sequence>> told(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEvents; ++i) {
        const auto result =
            (t % 2 == 0 ? *gateway_ : *other).Append(MakeEvent(absl::StrCat("call-", i)));
        ASSERT_TRUE(result.ok()) << result.status();
        if (!result->duplicate) ++stored;
        told[static_cast<size_t>(t)][i] = result->sequence;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, kEvents);
  EXPECT_EQ(gateway_->Stream().messages, kEvents);
  for (const auto& sequences : told) EXPECT_EQ(sequences, told[0]);
}

TEST_P(JetStreamLogTest, P1_NothingThatWasAnsweredIsLostWhenTheServerIsKilled) {
  constexpr int kThreads = 4;
  const auto other = NewGateway();
  std::atomic<bool> over = false;
  absl::Mutex mutex;
  std::map<Sequence, std::string> stored;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !over; ++i) {
        const std::string content = absl::StrCat(t, "-", i);
        NewEvent event = MakeEvent(content, content);
        while (!over) {
          const auto result = (t % 2 == 0 ? *gateway_ : *other).Append(event);
          ++answered;
          if (!result.ok()) {
            EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
            continue;
          }
          absl::MutexLock lock(&mutex);
          EXPECT_TRUE(stored.emplace(result->sequence, content).second) << result->sequence;
          break;
        }
      }
    });
  }
  for (int kills = 0; kills < 4; ++kills) {
    {
      absl::MutexLock lock(&mutex);
      const size_t enough = stored.size() + 300;
      const auto has_enough = [&]() { return stored.size() >= enough; };
      mutex.Await(absl::Condition(&has_enough));
    }
    server_->Kill();
    ASSERT_TRUE(server_->Start()) << server_->log();
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  const auto reader = NewGateway();
  std::map<Sequence, std::string> kept;
  std::set<std::string> contents;
  Sequence sequence = 0;
  for (const std::string& content : reader->ReadAll(0)) {
    kept[++sequence] = content;
    EXPECT_TRUE(contents.insert(content).second) << content << " is there twice";
  }
  for (const auto& [place, content] : stored) EXPECT_EQ(kept[place], content);
  EXPECT_GE(kept.size(), stored.size());
}

TEST_P(JetStreamLogTest, AnAppendOutlastsAConnectionThatBreaks) {
  ChaosProxy network(/*seed=*/1);
  network.LeadTo(server_->port());
  JetStreamOptions options = Options();
  options.nats.servers = {absl::StrCat("nats://127.0.0.1:", network.port())};
  LogGateway gateway(options);
  // On a machine that is busy a new connection may take longer than is waited for.
  constexpr int kTries = 50;
  bool outlasted = false;
  for (int i = 0; i < kTries && !outlasted; ++i) {
    while (!gateway.connection().connected()) std::this_thread::yield();
    const int64_t cuts = network.tally().cuts;
    network.Cut(ChaosProxy::kToServer, ChaosProxy::End::kReset, /*most_bytes=*/1, /*percent=*/100);
    const bool is_stored = gateway.Append(MakeEvent(absl::StrCat(i))).ok();
    outlasted = is_stored && network.tally().cuts > cuts;
  }
  EXPECT_TRUE(outlasted);
}

TEST_P(JetStreamLogTest, WithoutServersAnAppendIsUnavailableHoweverLongRequestsMayTake) {
  JetStreamOptions options = Options();
  options.nats.request_timeout = absl::Hours(1);
  LogGateway patient(options);
  EXPECT_EQ(patient.Answer(Signed("n", "known")), "1");
  server_->Kill();
  EXPECT_EQ(patient.Answer(MakeEvent("1")), "UNAVAILABLE");
  EXPECT_EQ(patient.Answer(Signed("n", "known")), "UNAVAILABLE");
  EXPECT_EQ(patient.Answer(Signed("m", "1")), "UNAVAILABLE");
  NewEvent repeat = MakeEvent("1");
  repeat.only_if_known = true;
  EXPECT_EQ(patient.Answer(repeat), "UNAVAILABLE");
  EXPECT_TRUE(server_->Start()) << server_->log();
  while (!patient.connection().connected()) std::this_thread::yield();
  EXPECT_EQ(patient.Answer(MakeEvent("1")), "2");
}

TEST_P(JetStreamLogTest, P7_ClosingAnswersEverything) {
  std::atomic<int> answered = 0;
  server_->Pause();
  for (int i = 0; i < 100; ++i) {
    NewEvent event = i % 2 == 0 ? MakeEvent(absl::StrCat(i)) : Signed("n", absl::StrCat(i));
    event.only_if_known = i % 5 == 0;
    gateway_->log().Append(std::move(event),
                           [&](const absl::StatusOr<AppendResult>&) { ++answered; });
  }
  gateway_->log().FindPlace(absl::UnixEpoch() + absl::Hours(1),
                            [&](const absl::StatusOr<Sequence>&) { ++answered; });
  gateway_->Close();
  server_->Continue();
  EXPECT_EQ(answered, 101);
}

TEST_P(JetStreamLogTest, WhatTheServersNeverTakeIsToldSo) {
  NewEvent huge = MakeEvent("1", std::string(1 << 20, 'x'));
  EXPECT_EQ(gateway_->Answer(huge), "OUT_OF_RANGE");
  EXPECT_EQ(gateway_->Answer(MakeEvent("1")), "1");
}

// ----------------------------------------------------------------------------------------- reading

TEST_P(JetStreamLogTest, FiftyThousandEventsAreReadInPages) {
  constexpr int kEvents = 50'000;
  AppendNumbered(1, kEvents);
  ForgetTail();
  const std::vector<std::string> all = gateway_->ReadAll(0);
  ASSERT_EQ(all.size(), kEvents);
  for (int i = 0; i < kEvents; ++i) {
    // Those of one batch are stored in the order in which they were appended.
    ASSERT_EQ(all[static_cast<size_t>(i)], absl::StrCat(i + 1));
  }
  // From several places at the same time.
  std::vector<std::thread> threads;
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([&, t] {
      const Sequence after = kEvents - 2000 - t;
      EXPECT_EQ(gateway_->ReadAll(after, {100, 1 << 20}).size(), 2000 + t);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(JetStreamLogTest, PagesHoldWhatTheirLimitsAllow) {
  std::vector<NewEvent> events;
  for (int i = 0; i < 20; ++i) {
    events.push_back(MakeEvent(absl::StrCat(i), std::string(i == 10 ? 100'000 : 1000, 'x')));
  }
  gateway_->AppendAll(std::move(events));
  for (const bool from_memory : {true, false}) {
    if (!from_memory) ForgetTail();
    const auto by_number = gateway_->Read(0, {7, 1 << 20});
    EXPECT_EQ(by_number->events.size(), 7);
    EXPECT_FALSE(by_number->at_end);
    const auto by_bytes = gateway_->Read(0, {100, 4500});
    EXPECT_GE(by_bytes->events.size(), 3);
    EXPECT_LE(by_bytes->events.size(), 4);
    EXPECT_EQ(gateway_->Read(0, {100, 1})->events.size(), 1);
    EXPECT_EQ(gateway_->Read(10, {100, 50'000})->events.size(), 1) << "one, whatever its size";
    EXPECT_EQ(gateway_->Read(5, {1, 1})->events.size(), 1);
    EXPECT_EQ(gateway_->Read(5, {2, 1 << 20})->events.size(), 2);
    EXPECT_TRUE(gateway_->Read(18, {2, 1 << 20})->at_end);
    EXPECT_EQ(gateway_->ReadAll(0, {100, 5000}).size(), 20);
    EXPECT_EQ(gateway_->ReadAll(0, {3, 1 << 20}).size(), 20);
    EXPECT_THAT(gateway_->Read(20)->events, IsEmpty());
    EXPECT_TRUE(gateway_->Read(20)->at_end);
    EXPECT_EQ(gateway_->Read(21).status().code(), absl::StatusCode::kOutOfRange);
  }
}

TEST_P(JetStreamLogTest, WhatWasPurgedIsOutOfRangeWhicheverGatewayDidIt) {
  AppendNumbered(1, 10);
  ForgetTail();
  const auto other = NewGateway();
  const auto purged = Awaited<int>([&](auto done) {
    other->api().Purge(other->subjects().events_stream(), 6, "",
                       [done](const absl::Status& status) { done(status.ok() ? 1 : 0); });
  });
  ASSERT_EQ(*purged, 1);
  EXPECT_EQ(gateway_->Read(2).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(gateway_->log().first(), 6);
  EXPECT_THAT(gateway_->ReadAll(5), ElementsAre("6", "7", "8", "9", "10"));
  EXPECT_EQ(gateway_->Answer(MakeEvent("call-3", "3")), "3 again");
}

TEST_P(JetStreamLogTest, WhatWasDeletedByHandIsPassedOver) {
  AppendNumbered(1, 10);
  for (const Sequence hole : {4, 5, 10}) {
    gateway_->api().DeleteMessage(gateway_->subjects().events_stream(), hole,
                                  [](const absl::Status&) {});
  }
  ForgetTail();
  std::vector<Sequence> found;
  const auto first_page = gateway_->Read(2);
  ASSERT_TRUE(first_page.ok()) << first_page.status();
  for (const auto& event : first_page->events) found.push_back(event->sequence);
  EXPECT_THAT(found, ElementsAre(3, 6, 7, 8, 9));
  const auto rest = gateway_->Read(9);
  ASSERT_TRUE(rest.ok());
  EXPECT_THAT(rest->events, IsEmpty());
  EXPECT_TRUE(rest->at_end);
  EXPECT_EQ(gateway_->Answer(MakeEvent("next")), "11");
  EXPECT_EQ(gateway_->Read(9)->events.front()->sequence, 11);
}

TEST_P(JetStreamLogTest, ReadersOutlastAServerThatIsStartedAnew) {
  AppendNumbered(1, 1000);
  ForgetTail();
  EXPECT_EQ(gateway_->Read(0, {100, 1 << 20})->events.size(), 100);
  server_->Kill();
  ASSERT_TRUE(server_->Start()) << server_->log();
  EXPECT_EQ(gateway_->ReadAll(100, {100, 1 << 20}).size(), 900);
}

// ---------------------------------------------------------------------------------------- look-ups

TEST_P(JetStreamLogTest, EventsAreFoundByTheirCall) {
  AppendNumbered(1, 20);
  EXPECT_EQ(gateway_->Answer(MakeEvent("call-3", "again")), "21");
  NewEvent other = MakeEvent("call-3", "of sales");
  other.source = "sales";
  EXPECT_EQ(gateway_->Answer(other), "22");
  EventQuery query;
  query.call_serial_no = "call-3";
  EXPECT_THAT(gateway_->Find(query), ElementsAre("3", "again", "of sales"));
  query.after = 3;
  EXPECT_THAT(gateway_->Find(query), ElementsAre("again", "of sales"));
  query.max_events = 1;
  EXPECT_THAT(gateway_->Find(query), ElementsAre("again"));
  query = {};
  query.call_serial_no = "call-3";
  query.source = "sales";
  EXPECT_THAT(gateway_->Find(query), ElementsAre("of sales"));
  query.digest = MakeEvent("", "3").digest;
  EXPECT_THAT(gateway_->Find(query), IsEmpty());
  query.call_serial_no = "call-";
  EXPECT_THAT(gateway_->Find(query), IsEmpty());
}

TEST_P(JetStreamLogTest, EventsAreFoundByTheirTime) {
  AppendNumbered(1, 5000);
  const absl::Time start = MakeEvent("").received_at;
  EXPECT_EQ(gateway_->FindPlace(start), 0);
  EXPECT_EQ(gateway_->FindPlace(start + absl::Seconds(1)), 0);
  EXPECT_EQ(gateway_->FindPlace(start + absl::Seconds(2500)), 2499);
  EXPECT_EQ(gateway_->FindPlace(start + absl::Hours(100)), 5000);
  EventQuery query;
  query.received_from = start + absl::Seconds(2500);
  query.received_before = start + absl::Seconds(2503);
  EXPECT_THAT(gateway_->Find(query), ElementsAre("2500", "2501", "2502"));
  query.received_before = absl::InfiniteFuture();
  query.max_events = 2;
  EXPECT_THAT(gateway_->Find(query), ElementsAre("2500", "2501"));
  query.max_events = 10'000;
  EXPECT_EQ(gateway_->Find(query).size(), 2501);
}

// -------------------------------------------------------------------------------- between gateways

TEST_P(JetStreamLogTest, GatewaysTellEachOtherWhatTheyForwardedAndWhoseStreamsTheyHave) {
  const auto other = NewGateway();
  absl::Mutex mutex;
  std::vector<std::string> told;
  for (LogGateway* gateway : {gateway_.get(), other.get()}) {
    const std::string name = gateway == other.get() ? "other" : "one";
    gateway->log().ListenToOthers(
        {[&, name](const std::string& receiver, SequenceRange range) {
           absl::MutexLock lock(&mutex);
           told.push_back(absl::StrCat(name, ": ", receiver, " ", range.first, "-", range.last));
         },
         [&, name](const std::vector<std::string>& receivers) {
           absl::MutexLock lock(&mutex);
           told.push_back(absl::StrCat(name, ": ", receivers.size(), " ", receivers.front()));
         }});
  }
  // What is subscribed to is known to the server when it has answered what came behind.
  other->Stream();
  gateway_->log().RecordForwarded("watch", {3, 5});
  gateway_->log().TellReceivers({"subscription/crm", "watch"});
  gateway_->Stream();
  other->log().RecordForwarded("subscription/crm", {7, 7});
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(
      +[](std::vector<std::string>* all) { return all->size() == 3; }, &told));
  EXPECT_THAT(told, ::testing::UnorderedElementsAre("other: watch 3-5", "other: 2 subscription/crm",
                                                    "one: subscription/crm 7-7"));
}

}  // namespace
}  // namespace onhook
