#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/settings.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/ingress/callback_handler.h"
#include "gateway/ingress/open_source.h"
#include "onhook/v1/release_event.pb.h"
#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// What the vendor and a subscriber see of a gateway with a spool, while its main store is away and
// when that is back: from the request to its answer, and to the delivery.
class SpooledCallbacksTest : public SpoolTest {
 protected:
  ~SpooledCallbacksTest() override {
    handler_.reset();
    EXPECT_EQ(store_->Close(), absl::OkStatus());
    desk_.reset();
  }

  void Start(Settings::Acknowledge::When when) {
    Open();
    ASSERT_EQ(store_->Declare({{"crm", {}}}), absl::OkStatus());
    desk_ = std::make_unique<ReceiptDesk>(&clock_, store_.get(), ReceiptDeskOptions());
    source_.acknowledge.when = when;
    settings_.sources = {source_};
    std::vector<CallbackSource> sources;
    absl::StatusOr<CallbackSource> opened = OpenSource(source_, settings_, secrets_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    sources.push_back(*std::move(opened));
    handler_ = std::make_unique<CallbackHandler>(
        std::move(sources), settings_.quarantine,
        CallbackHandler::Parts{&clock_, &log_, &metrics_, desk_.get(), &store_->quarantine()});
  }
  HttpResponse Post(const std::string& body) {
    HttpRequest request;
    request.method = "POST";
    request.path = source_.path;
    request.body = body;
    request.peer = "192.0.2.7";
    return handler_->HandleAndWait(request);
  }
  HttpResponse PostCall(const std::string& call) {
    return Post(absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"88880067"})"));
  }
  // The calls that the subscription is handed, until that many have come.
  std::vector<std::string> Delivered(size_t count) {
    const auto queue = store_->FindQueue("crm");
    EXPECT_TRUE(queue.ok()) << queue.status();
    const ConsumerId consumer = (*queue)->Attach({}, {[] {}, [] {}});
    std::vector<std::string> calls;
    while (calls.size() < count) {
      for (const Lease& lease : (*queue)->Pull(consumer, {}).leases) {
        v1::ReleaseEvent event;
        EXPECT_TRUE(event.ParseFromString(lease.event->event));
        calls.push_back(event.call_serial_no());
      }
    }
    EXPECT_EQ((*queue)->Stats().backlog_events, static_cast<int64_t>(count));
    (*queue)->Detach(consumer, Departure::kInOrder);
    return calls;
  }
  bool Counted(absl::string_view line) const {
    return absl::StrContains(metrics_.Text(), absl::StrCat(line, "\n"));
  }

  Metrics metrics_;
  SecretPool secrets_{&clock_, &log_};
  Settings settings_;
  Settings::Source source_;
  std::unique_ptr<ReceiptDesk> desk_;
  std::unique_ptr<CallbackHandler> handler_;
};

TEST_F(SpooledCallbacksTest, WhereStoredIsEnoughAnOutageCostsNoCallback) {
  Start(Settings::Acknowledge::When::kStored);
  faults_.Set(Mode::kRefuse);
  for (const char* call : {"1", "2", "1"}) {
    const HttpResponse answer = PostCall(call);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"0")"));
  }
  EXPECT_TRUE(Counted(R"(onhook_events_duplicate_total{source="default"} 1)"));
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(PostCall("2").status, 200);
  EXPECT_THAT(Delivered(2), UnorderedElementsAre("1", "2"));
}

TEST_F(SpooledCallbacksTest, AGatewayThatStartsInTheOutageTakesCallbacks) {
  SetReachable(absl::UnavailableError("no server answers"));
  Start(Settings::Acknowledge::When::kStored);
  EXPECT_EQ(PostCall("1").status, 200);
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_THAT(Delivered(1), ElementsAre("1"));
}

TEST_F(SpooledCallbacksTest, WhoWaitsForForwardingIsToldThatItIsStored) {
  Start(Settings::Acknowledge::When::kForwarded);
  const auto stream = desk_->AddStream("subscription/crm");
  stream->Set(true);
  faults_.Set(Mode::kRefuse);
  for (int repeat = 0; repeat < 2; ++repeat) {
    const HttpResponse answer = PostCall("1");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"2")"));
  }
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(Delivered(1), ElementsAre("1"));
  desk_->Forwarded("subscription/crm", {1});
  EXPECT_EQ(PostCall("1").status, 200);
}

TEST_F(SpooledCallbacksTest, WhatNeitherStoreTakesIsNotAnsweredWithSuccess) {
  spool_options_.minimum_free_disk = 1000;
  spool_options_.free_disk = [] { return 10; };
  Start(Settings::Acknowledge::When::kStored);
  faults_.Set(Mode::kRefuse);
  const HttpResponse answer = PostCall("1");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"3")"));
}

TEST_F(SpooledCallbacksTest, WhatTheMainStoreWouldNeverTakeIsNotAnsweredWithSuccess) {
  Start(Settings::Acknowledge::When::kStored);
  faults_.RefuseCall("large", absl::OutOfRangeError("larger than max_payload"));
  faults_.RefuseBody("no callback", absl::OutOfRangeError("larger than max_payload"));
  for (const HttpResponse& answer : {PostCall("large"), Post("no callback")}) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"3")"));
  }
  EXPECT_EQ(store_->Spool().spooled_total, 0);
  EXPECT_FALSE(store_->Spool().circuit_open);
}

TEST_F(SpooledCallbacksTest, WhatIsRefusedForGoodIsKeptInTheOutageToo) {
  Start(Settings::Acknowledge::When::kStored);
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(PostCall("1").status, 200);
  EXPECT_EQ(Post("no callback").status, 400);
  MainHeals();
  while (Kept(store_->quarantine()).empty()) std::this_thread::yield();
  EXPECT_THAT(Kept(store_->quarantine()), ElementsAre("no callback"));
}

}  // namespace
}  // namespace onhook
