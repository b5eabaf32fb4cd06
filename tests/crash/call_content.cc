#include "tests/crash/call_content.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

constexpr absl::string_view kWrong = "-wrong-";

// Distinct for each number, and without a pattern that a mix-up could keep.
std::string TokenOf(int64_t number) {
  const uint64_t mixed = (static_cast<uint64_t>(number) + 1) * 0x9E3779B97F4A7C15u;
  return absl::StrCat(absl::Hex(mixed ^ (mixed >> 29), absl::kZeroPad16));
}

}  // namespace

std::string CallContent::CallSerialNo(int64_t number) const {
  return absl::StrCat(run_, "-", number);
}

std::string CallContent::Called(int64_t number) const {
  return absl::StrCat("86", 10'000'000'000 + number);
}

std::string CallContent::CallData(int64_t number) const {
  return absl::StrCat("order=", number, ", token: ", TokenOf(number), " \u00fc\u96fb");
}

std::string CallContent::ReleaseReason(int64_t number) const { return absl::StrCat(number % 3); }

int64_t CallContent::NumberOf(absl::string_view call_serial_no) const {
  int64_t number = -1;
  if (!absl::ConsumePrefix(&call_serial_no, run_) || !absl::ConsumePrefix(&call_serial_no, "-") ||
      !absl::SimpleAtoi(call_serial_no, &number)) {
    return -1;
  }
  return number;
}

std::string CallContent::WrongSerialNo(int64_t number) const {
  return absl::StrCat(run_, kWrong, number);
}

bool CallContent::IsWrong(absl::string_view call_serial_no) const {
  return absl::StartsWith(call_serial_no, absl::StrCat(run_, kWrong));
}

std::string CallContent::DifferenceFromSent(const v1::ReleaseEvent& event, int64_t number) const {
  if (event.call_serial_no() != CallSerialNo(number)) return " under another spelling";
  if (event.called() != Called(number)) return " with another called";
  if (event.call_data() != CallData(number)) return " with another callData";
  if (event.release_reason_code() != ReleaseReason(number)) return " with another releaseReason";
  return "";
}

}  // namespace onhook
