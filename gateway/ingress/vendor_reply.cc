#include "gateway/ingress/vendor_reply.h"

#include <string>

#include "gateway/base/text.h"

namespace onhook {
namespace {

constexpr absl::string_view kAccepted = "0";
constexpr absl::string_view kRefused = "1";
constexpr absl::string_view kNotForwarded = "2";
constexpr absl::string_view kNotStored = "3";

// What stands around retMsg, at most.
constexpr size_t kFrameBytes = 32;

HttpResponse Reply(int http_status, absl::string_view ret_code, absl::string_view ret_msg) {
  HttpResponse response;
  response.status = http_status;
  response.content_type = "application/json;charset=UTF-8";
  response.body.reserve(kFrameBytes + ret_msg.size());
  response.body.append(R"({"retCode":)");
  AppendJsonString(ret_code, response.body);
  response.body.append(R"(,"retMsg":)");
  AppendJsonString(ret_msg, response.body);
  response.body.push_back('}');
  return response;
}

HttpResponse ReplyMethodNotAllowed(absl::string_view ret_msg) {
  HttpResponse response = Reply(405, kRefused, ret_msg);
  response.headers.emplace_back("Allow", "POST");
  return response;
}

HttpResponse ReplyNotStored() {
  HttpResponse response = Reply(503, kNotStored, "not stored, try again");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

HttpResponse ReplyTo(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk: {
      // Nearly every answer: worded once.
      static const auto* const success = new HttpResponse(Reply(200, kAccepted, "success"));
      return *success;
    }
    case absl::StatusCode::kInvalidArgument:
      return Reply(400, kRefused, status.message());
    case absl::StatusCode::kUnauthenticated:
      return Reply(401, kRefused, status.message());
    case absl::StatusCode::kPermissionDenied:
      return Reply(403, kRefused, status.message());
    case absl::StatusCode::kNotFound:
      return Reply(404, kRefused, status.message());
    case absl::StatusCode::kUnimplemented:
      return ReplyMethodNotAllowed(status.message());
    case absl::StatusCode::kDeadlineExceeded:
      return Reply(503, kNotForwarded, status.message());
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      return ReplyNotStored();
  }
  return ReplyNotStored();
}

HttpResponse ReplyToRefusal(int http_status, absl::string_view reason) {
  // Of those above 499 some are the client's doing: a method or a version that nobody serves. What
  // came too slowly may come in time at the next try.
  const bool repeat_may_help = http_status == 500 || http_status == 503 || http_status == 408;
  return Reply(http_status, repeat_may_help ? kNotStored : kRefused, reason);
}

}  // namespace onhook
