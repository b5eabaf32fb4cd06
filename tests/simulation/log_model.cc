#include "tests/simulation/log_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace onhook {

std::string LogModel::NonceKey(const NewEvent& event) {
  return absl::StrCat(event.nonce->nonce, "|", event.nonce->timestamp_ms, "|", event.source);
}

LogModel::NonceBook* LogModel::NonceOf(const NewEvent& event) {
  return event.nonce.has_value() ? &nonces_[NonceKey(event)] : nullptr;
}

bool LogModel::Sent(const NewEvent& event) {
  Book& book = books_[event.event];
  book.name = absl::StrCat(event.call_serial_no, "/", event.source);
  book.source = event.source;
  ++book.sends;
  NonceBook* const nonce = NonceOf(event);
  const bool refused = nonce != nullptr && !nonce->bound.empty() && nonce->bound != event.digest;
  if (nonce != nullptr) nonce->digests.insert(event.digest);
  if (refused || event.only_if_known) return false;
  ++book.valid_sends;
  ++book.pending;
  return true;
}

void LogModel::Answered(const NewEvent& event, bool may_store,
                        const absl::StatusOr<AppendResult>& result) {
  Book& book = books_[event.event];
  if (may_store) --book.pending;
  if (damaged_) return;
  if (result.ok()) {
    AnsweredOk(event, book, *result);
  } else {
    AnsweredError(event, book, result.status());
  }
}

void LogModel::AnsweredOk(const NewEvent& event, Book& book, const AppendResult& result) {
  ++promises_;
  ++book.accepted;
  const Sequence sequence = result.sequence;
  if (!result.duplicate && event.only_if_known) {
    trace_->Find("P9: ", book.name, " was stored though it may only be a repeat");
  }
  NonceBook* const nonce = NonceOf(event);
  if (nonce != nullptr) {
    if (!result.duplicate && !nonce->bound.empty() && nonce->bound != event.digest) {
      trace_->Find("P9: ", book.name, " was stored with another's nonce");
    }
    if (nonce->bound.empty()) nonce->bound = event.digest;
  }
  if (result.duplicate) {
    if (book.sends < 2) trace_->Find("P3: ", book.name, " came once and is called a repeat");
    if (book.promised != 0 && book.promised != sequence && !MayBeForgotten(book)) {
      trace_->Find("P3: ", book.name, " is at ", book.promised, " and now at ", sequence);
    }
  } else {
    if (book.promised != 0 && !MayBeForgotten(book)) {
      trace_->Find("P3: ", book.name, " is stored at ", book.promised, ", and again at ", sequence);
    }
    if (sequence <= newest()) {
      trace_->Find("P2: ", book.name, " is stored at ", sequence, " behind ", newest());
    }
    book.removed_after = absl::InfiniteFuture();
  }
  if (sequence >= first_) Learn(sequence, event.event, book);
  book.promised = sequence;
}

void LogModel::AnsweredError(const NewEvent& event, const Book& book, const absl::Status& status) {
  const NonceBook* const nonce = NonceOf(event);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return;
    case absl::StatusCode::kPermissionDenied:
      if (nonce == nullptr || nonce->digests.size() < 2) {
        trace_->Find("P9: ", book.name, " is refused for a nonce that nobody else had");
      }
      return;
    case absl::StatusCode::kNotFound:
      if (event.only_if_known) return;
      if (book.sends < 2 && nonce != nullptr && nonce->digests.size() < 2 &&
          clock_->latest() <
              absl::FromUnixMillis(event.nonce->timestamp_ms) + limits_.nonce_memory) {
        trace_->Find("P9: ", book.name, " is taken for a repeat and is none");
      }
      return;
    default:
      trace_->Find("append of ", book.name, " ends with ", status.ToString());
  }
}

bool LogModel::MayBeForgotten(const Book& book) const {
  return clock_->latest() - book.removed_after > limits_.deduplication_window;
}

void LogModel::ProcessEnded() {
  for (auto& [content, book] : books_) {
    book.lost += book.pending;
    book.pending = 0;
  }
  first_ = 1;
}

void LogModel::Learn(Sequence sequence, const std::string& content, Book& book) {
  const auto [at, is_new] = known_.emplace(sequence, content);
  if (!is_new && at->second != content) {
    trace_->Find("P1: at ", sequence, " was ", books_[at->second].name, ", now ", book.name);
  }
  at->second = content;
  if (book.promised == 0) book.promised = sequence;
  if (book.valid_sends == 0 || (book.accepted == 0 && book.lost == 0 && book.pending == 0)) {
    trace_->Find("P4: ", book.name, " is stored at ", sequence, " though it was refused");
  }
}

void LogModel::Saw(const LogEvent& event) {
  if (event.corrupt) {
    if (!damaged_) trace_->Find("P5: the event at ", event.sequence, " is told to be corrupt");
    return;
  }
  const auto book = books_.find(event.event);
  if (book == books_.end()) {
    trace_->Find("P5: the event at ", event.sequence, " is as nobody sent it");
    return;
  }
  if (damaged_) return;
  Learn(event.sequence, event.event, book->second);
}

void LogModel::SawAll(Sequence first, Sequence last, const std::vector<LogEventPtr>& events) {
  if (damaged_) {
    for (const LogEventPtr& event : events) Saw(*event);
    return;
  }
  if (first < first_) trace_->Find("P8: the log began at ", first_, " and begins at ", first);
  first_ = std::max(first, first_);
  if (newest() > last) trace_->Find("P1: ", newest(), " was stored, and the log ends at ", last);
  if (first > last && last > 0) trace_->Find("P8: the newest event is not kept");
  std::map<std::string, Sequence> places;
  Sequence expected = first;
  for (const LogEventPtr& event : events) {
    if (event->sequence != expected++) trace_->Find("P2: a gap before ", event->sequence);
    Saw(*event);
    if (event->corrupt) continue;
    const auto [place, is_new] = places.emplace(event->event, event->sequence);
    if (!is_new) {
      trace_->Find("P3: ", books_[event->event].name, " is stored at ", place->second, " and at ",
                   event->sequence);
    }
  }
  if (expected != last + 1) trace_->Find("P2: the log ends at ", last, ", its events before");
  for (auto& [content, book] : books_) {
    if (places.count(content) > 0) {
      book.removed_after = absl::InfiniteFuture();
    } else if (book.promised >= first) {
      trace_->Find("P1: ", book.name, " was promised at ", book.promised, " and is not there");
    }
  }
}

void LogModel::Begins(Sequence first) {
  if (first == kept_from_) return;
  kept_from_ = first;
  for (auto& [content, book] : books_) {
    if (book.promised == 0 || book.promised >= first) continue;
    book.removed_after = std::min(book.removed_after, clock_->Now());
  }
}

const std::string& LogModel::SourceOf(Sequence sequence) const {
  static const std::string kNone;
  const auto known = known_.find(sequence);
  return known == known_.end() ? kNone : books_.at(known->second).source;
}

}  // namespace onhook
