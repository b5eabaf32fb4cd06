#include "gateway/delivery/rejected_callback_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tests/support/fake_quarantine.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/delivery/fake_judge.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string ThisStore() { return "0123456789abcdef"; }

// One in which the bytes of some callbacks have rotted.
class RottenQuarantine final : public Quarantine {
 public:
  RottenQuarantine(Quarantine* whole, std::set<int64_t> rotten)
      : whole_(whole), rotten_(std::move(rotten)) {}
  void Keep(NewRejectedCallback callback, Done<int64_t> done) override {
    whole_->Keep(std::move(callback), std::move(done));
  }
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override {
    whole_->List(std::move(query), std::move(done));
  }
  void Get(int64_t id, Done<RejectedCallback> done) override {
    if (rotten_.count(id) > 0) return done(absl::DataLossError("bytes do not fit their checksum"));
    whole_->Get(id, std::move(done));
  }
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override {
    whole_->Discard(std::move(ids), std::move(done));
  }
  void Measure(Done<QuarantineSize> done) override { whole_->Measure(std::move(done)); }

 private:
  Quarantine* const whole_;
  const std::set<int64_t> rotten_;
};

class RejectedCallbackCallsTest : public testing::Test {
 protected:
  // Keeps a callback; its id.
  std::string Keep(const std::string& body, const std::string& source = "sales") {
    NewRejectedCallback callback;
    callback.source = source;
    callback.received_at = clock_.Now();
    callback.reason = v1::RejectedCallback::REASON_SIGNATURE;
    callback.detail = "the signature is of no key";
    callback.content_type = "application/json";
    callback.raw_body = body;
    std::string id;
    quarantine_.Keep(callback, [&id](const absl::StatusOr<int64_t>& kept) {
      id = absl::StrCat("r1-0123456789abcdef-", kept.value_or(0));
    });
    return id;
  }
  void KeepMany(int count, const std::string& prefix = "b") {
    for (int i = 0; i < count; ++i) Keep(absl::StrCat(prefix, i));
  }
  std::vector<std::string> Left(const std::string& source = "") {
    v1::ListRejectedCallbacksRequest request;
    request.set_source(source);
    request.set_page_size(1000);
    v1::ListRejectedCallbacksResponse response;
    EXPECT_TRUE(calls_.List(request, response).ok());
    std::vector<std::string> ids;
    for (const v1::RejectedCallback& rejected : response.rejected_callbacks()) {
      ids.push_back(rejected.rejected_callback_id());
    }
    return ids;
  }
  absl::StatusOr<v1::ReparseRejectedCallbacksResponse> Reparse(
      const std::vector<std::string>& ids) {
    v1::ReparseRejectedCallbacksRequest request;
    request.mutable_rejected_callback_ids()->Assign(ids.begin(), ids.end());
    return Ask<v1::ReparseRejectedCallbacksResponse>(&RejectedCallbackCalls::Reparse, request);
  }
  absl::StatusOr<v1::ReparseRejectedCallbacksResponse> ReparseAll(const std::string& token = "") {
    v1::ReparseRejectedCallbacksRequest request;
    request.set_all(true);
    request.set_page_token(token);
    return Ask<v1::ReparseRejectedCallbacksResponse>(&RejectedCallbackCalls::Reparse, request);
  }
  absl::StatusOr<v1::DiscardRejectedCallbacksResponse> Discard(
      const std::vector<std::string>& ids) {
    v1::DiscardRejectedCallbacksRequest request;
    request.mutable_rejected_callback_ids()->Assign(ids.begin(), ids.end());
    return Ask<v1::DiscardRejectedCallbacksResponse>(&RejectedCallbackCalls::Discard, request);
  }
  absl::StatusOr<v1::DiscardRejectedCallbacksResponse> DiscardAll(const std::string& token = "") {
    v1::DiscardRejectedCallbacksRequest request;
    request.set_all(true);
    request.set_page_token(token);
    return Ask<v1::DiscardRejectedCallbacksResponse>(&RejectedCallbackCalls::Discard, request);
  }
  // The store fails once so many pages are discarded.
  absl::StatusOr<v1::DiscardRejectedCallbacksResponse> DiscardAllFailingAfter(int pages) {
    v1::DiscardRejectedCallbacksRequest request;
    request.set_all(true);
    v1::DiscardRejectedCallbacksResponse response;
    const auto fail = [this] { quarantine_.FailWith(absl::UnavailableError("closing")); };
    if (pages == 0) fail();
    absl::Status status = calls_.Discard(request, response, [&] {
      if (--pages == 0) fail();  // asked after each page
      return false;
    });
    quarantine_.FailWith(absl::OkStatus());
    if (!status.ok()) return status;
    return response;
  }
  template <typename Response, typename Method, typename Request>
  absl::StatusOr<Response> Ask(Method method, const Request& request) {
    Response response;
    absl::Status status = (calls_.*method)(request, response, [this] { return abandoned_; });
    if (!status.ok()) return status;
    return response;
  }

