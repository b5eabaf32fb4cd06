#include "gateway/http/request_head.h"

#include <array>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

// Classes of bytes (RFC 9110, section 5.6; RFC 3986, section 2).
enum ByteClass : unsigned char {
  kToken = 1,   // names and methods
  kTarget = 2,  // path and query, '%' included
  kValue = 4,   // header values
  kHost = 8,    // an authority: a name or an address, and a port
};

constexpr bool In(absl::string_view set, char byte) {
  for (char each : set) {
    if (each == byte) return true;
  }
  return false;
}

constexpr std::array<unsigned char, 256> MakeByteClasses() {
  std::array<unsigned char, 256> classes{};
  for (int i = 0; i < 256; ++i) {
    const char byte = static_cast<char>(i);
    const bool alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                              (byte >= 'A' && byte <= 'Z');
    if (alphanumeric || In("!#$%&'*+-.^_`|~", byte)) classes[i] |= kToken;
    if (alphanumeric || In("-._~!$&'()*+,;=:@/?%", byte)) classes[i] |= kTarget;
    if (alphanumeric || In("-._~!$&'()*+;=:[]%", byte)) classes[i] |= kHost;
    if (i >= 0x20 ? i != 0x7f : byte == '\t') classes[i] |= kValue;
  }
  return classes;
}

constexpr std::array<unsigned char, 256> kByteClasses = MakeByteClasses();

bool All(absl::string_view text, ByteClass wanted) {
  for (char byte : text) {
    if ((kByteClasses[static_cast<unsigned char>(byte)] & wanted) == 0) return false;
  }
  return true;
}

