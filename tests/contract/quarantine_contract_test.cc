// The promises of gateway/store/quarantine.h, kept by every engine.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using Reason = v1::RejectedCallback;

// What one takes of the limit that KeepMany keeps.
constexpr int64_t kBytesOfOne = 256 + 10;

NewRejectedCallback MakeCallback(const std::string& body, const std::string& source = "default") {
  NewRejectedCallback callback;
  callback.source = source;
  callback.received_at = absl::FromUnixMicros(1645524276123456);
  callback.reason = Reason::REASON_MALFORMED;
  callback.detail = "no JSON";
  callback.content_type = "text/plain";
  callback.raw_body = body;
  return callback;
}

class QuarantineContract : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    if (const std::string missing = engine_->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  }
  Quarantine& quarantine() { return engine_->store().quarantine(); }
  // Calls `ask` with a callback and returns what that gets.
  template <typename Result, typename Ask>
  absl::StatusOr<Result> Answer(Ask ask) {
    absl::Notification answered;
    absl::StatusOr<Result> answer;
    ask([&](absl::StatusOr<Result> result) {
      answer = std::move(result);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }
  absl::StatusOr<int64_t> Keep(NewRejectedCallback callback) {
    return Answer<int64_t>(
        [&](auto done) { quarantine().Keep(std::move(callback), std::move(done)); });
  }
  int64_t KeepBody(const std::string& body, const std::string& source = "default") {
    return Keep(MakeCallback(body, source)).value_or(-1);
  }
  // Keeps `count` of 256 + 10 bytes each, and returns their ids.
  std::vector<int64_t> KeepMany(int count, const std::string& source) {
    std::vector<int64_t> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(KeepBody(absl::StrCat("number ", 100 + ++bodies_), source));
    }
    return ids;
  }
  absl::StatusOr<RejectedCallback> Get(int64_t id) {
    return Answer<RejectedCallback>([&](auto done) { quarantine().Get(id, std::move(done)); });
  }
  std::vector<RejectedCallback> List(RejectedCallbackQuery query = {}) {
    return Answer<std::vector<RejectedCallback>>(
               [&](auto done) { quarantine().List(std::move(query), std::move(done)); })
        .value();
  }
  std::vector<int64_t> IdsOf(const std::string& source) {
    RejectedCallbackQuery query;
    query.source = source;
    return Ids(std::move(query));
  }
  std::vector<int64_t> Ids(RejectedCallbackQuery query = {}) {
    std::vector<int64_t> ids;
    for (const RejectedCallback& callback : List(std::move(query))) ids.push_back(callback.id);
    return ids;
  }
  absl::StatusOr<std::vector<int64_t>> Discard(std::vector<int64_t> ids) {
    return Answer<std::vector<int64_t>>(
        [&](auto done) { quarantine().Discard(std::move(ids), std::move(done)); });
  }
  void Limit(int64_t bytes) {
    engine_->quarantine.bytes = bytes;
    engine_->Restart();
  }

  std::unique_ptr<Engine> engine_ = GetParam().make();
  int bodies_ = 0;
};