  ManualClock clock_;
  FakeQuarantine quarantine_;
  FakeJudge judge_;
  bool abandoned_ = false;
  RejectedCallbackCalls calls_{&quarantine_, ThisStore, &judge_, &clock_};
};

TEST_F(RejectedCallbackCallsTest, AListingTellsAllButTheBodyAndFollowsItsPages) {
  const std::string first = Keep("secret body");
  const std::string second = Keep("b");
  v1::ListRejectedCallbacksRequest request;
  request.set_page_size(1);
  v1::ListRejectedCallbacksResponse page;
  ASSERT_TRUE(calls_.List(request, page).ok());
  ASSERT_EQ(page.rejected_callbacks_size(), 1);
  const v1::RejectedCallback& told = page.rejected_callbacks(0);
  EXPECT_EQ(told.rejected_callback_id(), first);
  EXPECT_EQ(told.source(), "sales");
  EXPECT_EQ(told.received_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(told.reason(), v1::RejectedCallback::REASON_SIGNATURE);
  EXPECT_EQ(told.detail(), "the signature is of no key");
  EXPECT_EQ(told.body_bytes(), 11);
  EXPECT_EQ(told.content_type(), "application/json");
  EXPECT_THAT(page.ShortDebugString(), Not(HasSubstr("secret")));
  request.set_page_token(page.next_page_token());
  page.Clear();
  ASSERT_TRUE(calls_.List(request, page).ok());
  EXPECT_EQ(page.rejected_callbacks(0).rejected_callback_id(), second);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(RejectedCallbackCallsTest, AListingMayBeOfOneSource) {
  Keep("a", "sales");
  const std::string id = Keep("b", "support");
  EXPECT_THAT(Left("support"), ElementsAre(id));
}

TEST_F(RejectedCallbackCallsTest, OneIsGotWithItsBodyByteForByte) {
  const std::string body("{\0\xff\n", 4);
  v1::GetRejectedCallbackRequest request;
  request.set_rejected_callback_id(Keep(body));
  v1::GetRejectedCallbackResponse response;
  ASSERT_TRUE(calls_.Get(request, response).ok());
  EXPECT_EQ(response.raw_body(), body);
  EXPECT_EQ(response.rejected_callback().rejected_callback_id(), request.rejected_callback_id());
}

TEST_F(RejectedCallbackCallsTest, WhatPassesBecomesAnEventAndLeavesAndTheRestStays) {
  const std::string good = Keep("a");
  const std::string bad = Keep("bad");
  const auto answer = Reparse({good, bad, "nonsense", "r1-0123456789abcdef-99"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->event_ids(), ElementsAre("v1-a"));
  ASSERT_EQ(answer->refusals_size(), 1);
  EXPECT_EQ(answer->refusals(0).rejected_callback_id(), bad);
  EXPECT_EQ(answer->refusals(0).reason(), v1::RejectedCallback::REASON_INVALID_FIELD);
  EXPECT_EQ(answer->refusals(0).detail(), "called is missing");
  EXPECT_THAT(answer->unknown_ids(), ElementsAre("nonsense", "r1-0123456789abcdef-99"));
  EXPECT_THAT(answer->unjudged_ids(), IsEmpty());
  EXPECT_THAT(Left(), ElementsAre(bad));
}

TEST_F(RejectedCallbackCallsTest, AnIdGivenTwiceIsJudgedOnce) {
  const std::string id = Keep("a");
  const auto answer = Reparse({id, id});
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(judge_.judged(), ElementsAre("a"));
  EXPECT_THAT(answer->unknown_ids(), IsEmpty());
  EXPECT_EQ(Discard({Keep("b"), Keep("b")})->discarded(), 1);
}

TEST_F(RejectedCallbackCallsTest, TheEventComesFirstAndComesAgainIfTheRemovalFailed) {
  const std::string id = Keep("a");
  judge_.on_judge = [this] { quarantine_.FailWith(absl::UnavailableError("closing")); };
  EXPECT_TRUE(absl::IsUnavailable(Reparse({id}).status()));
  EXPECT_THAT(judge_.judged(), ElementsAre("a"));
  judge_.on_judge = [] {};
  quarantine_.FailWith(absl::OkStatus());
  EXPECT_THAT(Left(), ElementsAre(id));
  EXPECT_THAT(Reparse({id})->event_ids(), ElementsAre("v1-a"));
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(RejectedCallbackCallsTest, AFailureInTheMiddleTellsWhatIsDoneAndWhatIsNot) {
  const std::string a = Keep("a");
  const std::string b = Keep("b");
  const std::string c = Keep("c");
  judge_.FailAt("b", absl::UnavailableError("the store cannot write now"));
  const auto answer = Reparse({a, b, c});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->event_ids(), ElementsAre("v1-a"));
  EXPECT_THAT(answer->unjudged_ids(), ElementsAre(b, c));
  EXPECT_THAT(Left(), ElementsAre(b, c));
  const absl::Status again = Reparse({b, c}).status();
  EXPECT_EQ(again, absl::UnavailableError(absl::StrCat(b, ": the store cannot write now")));
}

TEST_F(RejectedCallbackCallsTest, APassOverAllGoesOnBehindWhatFailedInTheMiddle) {
  Keep("a");
  Keep("bad");
  Keep("c");
  judge_.FailAt("c", absl::ResourceExhaustedError("no room on the disk"));
  const auto first = ReparseAll();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->refusals_size(), 1);
  ASSERT_NE(first->next_page_token(), "");
  EXPECT_TRUE(absl::IsResourceExhausted(ReparseAll(first->next_page_token()).status()));
  judge_.FailAt("c", absl::OkStatus());
  const auto second = ReparseAll(first->next_page_token());
  EXPECT_THAT(second->event_ids(), ElementsAre("v1-c"));
  EXPECT_THAT(second->refusals(), IsEmpty()) << "refused once in a pass";
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(RejectedCallbackCallsTest, OneThatHasRottenIsToldAndHoldsUpNoOther) {
  const std::string first = Keep("a");
  Keep("b");
  RottenQuarantine rotten(&quarantine_, {1});
  RejectedCallbackCalls calls(&rotten, ThisStore, &judge_, &clock_);
  v1::ReparseRejectedCallbacksRequest request;
  request.set_all(true);
  v1::ReparseRejectedCallbacksResponse response;
  ASSERT_TRUE(calls.Reparse(request, response, [] { return false; }).ok());
  EXPECT_THAT(response.event_ids(), ElementsAre("v1-b"));
  ASSERT_EQ(response.refusals_size(), 1);
  EXPECT_EQ(response.refusals(0).rejected_callback_id(), first);
  EXPECT_EQ(response.refusals(0).reason(), v1::RejectedCallback::REASON_UNSPECIFIED);
  EXPECT_THAT(Left(), ElementsAre(first));
}

TEST_F(RejectedCallbackCallsTest, APassLeavesOutWhatIsRefusedWhileItRuns) {
  KeepMany(1001, "bad");
  int newer = 0;
  judge_.on_judge = [&] { Keep(absl::StrCat("bad newer", newer++)); };
  auto answer = ReparseAll();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->refusals_size(), 1000) << "of one call";
  answer = ReparseAll(answer->next_page_token());
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->refusals_size(), 1);
  EXPECT_EQ(answer->next_page_token(), "");
}

TEST_F(RejectedCallbackCallsTest, ACallThatTakesLongEndsAndSaysThatThereIsMore) {
  KeepMany(10);
  judge_.on_judge = [this] { clock_.Advance(absl::Seconds(1)); };
  auto answer = ReparseAll();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->event_ids_size(), 3);
  judge_.on_judge = [this] { clock_.Advance(absl::Hours(1)); };
  answer = ReparseAll(answer->next_page_token());
  EXPECT_THAT(answer->event_ids(), ElementsAre("v1-b3")) << "one at least";
  EXPECT_NE(answer->next_page_token(), "");
}