bool IsKnownMethod(absl::string_view method) {
  for (absl::string_view known : {"POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    if (method == known) return true;
  }
  return false;
}

bool AlwaysHasBody(absl::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// How every TLS record of a handshake begins; no method does.
constexpr absl::string_view kTlsHandshake = "\x16";

bool PercentsAreEncodings(absl::string_view text) {
  for (size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !absl::ascii_isxdigit(text[at + 1]) ||
        !absl::ascii_isxdigit(text[at + 2])) {
      return false;
    }
  }
  return true;
}

absl::string_view TrimSpace(absl::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

void RequestHeadParser::Reset() {
  scanned_ = lines_ = first_line_ = 0;
  request_line_checked_ = false;
  has_length_ = has_host_ = has_range_ = wants_close_ = wants_keep_alive_ = false;
  std::vector<HttpHeader> room = std::move(head_.headers);
  room.clear();
  head_ = RequestHead();
  head_.headers = std::move(room);
  refusal_ = Refusal();
}

ParseState RequestHeadParser::Parse(absl::string_view bytes) {
  while (true) {
    const size_t end = bytes.find('\n', scanned_);
    const absl::string_view line =
        bytes.substr(scanned_, end == bytes.npos ? bytes.npos : end + 1 - scanned_);
    if (!ScanLine(line)) return ParseState::kRefused;
    if (end == bytes.npos) return CheckRequestLine(bytes);
    scanned_ = end + 1;
    if (line == "\r\n") {
      if (lines_ > 0) break;
      // One stray CRLF before a request is forgiven, as RFC 9112, section 2.2 asks.
      if (first_line_ > 0) {
        Refuse(refusals::kEmptyLines);
        return ParseState::kRefused;
      }
      first_line_ = scanned_;
    } else {
      ++lines_;
    }
  }
  return ParseLines(bytes) && CheckWhole() ? ParseState::kDone : ParseState::kRefused;
}

// Checks what can be known of a line before it is whole, so that an endless one is refused early.
// A whole line ends with LF.
bool RequestHeadParser::ScanLine(absl::string_view line) {
  const bool is_request_line = lines_ == 0;
  // A handshake holds no line end that could be waited for.
  if (is_request_line && absl::StartsWith(line, kTlsHandshake)) return Refuse(refusals::kTls);
  if (line.size() > (is_request_line ? limits_.line_bytes : limits_.header_bytes) + 2) {
    return is_request_line ? Refuse(refusals::kRequestLineTooLong)
                           : Refuse(refusals::kHeaderTooLong);
  }
  if (scanned_ + line.size() > limits_.head_bytes) return Refuse(refusals::kHeadTooLong);
  if (absl::EndsWith(line, "\n")) {
    if (!absl::EndsWith(line, "\r\n")) return Refuse(refusals::kLineEnd);
    line.remove_suffix(2);
  } else {
    absl::ConsumeSuffix(&line, "\r");
  }
  if (line.find('\r') != line.npos) return Refuse(refusals::kCarriageReturn);
  if (!is_request_line && !line.empty() && lines_ > limits_.headers) {
    return Refuse(refusals::kTooManyHeaders);
  }
  return true;
}

// Refuses by the request line alone what would else be waited for: a client of HTTP/0.9 or HTTP/2
// may not send more before it has an answer.
ParseState RequestHeadParser::CheckRequestLine(absl::string_view bytes) {
  if (lines_ == 0 || request_line_checked_) return ParseState::kNeedMore;
  request_line_checked_ = true;
  const size_t end = bytes.find("\r\n", first_line_);
  const bool good = ParseRequestLine(bytes.substr(first_line_, end - first_line_));
  return good ? ParseState::kNeedMore : ParseState::kRefused;
}

bool RequestHeadParser::ParseLines(absl::string_view bytes) {
  absl::string_view rest = bytes.substr(first_line_, scanned_ - first_line_);
  head_.headers.reserve(lines_ - 1);
  for (size_t i = 0; i < lines_; ++i) {
    // Each line has been found to end with CRLF.
    const size_t end = rest.find('\n');
    const absl::string_view line = rest.substr(0, end - 1);
    rest.remove_prefix(end + 1);
    if (!(i == 0 ? ParseRequestLine(line) : ParseHeader(line))) return false;
  }
  return true;
}

bool RequestHeadParser::ParseRequestLine(absl::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return Refuse(refusals::kRequestLine);
  head_.method = line.substr(0, first);
  const absl::string_view target = line.substr(first + 1, last - first - 1);
  const absl::string_view version = line.substr(last + 1);

  if (head_.method.empty() || !All(head_.method, kToken)) {
    return Refuse(refusals::kMethodMalformed);
  }
  if (version.size() != 8 || !absl::StartsWith(version, "HTTP/") || version[6] != '.' ||
      !absl::ascii_isdigit(version[5]) || !absl::ascii_isdigit(version[7])) {
    return Refuse(refusals::kVersionMalformed);
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refuse(refusals::kVersionUnknown);
  }
  head_.minor_version = version[7] - '0';
  if (!IsKnownMethod(head_.method)) return Refuse(refusals::kMethodUnknown);
  return ParseTarget(target);
}

// Accepts the origin form, the absolute form (which RFC 9112, section 3.2.2 obliges us to, and
// whose authority says nothing to us) and, for OPTIONS, the asterisk.
bool RequestHeadParser::ParseTarget(absl::string_view target) {
  if (target == "*" && head_.method == "OPTIONS") {
    head_.path = target;
    return true;
  }
  if (!absl::StartsWith(target, "/")) {
    absl::string_view rest = target;
    if (absl::StartsWithIgnoreCase(rest, "http://")) {
      rest.remove_prefix(7);
    } else if (absl::StartsWithIgnoreCase(rest, "https://")) {
      rest.remove_prefix(8);
    } else {
      return Refuse(refusals::kTarget);
    }
    const size_t slash = rest.find('/');
    const absl::string_view authority = rest.substr(0, slash);
    if (slash == rest.npos || authority.empty() || !All(authority, kHost)) {
      return Refuse(refusals::kTarget);
    }
    target = rest.substr(slash);
  }
  if (!All(target, kTarget) || !PercentsAreEncodings(target)) return Refuse(refusals::kTarget);
  const size_t question = target.find('?');
  head_.path = target.substr(0, question);
  if (question != target.npos) head_.query = target.substr(question + 1);
  return true;
}

bool RequestHeadParser::ParseHeader(absl::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return Refuse(refusals::kHeaderFolded);
  const size_t colon = line.find(':');
  if (colon == line.npos) return Refuse(refusals::kHeaderColon);
  const HttpHeader header{line.substr(0, colon), TrimSpace(line.substr(colon + 1))};
  if (header.name.empty() || !All(header.name, kToken)) {
    return Refuse(refusals::kHeaderName);
  }
  if (!All(header.value, kValue)) return Refuse(refusals::kHeaderControl);
  head_.headers.push_back(header);
  return NoteHeader(header);
}

// Understands the headers that decide how the request is read.
bool RequestHeadParser::NoteHeader(const HttpHeader& header) {
  const auto is = [&](absl::string_view name) { return absl::EqualsIgnoreCase(header.name, name); };
  switch (header.name.size()) {
    case 4:
      if (!is("Host")) break;
      if (has_host_) return Refuse(refusals::kHostRepeated);
      has_host_ = true;
      if (!All(header.value, kHost)) return Refuse(refusals::kHostMalformed);
      break;
    case 5:
      if (is("Range")) has_range_ = true;
      break;
    case 6:
      if (!is("Expect") || head_.minor_version == 0) break;
      if (!absl::EqualsIgnoreCase(header.value, "100-continue")) {
        return Refuse(refusals::kExpectation);
      }
      head_.expects_continue = true;
      break;
    case 10:
      if (is("Connection")) return NoteConnection(header.value);
      break;
    case 12:
      if (is("Content-Type") && absl::StartsWithIgnoreCase(header.value, "multipart/")) {
        return Refuse(refusals::kMultipart);
      }
      break;
    case 14:
      if (is("Content-Length")) return NoteContentLength(header.value);
      break;
    case 16:
      if (is("Content-Encoding")) return Refuse(refusals::kContentEncoding);
      break;
    case 17:
      if (is("Transfer-Encoding")) return NoteTransferEncoding(header.value);
      break;
  }
  return true;
}

bool RequestHeadParser::NoteContentLength(absl::string_view value) {
  if (has_length_) return Refuse(refusals::kLengthRepeated);
  has_length_ = true;
  if (value.empty()) return Refuse(refusals::kLengthMalformed);
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  size_t length = 0;
  for (char byte : value) {
    if (!absl::ascii_isdigit(byte)) return Refuse(refusals::kLengthMalformed);
    const size_t digit = static_cast<size_t>(byte - '0');
    length = length > (kMost - digit) / 10 ? kMost : length * 10 + digit;
  }
  head_.content_length = length;
  return true;
}

bool RequestHeadParser::NoteTransferEncoding(absl::string_view value) {
  if (head_.chunked) return Refuse(refusals::kTransferEncodingRepeated);
  if (head_.minor_version == 0) return Refuse(refusals::kTransferEncodingOld);
  if (!absl::EqualsIgnoreCase(value, "chunked")) {
    return Refuse(refusals::kTransferEncodingUnknown);
  }
  head_.chunked = true;
  return true;
}

bool RequestHeadParser::NoteConnection(absl::string_view value) {
  while (true) {
    const size_t comma = value.find(',');
    const absl::string_view option = TrimSpace(value.substr(0, comma));
    if (absl::EqualsIgnoreCase(option, "close")) wants_close_ = true;
    if (absl::EqualsIgnoreCase(option, "keep-alive")) wants_keep_alive_ = true;
    if (comma == value.npos) return true;
    value.remove_prefix(comma + 1);
  }
}

// Checks what needs all headers.
bool RequestHeadParser::CheckWhole() {
  if (!has_host_ && head_.minor_version == 1) return Refuse(refusals::kHostMissing);
  if (has_length_ && head_.chunked) {
    return Refuse(refusals::kLengthAndChunked);
  }
  if (!has_length_ && !head_.chunked && AlwaysHasBody(head_.method)) {
    return Refuse(refusals::kLengthMissing);
  }
  // RFC 9110, section 14.2 gives it a meaning for GET only. Whoever sends it with a body probes
  // what a library behind us makes of it.
  if (has_range_ && AlwaysHasBody(head_.method)) return Refuse(refusals::kRange);
  if (head_.content_length > limits_.body_bytes) return Refuse(refusals::kBodyTooLong);
  head_.keep_alive = !wants_close_ && (head_.minor_version == 1 || wants_keep_alive_);
  return true;
}

bool RequestHeadParser::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return false;
}

}  // namespace onhook
