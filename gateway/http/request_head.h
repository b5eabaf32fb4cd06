#ifndef ONHOOK_GATEWAY_HTTP_REQUEST_HEAD_H_
#define ONHOOK_GATEWAY_HTTP_REQUEST_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/http/http_message.h"
#include "gateway/http/refusal.h"

namespace onhook {

enum class ParseState { kNeedMore, kDone, kRefused };

// What a request's head says. The views point into the bytes it was parsed from.
struct RequestHead {
  absl::string_view method;
  absl::string_view path;
  absl::string_view query;
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  std::vector<HttpHeader> headers;
  size_t content_length = 0;  // 0 if chunked
  bool chunked = false;
  bool expects_continue = false;  // the sender waits for "100 Continue" before the body
  bool keep_alive = true;         // what the sender wishes
};

struct RequestHeadLimits {
  size_t line_bytes;    // the request line
  size_t header_bytes;  // one header line
  size_t headers;
  size_t head_bytes;
  size_t body_bytes;  // announced by Content-Length
};

// Parses the head of one request (request line, headers, blank line) as RFC 9112 writes it, and
// refuses all that the RFC merely tolerates or that servers are known to read differently: lone
// CR or LF, folded headers, space before a colon, several or odd lengths, unknown codings.
//
// Pure: bytes in, a head or a refusal out; no socket, no clock. Made to be fed by a fuzzer.
// Threads: none of its own; one caller. Blocking: never.
class RequestHeadParser {
 public:
  explicit RequestHeadParser(const RequestHeadLimits& limits) : limits_(limits) {}

  // `bytes` is all that has come so far: what the last call got, perhaps at another address, and
  // more behind it. Looks only at what is new until the head is whole. After kDone or kRefused
  // only Reset() may follow.
  ParseState Parse(absl::string_view bytes);

  // Forgets the request, to parse the next.
  void Reset();
  // For the next request; only right after Reset().
  void SetLimits(const RequestHeadLimits& limits) { limits_ = limits; }

  // After kDone; valid as long as the bytes of that call.
  const RequestHead& head() const { return head_; }
  // After kDone: how many bytes the head took, blank line included.
  size_t size() const { return scanned_; }
  // After kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  // Each step returns false after it has set refusal_.
  bool ScanLine(absl::string_view line);
  ParseState CheckRequestLine(absl::string_view bytes);
  bool ParseLines(absl::string_view bytes);
  bool ParseRequestLine(absl::string_view line);
  bool ParseTarget(absl::string_view target);
  bool ParseHeader(absl::string_view line);
  bool NoteHeader(const HttpHeader& header);
  bool NoteContentLength(absl::string_view value);
  bool NoteTransferEncoding(absl::string_view value);
  bool NoteConnection(absl::string_view value);
  bool CheckWhole();
  bool Refuse(const Refusal& refusal);

  RequestHeadLimits limits_;
  size_t scanned_ = 0;  // bytes of whole lines seen
  size_t lines_ = 0;
  size_t first_line_ = 0;  // where the request line begins: 2 after one stray CRLF
  bool request_line_checked_ = false;
  bool has_length_ = false;
  bool has_host_ = false;
  bool has_range_ = false;
  bool wants_close_ = false;
  bool wants_keep_alive_ = false;
  RequestHead head_;
  Refusal refusal_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_REQUEST_HEAD_H_
