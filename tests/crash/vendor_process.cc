#include "tests/crash/vendor_process.h"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/vendor_lines.h"

namespace onhook {
namespace {

constexpr size_t kMostWords = 64 << 10;

std::vector<std::string> CommandOf(const std::string& run, int connections,
                                   const std::string& key) {
  std::vector<std::string> command = {ONHOOK_CRASH_VENDOR_PATH, run, absl::StrCat(connections)};
  if (!key.empty()) command.push_back(key);
  return command;
}

}  // namespace

void VendorReport::Take(absl::string_view output) {
  lines_.Take(output, [this](absl::string_view line) { TakeLine(line); });
}

bool VendorReport::WaitUntilFinished(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&finished_), timeout);
}

CallbackLoad::Altered VendorReport::altered() const {
  absl::MutexLock lock(&mutex_);
  return altered_;
}

std::string VendorReport::words() const {
  absl::MutexLock lock(&mutex_);
  return words_;
}

void VendorReport::TakeLine(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  int64_t first = 0;
  int64_t second = 0;
  const bool has_numbers = words.size() == 3 && absl::SimpleAtoi(words[1], &first) &&
                           absl::SimpleAtoi(words[2], &second);
  if (words[0] == vendor_lines::kOpened && has_numbers) {
    return ledger_->Opened(first, absl::Nanoseconds(second));
  }
  const bool is_answer =
      has_numbers && second >= 0 && second < static_cast<int64_t>(kCallbackAnswers);
  if (words[0] == vendor_lines::kReplied && is_answer) {
    return ledger_->Replied(first, static_cast<CallbackAnswer>(second));
  }
  if (words[0] == vendor_lines::kWrong && is_answer) {
    return ledger_->RepliedToWrong(first, static_cast<CallbackAnswer>(second));
  }
  absl::MutexLock lock(&mutex_);
  if (words[0] == vendor_lines::kFinished && has_numbers) {
    altered_ = {first, second};
    finished_ = true;
  } else if (words_.size() < kMostWords) {
    absl::StrAppend(&words_, line, "\n");
  }
}

VendorProcess::VendorProcess(const std::string& run, int connections, const std::string& key,
                             CallLedger* ledger)
    : report_(ledger),
      process_(CommandOf(run, connections, key),
               {nullptr, [this](absl::string_view output) { report_.Take(output); }}) {}

void VendorProcess::TellGateway(int generation, int port) {
  process_.Write(absl::StrCat(vendor_lines::kGateway, " ", generation, " ", port, "\n"));
}

void VendorProcess::SignWith(absl::string_view key) {
  process_.Write(absl::StrCat(vendor_lines::kKey, key, "\n"));
}

void VendorProcess::Finish() { process_.Write(absl::StrCat(vendor_lines::kFinish, "\n")); }

void VendorProcess::Stop() { process_.Signal(SIGSTOP); }

void VendorProcess::Continue() { process_.Signal(SIGCONT); }

}  // namespace onhook
