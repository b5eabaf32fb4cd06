#ifndef ONHOOK_GATEWAY_HTTP_CHUNKED_BODY_H_
#define ONHOOK_GATEWAY_HTTP_CHUNKED_BODY_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/http/request_head.h"

namespace onhook {

// Joins the chunks of one body (RFC 9112, section 7.1). A size is hexadecimal digits and nothing
// else; extensions and trailers are bounded and dropped, as the RFC allows.
//
// Pure: bytes in, a body or a refusal out; no socket, no clock. Made to be fed by a fuzzer.
// Threads: none of its own; one caller. Blocking: never.
class ChunkedBody {
 public:
  // `max_bytes` bounds the joined body, `max_framing_bytes` all that is sent around it: without
  // that bound, chunks of one byte would make thirteen of each.
  explicit ChunkedBody(size_t max_bytes, size_t max_framing_bytes = 16 * 1024)
      : max_bytes_(max_bytes), max_framing_bytes_(max_framing_bytes) {}

  // Takes the next bytes as they come, split anywhere. `taken` says how many of them belong to
  // this body: all of them unless kDone, when the rest is the next request's.
  ParseState Feed(absl::string_view bytes, size_t& taken);

  // After kDone. Stays where it is until Reset().
  const std::string& body() const { return body_; }
  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

  // Forgets the body, to join another.
  void Reset();
  // For the next body; only right after Reset().
  void SetLimits(size_t max_bytes, size_t max_framing_bytes) {
    max_bytes_ = max_bytes;
    max_framing_bytes_ = max_framing_bytes;
  }

 private:
  enum class Step {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeEnd,
    kContent,
    kContentCr,
    kContentLf,
    kTrailerFirst,
    kTrailer,
    kTrailerEnd,
    kEnd,
    kWhole,
  };

  // One byte of framing. Returns false after it has set refusal_.
  bool Take(char byte);
  bool TakeSizeDigit(char byte);
  bool TakeExtra(char byte);
  bool Refuse(const Refusal& refusal);

  size_t max_bytes_;
  size_t max_framing_bytes_;
  Step step_ = Step::kSizeFirst;
  size_t chunk_left_ = 0;
  int digits_ = 0;
  size_t framing_bytes_ = 0;  // sizes, extensions, line ends and trailers
  std::string body_;
  Refusal refusal_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CHUNKED_BODY_H_
