#include "gateway/http/chunked_body.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace onhook {
namespace {

// Enough for any size that could be allowed; more digits can only be an attack on a counter.
constexpr int kMaxSizeDigits = 8;

int HexValue(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  return absl::ascii_tolower(byte) - 'a' + 10;
}

}  // namespace

void ChunkedBody::Reset() {
  step_ = Step::kSizeFirst;
  chunk_left_ = framing_bytes_ = 0;
  digits_ = 0;
  std::string().swap(body_);  // an idle connection keeps no large body
  refusal_ = Refusal();
}

ParseState ChunkedBody::Feed(absl::string_view bytes, size_t& taken) {
  taken = 0;
  while (taken < bytes.size() && step_ != Step::kWhole) {
    if (step_ == Step::kContent) {
      const absl::string_view content = bytes.substr(taken, chunk_left_);
      body_.append(content.data(), content.size());
      taken += content.size();
      chunk_left_ -= content.size();
      if (chunk_left_ == 0) step_ = Step::kContentCr;
    } else {
      if (!Take(bytes[taken])) return ParseState::kRefused;
      ++taken;
    }
  }
  return step_ == Step::kWhole ? ParseState::kDone : ParseState::kNeedMore;
}

bool ChunkedBody::Take(char byte) {
  if (++framing_bytes_ > max_framing_bytes_) return Refuse(refusals::kChunkFraming);
  const auto expect = [&](char wanted, Step next) {
    step_ = next;
    return byte == wanted || Refuse(refusals::kChunkLine);
  };
  switch (step_) {
    case Step::kSizeFirst:
      digits_ = 0;
      chunk_left_ = 0;
      step_ = Step::kSize;
      return TakeSizeDigit(byte);
    case Step::kSize:
      if (byte == ';') {
        step_ = Step::kExtension;
        return true;
      }
      if (byte == '\r') {
        step_ = Step::kSizeEnd;
        return true;
      }
      return TakeSizeDigit(byte);
    case Step::kExtension:
      if (byte != '\r') return TakeExtra(byte);
      step_ = Step::kSizeEnd;
      return true;
    case Step::kSizeEnd:
      return expect('\n', chunk_left_ == 0 ? Step::kTrailerFirst : Step::kContent);
    case Step::kContentCr:
      return expect('\r', Step::kContentLf);
    case Step::kContentLf:
      return expect('\n', Step::kSizeFirst);
    case Step::kTrailerFirst:
      step_ = byte == '\r' ? Step::kEnd : Step::kTrailer;
      return byte == '\r' || TakeExtra(byte);
    case Step::kTrailer:
      if (byte != '\r') return TakeExtra(byte);
      step_ = Step::kTrailerEnd;
      return true;
    case Step::kTrailerEnd:
      return expect('\n', Step::kTrailerFirst);
    case Step::kEnd:
      return expect('\n', Step::kWhole);
    case Step::kContent:
    case Step::kWhole:
      break;  // Feed() does not come here
  }
  return false;
}

bool ChunkedBody::TakeSizeDigit(char byte) {
  if (!absl::ascii_isxdigit(byte)) return Refuse(refusals::kChunkSize);
  if (++digits_ > kMaxSizeDigits) return Refuse(refusals::kChunkSizeDigits);
  chunk_left_ = chunk_left_ * 16 + static_cast<size_t>(HexValue(byte));
  if (chunk_left_ > max_bytes_ - std::min(max_bytes_, body_.size())) {
    return Refuse(refusals::kBodyTooLong);
  }
  return true;
}

bool ChunkedBody::TakeExtra(char byte) {
  if (absl::ascii_iscntrl(byte) && byte != '\t') {
    return Refuse(refusals::kChunkControl);
  }
  return true;
}

bool ChunkedBody::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return false;
}

}  // namespace onhook
