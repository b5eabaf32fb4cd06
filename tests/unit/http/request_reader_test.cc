#include "gateway/http/request_reader.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using Outcome = RequestReader::Outcome;

// A peer whose bytes a test hands out.
class HandedStream final : public ConnectionStream {
 public:
  absl::StatusOr<size_t> Read(char* buffer, size_t size, absl::Duration) override {
    if (bytes_.empty()) return absl::DeadlineExceededError("nothing has come");
    const size_t count = std::min(size, bytes_.size());
    bytes_.copy(buffer, count);
    bytes_.erase(0, count);
    return count;
  }
  absl::Status Write(absl::string_view, absl::Duration) override { return absl::OkStatus(); }
  void FinishWriting() override {}

  void Come(absl::string_view bytes) { absl::StrAppend(&bytes_, bytes); }

 private:
  std::string bytes_;
};

class RequestReaderTest : public testing::Test {
 protected:
  ManualClock clock_;
  HandedStream stream_;
  HttpOptions options_;
  RequestReader reader_{std::make_shared<const HttpOptions>(options_), "peer", &stream_, &clock_};
};

constexpr absl::string_view kHead = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";

TEST_F(RequestReaderTest, WithoutWaitingARequestIsReadAsItComes) {
  EXPECT_EQ(reader_.TryRead(), Outcome::kMore);
  EXPECT_FALSE(reader_.HasBegun());
  for (const char byte : absl::StrCat(kHead, "bod")) {
    stream_.Come(std::string(1, byte));
    EXPECT_EQ(reader_.TryRead(), Outcome::kMore);
    EXPECT_TRUE(reader_.HasBegun());
  }
  stream_.Come("yPOST /n");
  EXPECT_EQ(reader_.TryRead(), Outcome::kRequest);
  EXPECT_EQ(reader_.request().body, "body");
  EXPECT_EQ(reader_.request().path, "/x");
  EXPECT_EQ(reader_.request().Header("host"), "h");
  EXPECT_TRUE(reader_.HasUnread());
}

TEST_F(RequestReaderTest, WhatCameInTimeCountsHoweverLateItIsLookedAt) {
  stream_.Come(kHead);
  EXPECT_EQ(reader_.TryRead(), Outcome::kMore);
  stream_.Come("body");
  clock_.Advance(2 * options_.request_timeout);
  EXPECT_EQ(reader_.TryRead(), Outcome::kRequest);
}

TEST_F(RequestReaderTest, WhatIsStillMissingAfterItsTimeIsRefused) {
  stream_.Come(kHead);
  EXPECT_EQ(reader_.TryRead(), Outcome::kMore);
  EXPECT_EQ(reader_.deadline(), clock_.Elapsed() + options_.request_timeout);
  clock_.Advance(2 * options_.request_timeout);
  stream_.Come("bod");
  EXPECT_EQ(reader_.TryRead(), Outcome::kRefused);
  EXPECT_EQ(reader_.refusal().label, refusals::kTooSlow.label);
}

TEST_F(RequestReaderTest, WhatHasToBeWaitedForIsGoneOnWithByWhoMayWait) {
  stream_.Come("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo");
  EXPECT_EQ(reader_.TryRead(), Outcome::kWaits);
  EXPECT_FALSE(reader_.HasBegun());
  stream_.Come("dy\r\n0\r\n\r\n");
  EXPECT_EQ(reader_.Read(), Outcome::kRequest);
  EXPECT_EQ(reader_.request().body, "body");
  EXPECT_EQ(reader_.request().path, "/x");
}

TEST_F(RequestReaderTest, OneRequestFollowsTheOtherAlsoAfterARest) {
  stream_.Come(absl::StrCat(kHead, "onceGET /y HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(reader_.TryRead(), Outcome::kRequest);
  reader_.Rest();
  EXPECT_EQ(reader_.TryRead(), Outcome::kRequest);
  EXPECT_EQ(reader_.request().path, "/y");
  reader_.Rest();
  EXPECT_EQ(reader_.TryRead(), Outcome::kMore);
}

}  // namespace
}  // namespace onhook