TEST_F(RejectedCallbackCallsTest, AnAbandonedCallEnds) {
  KeepMany(10);
  judge_.on_judge = [this] { abandoned_ = true; };
  ASSERT_TRUE(ReparseAll().ok());
  EXPECT_THAT(judge_.judged(), ElementsAre("b0"));
  KeepMany(2000, "c");
  EXPECT_EQ(DiscardAll()->discarded(), 1000) << "a page of them";
}

TEST_F(RejectedCallbackCallsTest, NothingToReparseIsNoError) {
  const auto answer = ReparseAll();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->ByteSizeLong(), 0);
}

TEST_F(RejectedCallbackCallsTest, TheLargestAnswerFitsAClientsDefaultLimit) {
  constexpr size_t kClientsLimit = 4 << 20;
  KeepMany(1000, "bad");
  EXPECT_LT(ReparseAll()->ByteSizeLong(), kClientsLimit / 4) << "details here are short";
  NewRejectedCallback largest;
  largest.source = std::string(64, 's');
  largest.content_type = std::string(128, 't');
  largest.detail = std::string(1024, 'd');
  for (int i = 0; i < 1000; ++i) {
    largest.raw_body = absl::StrCat(i);
    quarantine_.Keep(largest, [](const absl::StatusOr<int64_t>&) {});
  }
  v1::ListRejectedCallbacksRequest request;
  request.set_page_size(1000);
  request.set_page_token("r1-0123456789abcdef-1000");
  v1::ListRejectedCallbacksResponse page;
  ASSERT_TRUE(calls_.List(request, page).ok());
  EXPECT_EQ(page.rejected_callbacks_size(), 1000);
  EXPECT_LT(page.ByteSizeLong(), kClientsLimit);
}

