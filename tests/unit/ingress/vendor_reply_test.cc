#include "gateway/ingress/vendor_reply.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace onhook {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
const Headers kNone;
const Headers kAllow = {{"Allow", "POST"}};
const Headers kRetryAfter = {{"Retry-After", "1"}};

TEST(VendorReplyTest, EveryStatusHasItsAnswer) {
  struct Row {
    absl::StatusCode code;
    int http_status;
    const char* body;
    const Headers& headers;
  };
  constexpr char kNotStored[] = R"({"retCode":"3","retMsg":"not stored, try again"})";
  constexpr char kRefused[] = R"({"retCode":"1","retMsg":"why"})";
  const Row rows[] = {
      {absl::StatusCode::kOk, 200, R"({"retCode":"0","retMsg":"success"})", kNone},
      {absl::StatusCode::kCancelled, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kUnknown, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kInvalidArgument, 400, kRefused, kNone},
      {absl::StatusCode::kDeadlineExceeded, 503, R"({"retCode":"2","retMsg":"why"})", kNone},
      {absl::StatusCode::kNotFound, 404, kRefused, kNone},
      {absl::StatusCode::kAlreadyExists, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kPermissionDenied, 403, kRefused, kNone},
      {absl::StatusCode::kResourceExhausted, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kFailedPrecondition, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kAborted, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kOutOfRange, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kUnimplemented, 405, kRefused, kAllow},
      {absl::StatusCode::kInternal, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kUnavailable, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kDataLoss, 503, kNotStored, kRetryAfter},
      {absl::StatusCode::kUnauthenticated, 401, kRefused, kNone},
      {static_cast<absl::StatusCode>(4711), 503, kNotStored, kRetryAfter},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(absl::StatusCodeToString(row.code));
    const HttpResponse response = ReplyTo(absl::Status(row.code, "why"));
    EXPECT_EQ(response.status, row.http_status);
    EXPECT_EQ(response.body, row.body);
    EXPECT_EQ(response.headers, row.headers);
    EXPECT_EQ(response.content_type, "application/json;charset=UTF-8");
  }
}

TEST(VendorReplyTest, AReasonIsEscapedSoThatTheBodyStaysJson) {
  EXPECT_EQ(ReplyTo(absl::InvalidArgumentError("field \"a\n\" \xFF")).body,
            "{\"retCode\":\"1\",\"retMsg\":\"field \\\"a\\u000a\\\" \xEF\xBF\xBD\"}");
}

TEST(VendorReplyTest, ARefusalOfTheProtocolHasTheSameFormat) {
  const HttpResponse too_large = ReplyToRefusal(413, "the body is too large");
  EXPECT_EQ(too_large.status, 413);
  EXPECT_EQ(too_large.body, R"({"retCode":"1","retMsg":"the body is too large"})");
  EXPECT_EQ(too_large.content_type, "application/json;charset=UTF-8");

  const HttpResponse overload = ReplyToRefusal(503, "too many connections");
  EXPECT_EQ(overload.status, 503);
  EXPECT_EQ(overload.body, R"({"retCode":"3","retMsg":"too many connections"})");
  EXPECT_EQ(ReplyToRefusal(408, "why").body, R"({"retCode":"3","retMsg":"why"})");
  EXPECT_EQ(ReplyToRefusal(501, "why").body, R"({"retCode":"1","retMsg":"why"})");
  EXPECT_EQ(ReplyToRefusal(505, "why").body, R"({"retCode":"1","retMsg":"why"})");
}

}  // namespace
}  // namespace onhook
