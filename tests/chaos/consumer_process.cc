#include "tests/chaos/consumer_process.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/chaos/consumer_lines.h"

namespace onhook {
namespace {

constexpr size_t kMostWords = 64 << 10;

std::vector<std::string> CommandOf(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ONHOOK_CHAOS_CONSUMER_PATH);
  return arguments;
}

bool Settles(absl::string_view kind) { return kind == "ack" || kind == "skip"; }

}  // namespace

void ConsumerReport::Take(absl::string_view output) {
  lines_.Take(output, [this](absl::string_view line) { TakeLine(line); });
}

int64_t ConsumerReport::broken_streams() const {
  absl::MutexLock lock(&mutex_);
  return broken_streams_;
}

std::string ConsumerReport::words() const {
  absl::MutexLock lock(&mutex_);
  return words_;
}

void ConsumerReport::TakeLine(absl::string_view line) {
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words[0] == consumer_lines::kReceived && words.size() == 2) return TakeDelivery(words[1]);
  if (words[0] == consumer_lines::kAsking && words.size() > 2) {
    return TakeAsking(words[1], {words.begin() + 2, words.end()});
  }
  if (words[0] == consumer_lines::kDone && words.size() > 3) return TakeDone(words);
  if (words[0] == consumer_lines::kRefused && words.size() == 4) return TakeRefused(words);
  if (words[0] == consumer_lines::kStream && words.size() == 3 &&
      absl::SimpleAtoi(words[1], &gateway_) && consumer_lines::ParseMoment(words[2], sent_after_)) {
    settled_.clear();
    absl::MutexLock lock(&mutex_);
    ++broken_streams_;
    return;
  }
  absl::MutexLock lock(&mutex_);
  if (words[0] == consumer_lines::kEnded && words.size() > 1) broken_streams_ -= words[1] == "0";
  if (words_.size() < kMostWords) absl::StrAppend(&words_, line, "\n");
}

void ConsumerReport::TakeDelivery(absl::string_view base64) {
  v1::Delivery delivery;
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(base64, &bytes) || !delivery.ParseFromString(bytes)) return;
  const int64_t number = ledger_->NumberOf(delivery.event().call_serial_no());
  sent_after_ = std::max(sent_after_, ledger_->opened_at(number));
  // After its confirmation on the same stream there is no excuse.
  const bool again = settled_.count(number) != 0;
  ledger_->Received(subscription_, delivery, gateway_,
                    again ? absl::InfiniteDuration() : sent_after_);
}

void ConsumerReport::TakeAsking(absl::string_view kind,
                                const std::vector<absl::string_view>& calls) {
  for (const absl::string_view call : calls) {
    const int64_t number = ledger_->NumberOf(call);
    if (number < 0) continue;
    if (Settles(kind)) ledger_->Asked(subscription_, number, gateway_);
    if (kind == "park") ledger_->AskedToPark(subscription_, number);
  }
}

void ConsumerReport::TakeDone(const std::vector<absl::string_view>& words) {
  const absl::string_view kind = words[1];
  absl::Duration asked_at;
  absl::Duration read_at;
  if (!consumer_lines::ParseMoment(words[2], asked_at) ||
      !consumer_lines::ParseMoment(words[3], read_at)) {
    return;
  }
  sent_after_ = std::max(sent_after_, asked_at);
  for (size_t i = 4; i < words.size(); ++i) {
    const int64_t number = ledger_->NumberOf(words[i]);
    if (number < 0) continue;
    if (Settles(kind)) {
      ledger_->Confirmed(subscription_, number, read_at);
      ledger_->Answered(subscription_, number, gateway_);
      settled_.insert(number);
    } else if (kind == "park") {
      ledger_->ConfirmedParked(subscription_, number, read_at);
      settled_.insert(number);
    }
  }
}

void ConsumerReport::TakeRefused(const std::vector<absl::string_view>& words) {
  const absl::string_view kind = words[1];
  const absl::string_view result = words[2];
  const int64_t number = ledger_->NumberOf(words[3]);
  if (number >= 0 && Settles(kind)) ledger_->Answered(subscription_, number, gateway_);
  // All ids are true ones, and an ack by one is never too late.
  const bool expected =
      result == "RESULT_RETRY_LATER" || (result == "RESULT_STALE" && kind != "ack");
  if (!expected) ledger_->Misanswered(subscription_, number, result);
}

ConsumerProcess::ConsumerProcess(std::vector<std::string> arguments, CallLedger* ledger)
    : report_(arguments[0], ledger),
      process_(CommandOf(std::move(arguments)),
               {nullptr, [this](absl::string_view output) { report_.Take(output); }}) {}

void ConsumerProcess::Tell(absl::string_view order) { process_.Write(absl::StrCat(order, "\n")); }

void ConsumerProcess::TellGateway(int generation, int port) {
  Tell(absl::StrCat(consumer_lines::kGateway, " ", generation, " ", port));
}

void ConsumerProcess::Kill() {
  process_.Signal(SIGKILL);
  process_.Wait(absl::InfiniteDuration());
}

void ConsumerProcess::Stop() { process_.Signal(SIGSTOP); }

void ConsumerProcess::Continue() { process_.Signal(SIGCONT); }

}  // namespace onhook
