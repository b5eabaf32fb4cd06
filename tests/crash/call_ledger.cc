#include "tests/crash/call_ledger.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

constexpr size_t kFindingsShown = 20;

// Distinct for each number, and without a pattern that a mix-up could keep.
std::string TokenOf(int64_t number) {
  const uint64_t mixed = (static_cast<uint64_t>(number) + 1) * 0x9E3779B97F4A7C15u;
  return absl::StrCat(absl::Hex(mixed ^ (mixed >> 29), absl::kZeroPad16));
}

}  // namespace

int64_t CallLedger::Open() {
  absl::MutexLock lock(&mutex_);
  promised_.push_back(false);
  return static_cast<int64_t>(promised_.size()) - 1;
}

std::string CallLedger::CallSerialNo(int64_t number) const {
  return absl::StrCat(run_, "-", number);
}

std::string CallLedger::Called(int64_t number) const {
  return absl::StrCat("86", 10'000'000'000 + number);
}

std::string CallLedger::CallData(int64_t number) const {
  return absl::StrCat("order=", number, ", token: ", TokenOf(number), " \u00fc\u96fb");
}

void CallLedger::Promised(int64_t number) {
  absl::MutexLock lock(&mutex_);
  if (promised_[static_cast<size_t>(number)]) return;
  promised_[static_cast<size_t>(number)] = true;
  ++promised_count_;
  for (auto& [name, book] : books_) {
    const auto receipt = book.receipts.find(number);
    if (receipt != book.receipts.end() && receipt->second.state != State::kReceived) {
      ++book.settled_promises;
    }
  }
}

void CallLedger::OpenSubscription(absl::string_view subscription) {
  absl::MutexLock lock(&mutex_);
  books_.try_emplace(std::string(subscription));
}

int64_t CallLedger::Received(absl::string_view subscription, const v1::Delivery& delivery) {
  const v1::ReleaseEvent& event = delivery.event();
  const int64_t number = NumberOf(event.call_serial_no());
  const std::string difference = number < 0 ? "" : DifferenceFromSent(event, number);
  absl::MutexLock lock(&mutex_);
  const auto find = [&](absl::string_view what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    findings_.push_back(absl::StrCat(subscription, " received ", event.call_serial_no(), what));
  };
  if (number < 0 || number >= static_cast<int64_t>(promised_.size())) {
    find(", which nobody sent");
    return -1;
  }
  if (!difference.empty()) find(difference);
  Receipt& receipt = books_.find(subscription)->second.receipts[number];
  if (receipt.state == State::kAckConfirmed) {
    find(" again after its ack was confirmed");
  } else {
    SetState(subscription, number, State::kReceived);
  }
  if (!receipt.cursor.empty() && receipt.cursor != delivery.cursor()) {
    find(" from a second place in the log");
  }
  receipt.cursor = delivery.cursor();
  return number;
}

void CallLedger::AckConfirmed(absl::string_view subscription, int64_t number) {
  absl::MutexLock lock(&mutex_);
  SetState(subscription, number, State::kAckConfirmed);
}

void CallLedger::AckUnanswered(absl::string_view subscription, int64_t number) {
  absl::MutexLock lock(&mutex_);
  SetState(subscription, number, State::kAckUnanswered);
}

void CallLedger::SetState(absl::string_view subscription, int64_t number, State state) {
  Book& book = books_.find(subscription)->second;
  Receipt& receipt = book.receipts[number];
  if (promised_[static_cast<size_t>(number)]) {
    book.settled_promises += state != State::kReceived;
    book.settled_promises -= receipt.state != State::kReceived;
  }
  receipt.state = state;
}

int64_t CallLedger::opened() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(promised_.size());
}

int64_t CallLedger::promised() const {
  absl::MutexLock lock(&mutex_);
  return promised_count_;
}

int64_t CallLedger::settled(absl::string_view subscription) const {
  absl::MutexLock lock(&mutex_);
  return books_.find(subscription)->second.settled_promises;
}

bool CallLedger::WaitUntilPromised(int64_t count, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto reached = [&]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return promised_count_ >= count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

bool CallLedger::WaitUntilSettled(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    for (const auto& [name, book] : books_) {
      if (book.settled_promises < promised_count_) return false;
    }
    return true;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&settled), timeout);
}

bool CallLedger::WaitUntilSettled(int64_t number, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    for (const auto& [name, book] : books_) {
      const auto receipt = book.receipts.find(number);
      if (receipt == book.receipts.end() || receipt->second.state == State::kReceived) return false;
    }
    return true;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&settled), timeout);
}

std::vector<std::string> CallLedger::Findings() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> all = findings_;
  for (const auto& [name, book] : books_) {
    for (size_t number = 0; number < promised_.size(); ++number) {
      if (!promised_[number]) continue;
      const auto receipt = book.receipts.find(static_cast<int64_t>(number));
      if (receipt == book.receipts.end()) {
        all.push_back(absl::StrCat(name, " never received ", run_, "-", number));
      } else if (receipt->second.state == State::kReceived) {
        all.push_back(absl::StrCat(name, " never settled ", run_, "-", number));
      }
    }
  }
  if (all.size() > kFindingsShown) {
    const size_t more = all.size() - kFindingsShown;
    all.resize(kFindingsShown);
    all.push_back(absl::StrCat("and ", more, " more"));
  }
  return all;
}

int64_t CallLedger::NumberOf(absl::string_view call_serial_no) const {
  int64_t number = -1;
  if (!absl::ConsumePrefix(&call_serial_no, run_) || !absl::ConsumePrefix(&call_serial_no, "-") ||
      !absl::SimpleAtoi(call_serial_no, &number)) {
    return -1;
  }
  return number;
}

std::string CallLedger::DifferenceFromSent(const v1::ReleaseEvent& event, int64_t number) const {
  if (event.call_serial_no() != CallSerialNo(number)) return " under another spelling";
  if (event.called() != Called(number)) return " with another called";
  if (event.call_data() != CallData(number)) return " with another callData";
  return "";
}

}  // namespace onhook
