#include "tests/crash/call_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// By so many numbers a subscriber's words may be ahead of the vendor's, who speaks for himself.
constexpr int64_t kMostAhead = 100'000;

uint8_t BitOf(CallbackAnswer answer) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(answer));
}

}  // namespace
int64_t CallLedger::Open() {
  absl::MutexLock lock(&mutex_);
  const auto number = static_cast<int64_t>(promised_.size());
  MakeRoomFor(number);
  opened_at_.back() = clock_.Elapsed();
  return number;
}

void CallLedger::Opened(int64_t number, absl::Duration at) {
  absl::MutexLock lock(&mutex_);
  MakeRoomFor(number);
  absl::Duration& opened_at = opened_at_[static_cast<size_t>(number)];
  if (opened_at == -absl::InfiniteDuration() || at < opened_at) opened_at = at;
}

void CallLedger::MakeRoomFor(int64_t number) {
  const auto size = static_cast<size_t>(number) + 1;
  if (promised_.size() >= size) return;
  promised_.resize(size);
  answers_seen_.resize(size);
  opened_at_.resize(size, -absl::InfiniteDuration());
}

void CallLedger::Replied(int64_t number, CallbackAnswer answer) {
  if (answer == CallbackAnswer::kAccepted || answer == CallbackAnswer::kNotForwarded) {
    Promised(number);
  }
  absl::MutexLock lock(&mutex_);
  ++replies_[static_cast<size_t>(answer)];
  answers_seen_[static_cast<size_t>(number)] |= BitOf(answer);
  const bool refused = answer == CallbackAnswer::kRefused && !refusals_are_allowed_;
  if (refused || answer == CallbackAnswer::kOther) {
    findings_.push_back(absl::StrCat(CallSerialNo(number), " was answered ",
                                     refused ? "\"1\"" : "what no vendor understands"));
  }
}

void CallLedger::RepliedToWrong(int64_t number, CallbackAnswer answer) {
  if (answer == CallbackAnswer::kRefused || answer == CallbackAnswer::kNotStored ||
      answer == CallbackAnswer::kNone) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  findings_.push_back(absl::StrCat(content_.WrongSerialNo(number), " was not refused"));
}

void CallLedger::Promised(int64_t number) {
  absl::MutexLock lock(&mutex_);
  if (promised_[static_cast<size_t>(number)]) return;
  promised_[static_cast<size_t>(number)] = true;
  ++promised_count_;
  for (auto& [name, book] : books_) {
    if (!Wants(book, number)) continue;
    ++book.owed_promises;
    book.settled_promises += IsSettled(book, number);
  }
}

void CallLedger::OpenSubscription(absl::string_view subscription, Terms terms) {
  absl::MutexLock lock(&mutex_);
  books_[std::string(subscription)].terms = std::move(terms);
}

int64_t CallLedger::Received(absl::string_view subscription, const v1::Delivery& delivery,
                             int gateway, absl::Duration sent_after) {
  const v1::ReleaseEvent& event = delivery.event();
  const int64_t number = NumberOf(event.call_serial_no());
  const std::string difference = number < 0 ? "" : content_.DifferenceFromSent(event, number);
  absl::MutexLock lock(&mutex_);
  const auto find = [&](absl::string_view what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    findings_.push_back(absl::StrCat(subscription, " received ", event.call_serial_no(), what));
  };
  if (number < 0 || number >= static_cast<int64_t>(promised_.size()) + kMostAhead) {
    find(content_.IsWrong(event.call_serial_no()) ? ", which is to be refused"
                                                  : ", which nobody sent");
    return -1;
  }
  MakeRoomFor(number);
  if (!difference.empty()) find(difference);
  const Terms& terms = books_.find(subscription)->second.terms;
  if (!Wants(books_.find(subscription)->second, number)) find(", which its filter excludes");
  if (terms.is_blameless && delivery.attempt() != 1) {
    find(absl::StrCat(" as attempt ", delivery.attempt(), " after ",
                      v1::Delivery::RedeliveryReason_Name(delivery.redelivery_reason())));
  }
  Enter(subscription, number, [&](Receipt& receipt) {
    ++receipt.deliveries;
    ++deliveries_;
    redeliveries_ += receipt.deliveries > 1;
    receipt.last_gateway = std::max(receipt.last_gateway, gateway);
    receipt.last_sent_after = std::max(receipt.last_sent_after, sent_after);
    if (!receipt.cursor.empty() && receipt.cursor != delivery.cursor()) {
      find(" from a second place in the log");
    }
    receipt.cursor = delivery.cursor();
  });
  return number;
}