TEST_F(RejectedCallbackCallsTest, DiscardTellsHowManyAndWhichAreUnknown) {
  const std::string a = Keep("a");
  const std::string b = Keep("b");
  const auto answer = Discard({a, "d1-0123456789abcdef-1", "r1-ffffffffffffffff-1"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->discarded(), 1);
  EXPECT_THAT(answer->unknown_ids(), ElementsAre("d1-0123456789abcdef-1", "r1-ffffffffffffffff-1"));
  EXPECT_THAT(Discard({a})->unknown_ids(), ElementsAre(a));
  EXPECT_THAT(Left(), ElementsAre(b));
}

TEST_F(RejectedCallbackCallsTest, DiscardOfAllTakesAsManyPagesAsThereAre) {
  KeepMany(2500);
  const auto answer = DiscardAll();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->discarded(), 2500);
  EXPECT_EQ(answer->next_page_token(), "");
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_TRUE(judge_.judged().empty());
}

TEST_F(RejectedCallbackCallsTest, DiscardOfAllTellsWhatIsDoneWhenTheStoreFailsInTheMiddle) {
  KeepMany(1500);
  EXPECT_TRUE(absl::IsUnavailable(DiscardAllFailingAfter(0).status()));
  const auto answer = DiscardAllFailingAfter(1);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->discarded(), 1000);
  EXPECT_EQ(DiscardAll(answer->next_page_token())->discarded(), 500);
}

TEST_F(RejectedCallbackCallsTest, ADiscardOfAllLeavesOutWhatCameMeanwhile) {
  KeepMany(1500);
  abandoned_ = true;
  const auto first = DiscardAll();
  abandoned_ = false;
  const std::string newer = Keep("newer");
  EXPECT_EQ(DiscardAll(first->next_page_token())->discarded(), 500);
  EXPECT_THAT(Left(), ElementsAre(newer));
}

TEST_F(RejectedCallbackCallsTest, WithoutAJudgeOnlyReparseIsMissing) {
  RejectedCallbackCalls without(&quarantine_, ThisStore, nullptr, &clock_);
  v1::ReparseRejectedCallbacksRequest request;
  request.set_all(true);
  v1::ReparseRejectedCallbacksResponse response;
  const auto never = [] { return false; };
  EXPECT_TRUE(absl::IsUnimplemented(without.Reparse(request, response, never)));
  v1::ListRejectedCallbacksResponse page;
  EXPECT_TRUE(without.List({}, page).ok());
}

TEST_F(RejectedCallbackCallsTest, AWrongSelectionNamesItsField) {
  struct Row {
    const char* why;
    int ids;
    bool all;
    const char* page_token;
    const char* field;
  };
  constexpr Row kRows[] = {
      {"neither", 0, false, "", "rejected_callback_ids"},
      {"both", 1, true, "", "rejected_callback_ids"},
      {"too many", 1001, false, "", "rejected_callback_ids"},
      {"a token without a pass", 1, false, "x", "page_token"},
      {"no token of ours", 0, true, "x", "page_token"},
      {"half a token", 0, true, "r1-0123456789abcdef-1", "page_token"},
      {"a token of another store", 0, true, "r1-ffffffffffffffff-1~r1-ffffffffffffffff-2",
       "page_token"},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.why);
    v1::ReparseRejectedCallbacksRequest reparse;
    for (int i = 0; i < row.ids; ++i) reparse.add_rejected_callback_ids(absl::StrCat(i));
    reparse.set_all(row.all);
    reparse.set_page_token(row.page_token);
    v1::DiscardRejectedCallbacksRequest discard;
    *discard.mutable_rejected_callback_ids() = reparse.rejected_callback_ids();
    discard.set_all(row.all);
    discard.set_page_token(row.page_token);
    for (const absl::Status& status :
         {Ask<v1::ReparseRejectedCallbacksResponse>(&RejectedCallbackCalls::Reparse, reparse)
              .status(),
          Ask<v1::DiscardRejectedCallbacksResponse>(&RejectedCallbackCalls::Discard, discard)
              .status()}) {
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
      EXPECT_THAT(std::string(status.message()), testing::StartsWith(row.field));
    }
  }
}

}  // namespace
}  // namespace onhook
