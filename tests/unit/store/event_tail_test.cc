#include "gateway/store/embedded/event_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kPlenty = 1 << 20;

LogEventPtr Event(Sequence sequence, size_t bytes) {
  auto event = std::make_shared<LogEvent>();
  event->sequence = sequence;
  event->event = std::string(bytes, 'x');
  return event;
}

// A tail behind event `last` of the log, with `count` events of 1,000 bytes.
std::unique_ptr<EventTail> TailWith(Sequence last, int count, size_t max_bytes = kPlenty) {
  auto tail = std::make_unique<EventTail>(last, max_bytes);
  for (int i = 1; i <= count; ++i) tail->Add(Event(last + i, 1000));
  return tail;
}

std::vector<Sequence> SequencesOf(const std::optional<LogPage>& page) {
  std::vector<Sequence> sequences;
  if (!page.has_value()) return {-1};
  for (const LogEventPtr& event : page->events) sequences.push_back(event->sequence);
  return sequences;
}

TEST(EventTailTest, TheEndOfTheLogIsKnownWithoutAnEvent) {
  const EventTail tail(7, kPlenty);
  EXPECT_EQ(tail.last(), 7);
  const std::optional<LogPage> page = tail.Read(7, {});
  EXPECT_THAT(SequencesOf(page), IsEmpty());
  EXPECT_TRUE(page->at_end);
}

TEST(EventTailTest, WhatLiesBeforeItIsNotInMemory) {
  EXPECT_FALSE(EventTail(7, kPlenty).Read(6, {}).has_value());
  const auto tail = TailWith(7, 2);
  EXPECT_FALSE(tail->Read(6, {}).has_value());
  EXPECT_THAT(SequencesOf(tail->Read(7, {})), ElementsAre(8, 9));
}

TEST(EventTailTest, EventsAreReadInOrderToTheEnd) {
  const auto tail = TailWith(0, 4);
  EXPECT_EQ(tail->last(), 4);
  const std::optional<LogPage> page = tail->Read(1, {});
  EXPECT_THAT(SequencesOf(page), ElementsAre(2, 3, 4));
  EXPECT_TRUE(page->at_end);
}

TEST(EventTailTest, APageIsBoundedInEvents) {
  const auto tail = TailWith(0, 4);
  const std::optional<LogPage> page = tail->Read(0, {2, kPlenty});
  EXPECT_THAT(SequencesOf(page), ElementsAre(1, 2));
  EXPECT_FALSE(page->at_end);
}

TEST(EventTailTest, APageIsBoundedInBytes) {
  const auto tail = TailWith(0, 4);
  EXPECT_THAT(SequencesOf(tail->Read(0, {100, 2000})), ElementsAre(1, 2));
  EXPECT_THAT(SequencesOf(tail->Read(0, {100, 1999})), ElementsAre(1));
}

TEST(EventTailTest, OneEventIsReadWhateverTheLimits) {
  const auto tail = TailWith(0, 4);
  EXPECT_THAT(SequencesOf(tail->Read(2, {100, 0})), ElementsAre(3));
  EXPECT_THAT(SequencesOf(tail->Read(2, {0, kPlenty})), ElementsAre(3));
}

TEST(EventTailTest, TheOldestGoWhenItIsFull) {
  const auto tail = TailWith(0, 10, /*max_bytes=*/4000);
  EXPECT_FALSE(tail->Read(6, {}).has_value());
  EXPECT_THAT(SequencesOf(tail->Read(7, {})), ElementsAre(8, 9, 10));
}

TEST(EventTailTest, TheNewestStaysHoweverLargeItIs) {
  const auto tail = TailWith(0, 3, /*max_bytes=*/1);
  EXPECT_FALSE(tail->Read(1, {}).has_value());
  EXPECT_THAT(SequencesOf(tail->Read(2, {})), ElementsAre(3));
}

TEST(EventTailTest, AnEventThatWentLivesOnWithItsReader) {
  const auto tail = TailWith(0, 1, /*max_bytes=*/1);
  const std::optional<LogPage> page = tail->Read(0, {});
  tail->Add(Event(2, 1000));
  EXPECT_EQ(page->events[0]->event.size(), 1000U);
}

TEST(EventTailTest, ReadersBesideTheWriterSeeNoGap) {
  EventTail tail(0, 5000);
  std::thread writer([&tail] {
    for (Sequence sequence = 1; sequence <= 5000; ++sequence) tail.Add(Event(sequence, 100));
  });
  Sequence seen = 0;
  while (seen < 5000) {
    const std::optional<LogPage> page = tail.Read(seen, {});
    if (!page.has_value()) {
      seen = tail.last() - 1;  // overtaken: go on at the end
      continue;
    }
    for (const LogEventPtr& event : page->events) ASSERT_EQ(event->sequence, ++seen);
  }
  writer.join();
}

}  // namespace
}  // namespace onhook