void CallLedger::Asked(absl::string_view subscription, int64_t number, int gateway) {
  absl::MutexLock lock(&mutex_);
  Book& book = books_.find(subscription)->second;
  Enter(subscription, number, [&](Receipt&) { ++book.unanswered[number][gateway]; });
}

void CallLedger::Answered(absl::string_view subscription, int64_t number, int gateway) {
  absl::MutexLock lock(&mutex_);
  Book& book = books_.find(subscription)->second;
  Enter(subscription, number, [&](Receipt&) {
    std::map<int, int>& requests = book.unanswered[number];
    if (--requests[gateway] <= 0) requests.erase(gateway);
    if (requests.empty()) book.unanswered.erase(number);
  });
}

void CallLedger::Confirmed(absl::string_view subscription, int64_t number, absl::Duration at) {
  absl::MutexLock lock(&mutex_);
  Enter(subscription, number, [&](Receipt& receipt) {
    receipt.confirmed = true;
    receipt.settled_at = std::min(receipt.settled_at, at);
  });
}

void CallLedger::AskedToPark(absl::string_view subscription, int64_t number) {
  absl::MutexLock lock(&mutex_);
  Enter(subscription, number, [](Receipt& receipt) { receipt.asked_to_park = true; });
}

void CallLedger::ConfirmedParked(absl::string_view subscription, int64_t number,
                                 absl::Duration at) {
  absl::MutexLock lock(&mutex_);
  Enter(subscription, number, [&](Receipt& receipt) {
    receipt.confirmed_parked = true;
    receipt.settled_at = std::min(receipt.settled_at, at);
  });
}

void CallLedger::Misanswered(absl::string_view subscription, int64_t number,
                             absl::string_view answer) {
  absl::MutexLock lock(&mutex_);
  findings_.push_back(absl::StrCat(subscription, " was answered ", answer, " for ",
                                   CallSerialNo(number), ", which it had received"));
}

template <typename Change>
void CallLedger::Enter(absl::string_view subscription, int64_t number, Change change) {
  Book& book = books_.find(subscription)->second;
  const bool counts = promised_[static_cast<size_t>(number)] && Wants(book, number);
  const bool before = IsSettled(book, number);
  Receipt& receipt = book.receipts[number];
  change(receipt);
  if (counts) book.settled_promises += IsSettled(book, number) - before;
  // Lines of several processes come in any order, so both sides are looked at after each.
  if (receipt.last_sent_after > receipt.settled_at && !receipt.sent_again) {
    receipt.sent_again = true;
    findings_.push_back(absl::StrCat(subscription, " received ", CallSerialNo(number),
                                     " again after its settling was confirmed"));
  }
}

bool CallLedger::IsSettled(const Book& book, int64_t number) {
  const auto entry = book.receipts.find(number);
  if (entry == book.receipts.end()) return false;
  const Receipt& receipt = entry->second;
  if (receipt.confirmed || receipt.confirmed_parked || receipt.dead_letter) return true;
  const auto requests = book.unanswered.find(number);
  return requests != book.unanswered.end() && !requests->second.empty() &&
         requests->second.rbegin()->first >= receipt.last_gateway;
}

// --------------------------------------------------------------------------------- dead letters

void CallLedger::EnterDeadLetters(absl::string_view subscription,
                                  const std::vector<v1::DeadLetter>& letters) {
  absl::MutexLock lock(&mutex_);
  Book& book = books_.find(subscription)->second;
  book.dead_letters_known = true;
  for (const v1::DeadLetter& letter : letters) EnterDeadLetter(subscription, book, letter);
}

