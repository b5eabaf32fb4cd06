#include "tests/hostile/http2_frames.h"

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr size_t kFrameHeader = 9;

char Byte(uint64_t number, int shift) { return static_cast<char>((number >> shift) & 0xff); }

std::string HpackText(absl::string_view text) {
  return absl::StrCat(HpackNumber(0, 7, text.size()), text);
}

}  // namespace

std::string FrameOfLength(uint32_t length, Http2Frame type, uint8_t flags, uint32_t stream,
                          absl::string_view payload) {
  std::string frame = {Byte(length, 16), Byte(length, 8), Byte(length, 0), static_cast<char>(type),
                       static_cast<char>(flags)};
  return absl::StrCat(frame, FourBytes(stream), payload);
}

std::string FrameOf(Http2Frame type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  return FrameOfLength(static_cast<uint32_t>(payload.size()), type, flags, stream, payload);
}

std::string FourBytes(uint32_t number) {
  return {Byte(number, 24), Byte(number, 16), Byte(number, 8), Byte(number, 0)};
}

std::string Http2Preface(const std::vector<std::pair<uint16_t, uint32_t>>& settings) {
  std::string payload;
  for (const auto& [number, value] : settings) {
    payload.push_back(Byte(number, 8));
    payload.push_back(Byte(number, 0));
    payload.append(FourBytes(value));
  }
  return absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                      FrameOf(Http2Frame::kSettings, 0, 0, payload));
}

std::string HpackNumber(uint8_t first, int prefix_bits, uint64_t number) {
  const uint64_t most = (uint64_t{1} << prefix_bits) - 1;
  if (number < most) return {static_cast<char>(first | number)};
  std::string bytes = {static_cast<char>(first | most)};
  for (number -= most; number >= 128; number >>= 7) {
    bytes.push_back(static_cast<char>(0x80 | (number & 0x7f)));
  }
  bytes.push_back(static_cast<char>(number));
  return bytes;
}

std::string HpackLiteral(absl::string_view name, absl::string_view value) {
  return absl::StrCat(HpackNumber(0, 4, 0), HpackText(name), HpackText(value));
}

std::string HpackKept(absl::string_view name, absl::string_view value) {
  return absl::StrCat(HpackNumber(0x40, 6, 0), HpackText(name), HpackText(value));
}

std::string HpackIndexed(uint64_t number) { return HpackNumber(0x80, 7, number); }

std::string CallHeaders(absl::string_view path) {
  return absl::StrCat(HpackLiteral(":method", "POST"), HpackLiteral(":scheme", "http"),
                      HpackLiteral(":path", path), HpackLiteral(":authority", "localhost"),
                      HpackLiteral("te", "trailers"),
                      HpackLiteral("content-type", "application/grpc"));
}

std::string GrpcMessage(uint8_t flag, absl::string_view bytes) {
  std::string message = {static_cast<char>(flag)};
  return absl::StrCat(message, FourBytes(static_cast<uint32_t>(bytes.size())), bytes);
}

int CountFrames(absl::string_view bytes, Http2Frame type) {
  const auto at = [&](size_t place) { return static_cast<unsigned char>(bytes[place]); };
  int count = 0;
  while (bytes.size() >= kFrameHeader) {
    const size_t length = (at(0) << 16) + (at(1) << 8) + at(2);
    if (bytes.size() < kFrameHeader + length) break;
    if (at(3) == static_cast<unsigned char>(type)) ++count;
    bytes.remove_prefix(kFrameHeader + length);
  }
  return count;
}

}  // namespace onhook
