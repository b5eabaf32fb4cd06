#include "gateway/http/request_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace onhook {
namespace {

// Holds a usual callback, head and body. A connection that needed more gives it back when idle.
constexpr size_t kUsualBytes = 4 * 1024;

RequestHeadLimits HeadLimits(const HttpOptions& options) {
  return {options.max_request_line_bytes, options.max_header_bytes, options.max_headers,
          options.max_head_bytes, options.max_body_bytes};
}

}  // namespace

RequestReader::RequestReader(std::shared_ptr<const HttpOptions> options, absl::string_view peer,
                             ConnectionStream* stream, const Clock* clock)
    : options_(std::move(options)),
      stream_(stream),
      clock_(clock),
      buffer_(kUsualBytes),
      parser_(HeadLimits(*options_)),
      chunks_(options_->max_body_bytes, options_->max_chunk_framing_bytes) {
  request_.peer = peer;
}

void RequestReader::SetOptions(std::shared_ptr<const HttpOptions> options) {
  if (options == options_) return;
  options_ = std::move(options);
  parser_.Reset();
  parser_.SetLimits(HeadLimits(*options_));
  chunks_.SetLimits(options_->max_body_bytes, options_->max_chunk_framing_bytes);
}

bool RequestReader::BeginNext() {
  begin_ = next_;
  head_is_whole_ = false;
  parser_.Reset();
  chunks_.Reset();
  started_ = absl::InfiniteDuration();
  if (begin_ < end_) return true;

  begin_ = next_ = end_ = 0;
  if (buffer_.size() > kUsualBytes) std::vector<char>(kUsualBytes).swap(buffer_);
  return false;
}

bool RequestReader::WaitForRequest() {
  if (BeginNext()) return true;
  const absl::StatusOr<size_t> got =
      stream_->Read(buffer_.data(), buffer_.size(), options_->idle_timeout);
  if (!got.ok() || *got == 0) return false;
  end_ = *got;
  return true;
}

RequestReader::Outcome RequestReader::TryRead() {
  if (!begun_ && !BeginNext()) {
    const absl::StatusOr<size_t> got =
        stream_->Read(buffer_.data(), buffer_.size(), absl::ZeroDuration());
    if (absl::IsDeadlineExceeded(got.status())) return Outcome::kMore;
    if (!got.ok() || *got == 0) return Outcome::kClosed;
    end_ = *got;
  }
  may_wait_ = false;
  const Outcome outcome = Read();
  may_wait_ = true;
  begun_ = outcome == Outcome::kMore;
  return outcome;
}

RequestReader::Outcome RequestReader::Read() {
  Outcome outcome = head_is_whole_ ? Outcome::kRequest : ReadHead();
  if (outcome != Outcome::kRequest) return outcome;
  head_is_whole_ = true;
  outcome = parser_.head().chunked ? ReadChunkedBody() : ReadSizedBody();
  if (outcome != Outcome::kRequest) return outcome;
  const RequestHead& head = parser_.head();
  request_.method = head.method;
  request_.path = head.path;
  request_.query = head.query;
  request_.headers = head.headers;
  return Outcome::kRequest;
}

RequestReader::Outcome RequestReader::ReadHead() {
  while (true) {
    switch (parser_.Parse(unread())) {
      case ParseState::kDone:
        return Outcome::kRequest;
      case ParseState::kRefused:
        return Refuse(parser_.refusal());
      case ParseState::kNeedMore:
        break;
    }
    if (begin_ + unread().size() == buffer_.size()) MakeRoom(2 * unread().size());
    const Outcome outcome = ReadMore(options_->head_timeout);
    if (outcome != Outcome::kRequest) return outcome;
  }
}

RequestReader::Outcome RequestReader::ReadSizedBody() {
  const size_t size = parser_.size() + parser_.head().content_length;
  if (unread().size() < size) {
    Outcome outcome = ContinueIfAwaited();
    if (outcome != Outcome::kRequest) return outcome;
    while (unread().size() < size) {
      // Not for all at once: what is merely announced is to take no memory.
      if (end_ == buffer_.size()) MakeRoom(std::min(size, 2 * unread().size()));
      outcome = ReadMore(options_->request_timeout);
      if (outcome != Outcome::kRequest) return outcome;
    }
    MoveHead();
  }
  next_ = begin_ + size;
  request_.body = unread().substr(parser_.size(), parser_.head().content_length);
  return Outcome::kRequest;
}

// The head stays in the buffer while one piece after the other of the body passes behind it.
RequestReader::Outcome RequestReader::ReadChunkedBody() {
  if (!may_wait_) return Outcome::kWaits;
  Outcome outcome = ContinueIfAwaited();
  if (outcome != Outcome::kRequest) return outcome;
  MakeRoom(parser_.size() + kUsualBytes);
  MoveHead();
  next_ = begin_ + parser_.size();
  while (true) {
    size_t taken = 0;
    const absl::string_view piece(buffer_.data() + next_, end_ - next_);
    const ParseState state = chunks_.Feed(piece, taken);
    if (state == ParseState::kRefused) return Refuse(chunks_.refusal());
    std::memmove(buffer_.data() + next_, piece.data() + taken, piece.size() - taken);
    end_ -= taken;
    if (state == ParseState::kDone) break;
    outcome = ReadMore(options_->request_timeout);
    if (outcome != Outcome::kRequest) return outcome;
  }
  request_.body = chunks_.body();
  return Outcome::kRequest;
}

RequestReader::Outcome RequestReader::ReadMore(absl::Duration budget) {
  const absl::Duration left = Left(budget);
  const bool is_late = left <= absl::ZeroDuration();
  if (may_wait_ && is_late) return Refuse(refusals::kTooSlow);
  deadline_ = started_ + budget;
  // Without waiting, what has come in time counts, even if it is looked at late.
  const absl::StatusOr<size_t> got = stream_->Read(buffer_.data() + end_, buffer_.size() - end_,
                                                   may_wait_ ? left : absl::ZeroDuration());
  if (got.ok() && *got > 0) {
    end_ += *got;
    return Outcome::kRequest;
  }
  if (got.ok()) return Refuse(is_late ? refusals::kTooSlow : refusals::kEndsEarly);
  if (!absl::IsDeadlineExceeded(got.status())) return Outcome::kClosed;
  if (!may_wait_ && !is_late) return Outcome::kMore;
  return Refuse(refusals::kTooSlow);
}

absl::Duration RequestReader::Left(absl::Duration budget) {
  const absl::Duration now = clock_->Elapsed();
  started_ = std::min(started_, now);
  return started_ + budget - now;
}

RequestReader::Outcome RequestReader::ContinueIfAwaited() {
  const bool body_has_begun = unread().size() > parser_.size();
  if (!parser_.head().expects_continue || body_has_begun) return Outcome::kRequest;
  if (!may_wait_) return Outcome::kWaits;
  const absl::Duration wait = std::min(options_->write_timeout, Left(options_->request_timeout));
  const absl::Status sent = stream_->Write("HTTP/1.1 100 Continue\r\n\r\n", wait);
  return sent.ok() ? Outcome::kRequest : Outcome::kClosed;
}

RequestReader::Outcome RequestReader::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return Outcome::kRefused;
}

void RequestReader::MakeRoom(size_t size) {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = next_ = 0;
  if (buffer_.size() < size) buffer_.resize(size);
}

// The parsed head points to where its bytes were before MakeRoom(): they are parsed once more,
// which is cheap and rare.
void RequestReader::MoveHead() {
  parser_.Reset();
  parser_.Parse(unread());
}

}  // namespace onhook