void CallLedger::EnterDeadLetter(absl::string_view subscription, Book& book,
                                 const v1::DeadLetter& letter) {
  const std::string& call = letter.event().call_serial_no();
  const int64_t number = NumberOf(call);
  const auto find = [&](absl::string_view what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    findings_.push_back(absl::StrCat(subscription, " has the dead letter ", call, what));
  };
  if (number < 0 || number >= static_cast<int64_t>(promised_.size())) {
    return find(", which nobody sent");
  }
  const std::string difference = content_.DifferenceFromSent(letter.event(), number);
  if (!difference.empty()) find(difference);
  if (!Wants(book, number)) find(", which its filter excludes");
  Enter(subscription, number, [&](Receipt& receipt) {
    if (receipt.dead_letter) find(" twice");
    receipt.dead_letter = true;
    if (!receipt.cursor.empty() && receipt.cursor != letter.cursor()) {
      find(" from a second place in the log");
    }
    if (letter.reason() == v1::DeadLetter::REASON_REQUESTED) {
      ++book.tally.requested;
      if (!receipt.asked_to_park) find(", which nobody asked for");
    } else if (letter.reason() == v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED) {
      ++book.tally.exhausted;
      book.tally.unseen += std::max<int64_t>(letter.attempts() - receipt.deliveries, 0);
      const std::optional<int32_t> most = book.terms.max_delivery_attempts;
      if (!most.has_value() || letter.attempts() < *most) find(", given up too early");
    } else {
      find(" for a reason that there was not");
    }
  });
}

void CallLedger::Redriven(absl::string_view subscription) {
  absl::MutexLock lock(&mutex_);
  Book& book = books_.find(subscription)->second;
  for (auto& [number, receipt] : book.receipts) {
    if (!receipt.dead_letter) continue;
    book.unanswered.erase(number);
    Receipt again;
    again.cursor = receipt.cursor;
    book.settled_promises -= promised_[static_cast<size_t>(number)];
    receipt = again;
  }
}

// --------------------------------------------------------------------------------- what there is

absl::Duration CallLedger::opened_at(int64_t number) const {
  absl::MutexLock lock(&mutex_);
  const bool exists = number >= 0 && number < static_cast<int64_t>(opened_at_.size());
  return exists ? opened_at_[static_cast<size_t>(number)] : -absl::InfiniteDuration();
}

int64_t CallLedger::opened() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(promised_.size());
}

int64_t CallLedger::promised() const {
  absl::MutexLock lock(&mutex_);
  return promised_count_;
}

void CallLedger::Find(std::string finding) {
  absl::MutexLock lock(&mutex_);
  findings_.push_back(std::move(finding));
}

bool CallLedger::IsOpened(int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return number >= 0 && number < static_cast<int64_t>(opened_at_.size()) &&
         opened_at_[static_cast<size_t>(number)] > -absl::InfiniteDuration();
}

bool CallLedger::IsPromised(int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return promised_[static_cast<size_t>(number)];
}

bool CallLedger::IsAlwaysRefused(int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return answers_seen_[static_cast<size_t>(number)] == BitOf(CallbackAnswer::kRefused);
}

std::vector<std::string> CallLedger::Subscriptions() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> names;
  for (const auto& [name, book] : books_) names.push_back(name);
  return names;
}

bool CallLedger::HasSubscription(absl::string_view subscription) const {
  absl::MutexLock lock(&mutex_);
  return books_.find(subscription) != books_.end();
}

bool CallLedger::IsWanted(absl::string_view subscription, int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return Wants(books_.find(subscription)->second, number);
}

std::string CallLedger::CursorOf(absl::string_view subscription, int64_t number) const {
  absl::MutexLock lock(&mutex_);
  const Book& book = books_.find(subscription)->second;
  const auto receipt = book.receipts.find(number);
  return receipt == book.receipts.end() ? "" : receipt->second.cursor;
}

bool CallLedger::IsConfirmed(absl::string_view subscription, int64_t number) const {
  absl::MutexLock lock(&mutex_);
  const Book& book = books_.find(subscription)->second;
  const auto receipt = book.receipts.find(number);
  return receipt != book.receipts.end() &&
         (receipt->second.confirmed || receipt->second.confirmed_parked);
}

bool CallLedger::MayBeSettled(absl::string_view subscription, int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return IsSettled(books_.find(subscription)->second, number);
}

bool CallLedger::MayBeSettledByAll(int64_t number) const {
  absl::MutexLock lock(&mutex_);
  return std::all_of(books_.begin(), books_.end(), [number](const auto& entry) {
    return !Wants(entry.second, number) || IsSettled(entry.second, number);
  });
}

