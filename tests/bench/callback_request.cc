#include "tests/bench/callback_request.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// Nineteen digits, as the vendor's serials have: these, then the number.
constexpr absl::string_view kPrefix = "119776539";
constexpr size_t kDigits = 10;

constexpr absl::string_view kFromSerialToCallData =
    R"(","serviceNo":"1001","called":"88812345678","caller":"88887654321",)"
    R"("callerPresent":"88880000000","callData":"order=4711)";
constexpr absl::string_view kFromCallData =
    R"(","createCallTime":"2022/02/22,10:04:28:823","alertingTime":"2022/02/22,10:04:29:004",)"
    R"("talkingTime":"2022/02/22,10:04:30:418","releaseTime":"2022/02/22,10:04:36:318",)"
    R"("talkDuration":"6","recordfile":"Y:/2/mobileAgent/20220222/1645524268-824.wav",)"
    R"("locationId":"0","releaseReason":"0","agentAlertingTime":"2022/02/22,10:04:29:004",)"
    R"("agentTalkingTime":"2022/02/22,10:04:29:404","agentReleaseTime":"2022/02/22,10:04:36:318",)"
    R"("agentTalkDuration":"7"})";

}  // namespace

CallbackRequest::CallbackRequest(size_t body_bytes) {
  std::string body = absl::StrCat(R"({"callSerialNo":")", kPrefix, std::string(kDigits, '0'),
                                  kFromSerialToCallData);
  const size_t usual_bytes = body.size() + kFromCallData.size();
  if (body_bytes > usual_bytes) body.append(body_bytes - usual_bytes, 'x');
  absl::StrAppend(&body, kFromCallData);
  bytes_ = absl::StrCat(
      "POST /release-events HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
      "Content-Type: application/json;charset=UTF-8\r\nContent-Length: ",
      body.size(), "\r\n\r\n");
  body_at_ = bytes_.size();
  bytes_.append(body);
  digits_at_ = bytes_.find(std::string(kDigits, '0'), body_at_);
}

absl::string_view CallbackRequest::WithNumber(int64_t number) {
  for (size_t place = kDigits; place-- > 0; number /= 10) {
    bytes_[digits_at_ + place] = static_cast<char>('0' + number % 10);
  }
  return bytes_;
}

int64_t CallbackRequest::NumberOf(absl::string_view call_serial_no) {
  int64_t number = -1;
  if (call_serial_no.size() != kPrefix.size() + kDigits ||
      !absl::StartsWith(call_serial_no, kPrefix) ||
      !absl::SimpleAtoi(call_serial_no.substr(kPrefix.size()), &number)) {
    return -1;
  }
  return number;
}

}  // namespace onhook
