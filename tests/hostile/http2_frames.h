#ifndef ONHOOK_TESTS_HOSTILE_HTTP2_FRAMES_H_
#define ONHOOK_TESTS_HOSTILE_HTTP2_FRAMES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// HTTP/2 as bytes (RFC 9113, HPACK of RFC 7541), well-formed or not: no client library writes what
// an attacker does.

enum class Http2Frame : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kAcknowledges = 0x1;
constexpr uint8_t kEndHeaders = 0x4;

// A frame whose length is that of its payload.
std::string FrameOf(Http2Frame type, uint8_t flags, uint32_t stream, absl::string_view payload);
// One that says it is longer or shorter than it is.
std::string FrameOfLength(uint32_t length, Http2Frame type, uint8_t flags, uint32_t stream,
                          absl::string_view payload);

// What a client sends first: the preface, and its settings (number, value).
std::string Http2Preface(const std::vector<std::pair<uint16_t, uint32_t>>& settings = {});

// 4 bytes, as frames hold numbers.
std::string FourBytes(uint32_t number);

// HPACK: a number behind a prefix of so many bits, whose other bits are those of `first`.
std::string HpackNumber(uint8_t first, int prefix_bits, uint64_t number);
// A header that no table keeps.
std::string HpackLiteral(absl::string_view name, absl::string_view value);
// A header that goes into the peer's table, where it is number 62.
std::string HpackKept(absl::string_view name, absl::string_view value);
// The header of that number in the table.
std::string HpackIndexed(uint64_t number);

// The headers of a gRPC call of `path`, without a frame.
std::string CallHeaders(absl::string_view path);

// A gRPC message: flag, length, bytes.
std::string GrpcMessage(uint8_t flag, absl::string_view bytes);

// The number of whole frames of `type` at the beginning of `bytes`.
int CountFrames(absl::string_view bytes, Http2Frame type);

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_HTTP2_FRAMES_H_