AnswerCounts CallLedger::replies() const {
  absl::MutexLock lock(&mutex_);
  return replies_;
}

int64_t CallLedger::deliveries() const {
  absl::MutexLock lock(&mutex_);
  return deliveries_;
}

int64_t CallLedger::redeliveries() const {
  absl::MutexLock lock(&mutex_);
  return redeliveries_;
}

int64_t CallLedger::settled(absl::string_view subscription) const {
  absl::MutexLock lock(&mutex_);
  return books_.find(subscription)->second.settled_promises;
}

int64_t CallLedger::deliveries(absl::string_view subscription, int64_t number) const {
  absl::MutexLock lock(&mutex_);
  const Book& book = books_.find(subscription)->second;
  const auto receipt = book.receipts.find(number);
  return receipt == book.receipts.end() ? 0 : receipt->second.deliveries;
}

std::vector<absl::Duration> CallLedger::Latencies(absl::string_view subscription, int64_t first,
                                                  int64_t last) const {
  absl::MutexLock lock(&mutex_);
  const Book& book = books_.find(subscription)->second;
  std::vector<absl::Duration> latencies;
  for (int64_t number = first; number < last; ++number) {
    const auto receipt = book.receipts.find(number);
    if (receipt == book.receipts.end() || !receipt->second.confirmed) continue;
    latencies.push_back(receipt->second.settled_at - opened_at_[static_cast<size_t>(number)]);
  }
  return latencies;
}

CallLedger::Tally CallLedger::TallyOf(absl::string_view subscription) const {
  absl::MutexLock lock(&mutex_);
  const Book& book = books_.find(subscription)->second;
  Tally tally = book.tally;
  for (const auto& [number, receipt] : book.receipts) {
    tally.received += receipt.deliveries > 0;
    tally.deliveries += receipt.deliveries;
    tally.unanswered += IsSettled(book, number) && !receipt.confirmed &&
                        !receipt.confirmed_parked && !receipt.dead_letter;
  }
  return tally;
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
      if (book.settled_promises < book.owed_promises) return false;
    }
    return true;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&settled), timeout);
}

bool CallLedger::WaitUntilSettled(int64_t number, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto settled = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    for (const auto& [name, book] : books_) {
      if (Wants(book, number) && !IsSettled(book, number)) return false;
    }
    return true;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&settled), timeout);
}

std::vector<std::string> CallLedger::Findings(size_t most) const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> all = findings_;
  for (const auto& [name, book] : books_) {
    for (const auto& [number, receipt] : book.receipts) {
      if (opened_at_[static_cast<size_t>(number)] > -absl::InfiniteDuration()) continue;
      all.push_back(absl::StrCat(name, " received ", CallSerialNo(number), ", which nobody sent"));
    }
    for (int64_t number = 0; number < static_cast<int64_t>(promised_.size()); ++number) {
      if (!promised_[static_cast<size_t>(number)] || !Wants(book, number)) continue;
      std::string sentence = SentenceOfUnsettled(name, book, number);
      if (!sentence.empty()) all.push_back(std::move(sentence));
    }
  }
  if (all.size() > most) {
    const size_t more = all.size() - most;
    all.resize(most);
    all.push_back(absl::StrCat("and ", more, " more"));
  }
  return all;
}

std::string CallLedger::SentenceOfUnsettled(absl::string_view subscription, const Book& book,
                                            int64_t number) const {
  const auto receipt = book.receipts.find(number);
  if (receipt == book.receipts.end() ||
      (receipt->second.deliveries == 0 && !receipt->second.dead_letter)) {
    return absl::StrCat(subscription, " never received ", CallSerialNo(number));
  }
  if (!IsSettled(book, number)) {
    return absl::StrCat(subscription, " never settled ", CallSerialNo(number));
  }
  // An ack may have undone it that came late and whose answer died with its consumer.
  const bool may_be_undone = receipt->second.confirmed || book.unanswered.count(number) > 0;
  if (book.dead_letters_known && receipt->second.confirmed_parked && !may_be_undone &&
      !receipt->second.dead_letter) {
    return absl::StrCat(subscription, " parked ", CallSerialNo(number),
                        ", which is not among its dead letters");
  }
  return "";
}

}  // namespace onhook