TEST_P(QuarantineContract, R1_WhatWasKeptComesBackByteForByteAfterACrash) {
  NewRejectedCallback callback = MakeCallback("");
  for (int i = 0; i < 70'000; ++i) callback.raw_body.push_back(static_cast<char>(i * 37));
  callback.reason = Reason::REASON_SIGNATURE;
  const int64_t id = *Keep(callback);
  engine_->Crash();
  const absl::StatusOr<RejectedCallback> kept = Get(id);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->id, id);
  EXPECT_EQ(kept->body_bytes, 70'000);
  EXPECT_EQ(kept->callback.source, "default");
  EXPECT_EQ(kept->callback.received_at, callback.received_at);
  EXPECT_EQ(kept->callback.reason, Reason::REASON_SIGNATURE);
  EXPECT_EQ(kept->callback.detail, "no JSON");
  EXPECT_EQ(kept->callback.content_type, "text/plain");
  EXPECT_EQ(kept->callback.raw_body, callback.raw_body);
}

TEST_P(QuarantineContract, R1_AnEmptyBodyIsOne) {
  NewRejectedCallback callback;
  callback.received_at = absl::UnixEpoch();
  const int64_t id = *Keep(callback);
  EXPECT_EQ(Get(id)->callback.raw_body, "");
  EXPECT_EQ(Get(id)->body_bytes, 0);
}

TEST_P(QuarantineContract, R1_MemoryAndDiskTellTheSameTime) {
  NewRejectedCallback callback = MakeCallback("body");
  callback.received_at += absl::Nanoseconds(700);
  EXPECT_EQ(Get(*Keep(callback))->callback.received_at, MakeCallback("").received_at);
}

TEST_P(QuarantineContract, R2_AnEqualOneIsKeptOnce) {
  const int64_t id = KeepBody("body");
  NewRejectedCallback again = MakeCallback("body");
  again.received_at += absl::Hours(1);
  again.detail = "another word for it";
  EXPECT_EQ(*Keep(again), id);
  engine_->Crash();
  EXPECT_EQ(*Keep(again), id);
  EXPECT_THAT(Ids(), ElementsAre(id));
}

TEST_P(QuarantineContract, R2_AnotherBodySourceOrReasonIsAnotherOne) {
  NewRejectedCallback of_another_source = MakeCallback("body");
  of_another_source.source = "sales";
  NewRejectedCallback for_another_reason = MakeCallback("body");
  for_another_reason.reason = Reason::REASON_SIGNATURE;
  std::vector<int64_t> ids = {KeepBody("body"), KeepBody("Body"), *Keep(of_another_source),
                              *Keep(for_another_reason)};
  EXPECT_THAT(Ids(), ElementsAreArray(ids));
  EXPECT_EQ(ids.back() - ids.front(), 3) << "ids grow";
}

TEST_P(QuarantineContract, R2_OfEqualOnesThatComeTogetherOneIsKept) {
  constexpr int kCallbacks = 20;
  absl::BlockingCounter missing(kCallbacks);
  std::vector<absl::StatusOr<int64_t>> ids(kCallbacks);
  for (absl::StatusOr<int64_t>& id : ids) {
    quarantine().Keep(MakeCallback("body"), [&](absl::StatusOr<int64_t> result) {
      id = std::move(result);
      missing.DecrementCount();
    });
  }
  missing.Wait();
  for (const absl::StatusOr<int64_t>& id : ids) EXPECT_EQ(*id, *ids[0]);
  EXPECT_THAT(Ids(), ElementsAre(*ids[0]));
}

TEST_P(QuarantineContract, R3_TheOldestOfOneSourceGoesWhenThereIsNoRoom) {
  Limit(3 * (256 + 4));
  const int64_t first = KeepBody("one.");
  EXPECT_EQ(KeepBody("two."), first + 1);
  EXPECT_EQ(KeepBody("3..."), first + 2);
  EXPECT_EQ(KeepBody("one."), first) << "what is there makes no room";
  EXPECT_EQ(quarantine().removed_by_limit(), 0);
  EXPECT_EQ(KeepBody("four"), first + 3);
  EXPECT_THAT(Ids(), ElementsAre(first + 1, first + 2, first + 3));
  EXPECT_EQ(quarantine().removed_by_limit(), 1);
  EXPECT_EQ(KeepBody(std::string(2 * (256 + 4) - 256, 'x')), first + 4);
  EXPECT_THAT(Ids(), ElementsAre(first + 3, first + 4));
  EXPECT_EQ(quarantine().removed_by_limit(), 3);
  engine_->Crash();
  EXPECT_THAT(Ids(), ElementsAre(first + 3, first + 4));
  EXPECT_EQ(KeepBody("five"), first + 5) << "the count is right after a crash";
  EXPECT_THAT(Ids(), ElementsAre(first + 4, first + 5));
}

TEST_P(QuarantineContract, R3_ASourceThatFloodsPushesOutItsOwn) {
  Limit(10 * kBytesOfOne);
  const std::vector<int64_t> of_sales = KeepMany(3, "sales");
  const std::vector<int64_t> of_flood = KeepMany(30, "default");
  EXPECT_THAT(IdsOf("sales"), ElementsAreArray(of_sales));
  EXPECT_THAT(IdsOf("default"), ElementsAreArray(of_flood.end() - 7, of_flood.end()));
  EXPECT_EQ(quarantine().removed_by_limit(), 23);
  engine_->Crash();
  const std::vector<int64_t> more = KeepMany(7, "default");
  EXPECT_THAT(IdsOf("sales"), ElementsAreArray(of_sales)) << "the counts are right after a crash";
  EXPECT_THAT(IdsOf("default"), ElementsAreArray(more));
}

TEST_P(QuarantineContract, R3_ASourceThatTakesLessGetsRoomFromTheOneThatTakesMost) {
  Limit(10 * kBytesOfOne);
  const std::vector<int64_t> of_flood = KeepMany(10, "default");
  const std::vector<int64_t> of_sales = KeepMany(4, "sales");
  EXPECT_THAT(IdsOf("sales"), ElementsAreArray(of_sales));
  EXPECT_THAT(IdsOf("default"), ElementsAreArray(of_flood.begin() + 4, of_flood.end()));
}

TEST_P(QuarantineContract, R3_OfSourcesThatTakeTheSameTheFirstByNameLosesItsOldest) {
  Limit(4 * kBytesOfOne);
  const std::vector<int64_t> of_b = KeepMany(2, "b");
  const std::vector<int64_t> of_a = KeepMany(2, "a");
  KeepMany(1, "c");
  EXPECT_THAT(IdsOf("a"), ElementsAre(of_a[1]));
  EXPECT_THAT(IdsOf("b"), ElementsAreArray(of_b));
}

TEST_P(QuarantineContract, R3_WhatIsKeptStaysThoughItsSourceTakesMostByIt) {
  Limit(4 * kBytesOfOne);
  const std::vector<int64_t> of_default = KeepMany(2, "default");
  const std::vector<int64_t> of_support = KeepMany(1, "support");
  const int64_t large = KeepBody(std::string(3 * kBytesOfOne - 256, 'x'), "sales");
  EXPECT_THAT(IdsOf("sales"), ElementsAre(large));
  EXPECT_THAT(IdsOf("default"), IsEmpty());
  EXPECT_THAT(IdsOf("support"), ElementsAreArray(of_support));
}

TEST_P(QuarantineContract, R3_WhatASourceDiscardedItNoLongerTakes) {
  Limit(6 * kBytesOfOne);
  const std::vector<int64_t> of_default = KeepMany(4, "default");
  const std::vector<int64_t> of_sales = KeepMany(2, "sales");
  EXPECT_THAT(*Discard({of_default[1], of_default[2], of_default[3]}), IsEmpty());
  KeepMany(4, "sales");
  EXPECT_THAT(IdsOf("default"), ElementsAre(of_default[0]));
  EXPECT_THAT(*Discard({of_default[0]}), IsEmpty());
  EXPECT_EQ(KeepMany(7, "default").size(), 7);
  EXPECT_EQ(IdsOf("default").size(), 3);
  EXPECT_EQ(IdsOf("sales").size(), 3);
}

TEST_P(QuarantineContract, R3_WhatIsDiscardedMakesRoom) {
  Limit(2 * (256 + 4));
  const int64_t first = KeepBody("one.");
  KeepBody("two.");
  EXPECT_THAT(*Discard({first}), IsEmpty());
  KeepBody("3...");
  EXPECT_THAT(Ids(), ElementsAre(first + 1, first + 2));
}

TEST_P(QuarantineContract, R3_WhatIsLargerThanAllIsRefusedAndNothingGoes) {
  Limit(600);
  const int64_t id = KeepBody("body");
  EXPECT_EQ(Keep(MakeCallback(std::string(345, 'x'))).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Ids(), ElementsAre(id));
  EXPECT_TRUE(Keep(MakeCallback(std::string(344, 'x'))).ok());
}

TEST_P(QuarantineContract, R3_WhatIsTooOldGoes) {
  NewRejectedCallback old = MakeCallback("old");
  old.received_at = engine_->clock().Now();
  const int64_t id = *Keep(old);
  NewRejectedCallback fresh = MakeCallback("fresh");
  fresh.received_at = old.received_at + absl::Hours(2);
  EXPECT_EQ(*Keep(fresh), id + 1);
  engine_->quarantine.age = absl::Hours(1);
  engine_->Restart();
  engine_->clock().Advance(absl::Hours(2));
  Until([this] { return quarantine().removed_by_limit() == 1; });
  EXPECT_THAT(Ids(), ElementsAre(id + 1));
  EXPECT_EQ(quarantine().removed_by_age(), 1);
}

TEST_P(QuarantineContract, R3_ALowerLimitHoldsSoonAfterItIsSet) {
  for (int i = 0; i < 20; ++i) KeepBody(absl::StrCat("body ", 10 + i));
  const std::vector<int64_t> of_sales = KeepMany(2, "sales");
  Limit(7 * kBytesOfOne);
  engine_->clock().Advance(absl::Seconds(31));
  Until([this] { return quarantine().removed_by_limit() == 15; });
  EXPECT_EQ(quarantine().removed_by_age(), 0);
  EXPECT_EQ(IdsOf("default").size(), 5);
  EXPECT_THAT(IdsOf("sales"), ElementsAreArray(of_sales));
}

TEST_P(QuarantineContract, WhatIsKeptIsMeasuredAsTheLimitCountsIt) {
  const auto measure = [this] {
    QuarantineSize size{-1, -1};
    absl::Notification done;
    quarantine().Measure([&](const absl::StatusOr<QuarantineSize>& measured) {
      if (measured.ok()) size = *measured;
      done.Notify();
    });
    done.WaitForNotification();
    return size;
  };
  EXPECT_EQ(measure().callbacks, 0);
  EXPECT_EQ(measure().bytes, 0);
  KeepBody("one.");
  KeepBody("another");
  EXPECT_EQ(measure().callbacks, 2);
  EXPECT_EQ(measure().bytes, 4 + 7 + 2 * 256);
}

TEST_P(QuarantineContract, R4_WhatWasDiscardedIsGoneAlsoAfterACrash) {
  const int64_t first = KeepBody("one");
  KeepBody("two");
  EXPECT_THAT(*Discard({first, 1'000'000, first}), ElementsAre(1'000'000));
  EXPECT_THAT(Ids(), ElementsAre(first + 1));
  EXPECT_EQ(Get(first).status().code(), absl::StatusCode::kNotFound);
  engine_->Crash();
  EXPECT_THAT(Ids(), ElementsAre(first + 1));
  EXPECT_THAT(*Discard({first}), ElementsAre(first));
}

TEST_P(QuarantineContract, R4_AnIdIsNeverUsedAgain) {
  const int64_t first = KeepBody("one");
  EXPECT_THAT(*Discard({first}), IsEmpty());
  engine_->Restart();
  EXPECT_EQ(KeepBody("one"), first + 1);
}

TEST_P(QuarantineContract, TooManyIdsAreRefused) {
  EXPECT_EQ(Discard(std::vector<int64_t>(1001, 1)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(QuarantineContract, AListingHasPagesAndNoBodies) {
  const int64_t first = KeepBody("1");
  for (int i = 2; i <= 5; ++i) KeepBody(std::string(static_cast<size_t>(i), 'x'));
  RejectedCallbackQuery query;
  query.max_callbacks = 2;
  query.after = first;
  const std::vector<RejectedCallback> page = List(query);
  ASSERT_EQ(page.size(), 2);
  EXPECT_EQ(page[0].id, first + 1);
  EXPECT_EQ(page[0].body_bytes, 2);
  EXPECT_EQ(page[0].callback.raw_body, "");
  EXPECT_EQ(page[0].callback.detail, "no JSON");
  EXPECT_EQ(page[0].callback.received_at, MakeCallback("").received_at);
  EXPECT_EQ(page[1].id, first + 2);
  query.after = first + 4;
  EXPECT_THAT(Ids(query), IsEmpty());
  query.max_callbacks = 0;
  query.after = 0;
  EXPECT_THAT(Ids(query), IsEmpty());
}

TEST_P(QuarantineContract, AListingCanBeOfOneSource) {
  NewRejectedCallback of_sales = MakeCallback("2");
  of_sales.source = "sales";
  const int64_t first = KeepBody("1");
  EXPECT_EQ(*Keep(of_sales), first + 1);
  KeepBody("3");
  RejectedCallbackQuery query;
  query.source = "default";
  EXPECT_THAT(Ids(query), ElementsAre(first, first + 2));
  query.after = first;
  EXPECT_THAT(Ids(query), ElementsAre(first + 2));
  query.source = "nobody";
  EXPECT_THAT(Ids(query), IsEmpty());
}

TEST_P(QuarantineContract, AClosedStoreAnswersUnavailable) {
  ASSERT_TRUE(engine_->store().Close().ok());
  EXPECT_EQ(Keep(MakeCallback("body")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Discard({1}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Get(1).status().code(), absl::StatusCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(Engines, QuarantineContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
