#include "gateway/base/ip_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace onhook {
namespace {

constexpr int kV4Bits = 32;
constexpr int kV6Bits = 128;
constexpr int kMappedBits = kV6Bits - kV4Bits;

// How an IPv4 address begins within IPv6.
constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(absl::string_view text) {
  IpAddress address;
  const std::string terminated(text);
  const bool whole = !absl::StrContains(text, '\0');  // what follows one would not be looked at
  if (whole && inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) return address;
  if (!whole || inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) != 1) {
    return absl::InvalidArgumentError("must be an IPv4 or IPv6 address");
  }
  if (std::equal(kMapped.begin(), kMapped.end(), address.bytes_.begin())) {
    std::copy(address.bytes_.begin() + kMapped.size(), address.bytes_.end(),
              address.bytes_.begin());
    std::fill(address.bytes_.begin() + 4, address.bytes_.end(), uint8_t{0});
    return address;
  }
  address.is_v4_ = false;
  return address;
}

bool IpAddress::is_loopback() const {
  if (is_v4_) return bytes_[0] == 127;
  std::array<uint8_t, 16> one{};
  one.back() = 1;
  return bytes_ == one;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

absl::StatusOr<IpNetwork> IpNetwork::Parse(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(parts.first);
  const absl::Status fault =
      absl::InvalidArgumentError("must be ADDRESS or ADDRESS/BITS, such as 198.51.100.0/24");
  if (!address.ok()) return fault;
  IpNetwork network;
  network.address_ = *address;
  const int most = address->is_v4() ? kV4Bits : kV6Bits;
  network.bits_ = most;
  if (!absl::StrContains(text, '/')) return network;
  const bool is_number = std::all_of(parts.second.begin(), parts.second.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || !absl::SimpleAtoi(parts.second, &network.bits_)) return fault;
  // Of IPv4 within IPv6 the bits are counted as they are written: from the front of IPv6.
  const bool is_mapped = address->is_v4() && absl::StrContains(parts.first, ':');
  if (is_mapped) network.bits_ -= kMappedBits;
  if (network.bits_ < 0 || network.bits_ > most) return fault;
  for (int bit = network.bits_; bit < most; ++bit) {
    if ((address->bytes_[static_cast<size_t>(bit / 8)] & (0x80 >> (bit % 8))) != 0) {
      // Nobody who wrote an address meant all of them.
      return absl::InvalidArgumentError(
          network.is_everything() ? "has bits set behind its prefix, which is none"
                                  : absl::StrCat("has bits set behind its prefix; the network is ",
                                                 network.WithoutBitsBehindPrefix().ToString()));
    }
  }
  return network;
}

IpNetwork IpNetwork::WithoutBitsBehindPrefix() const {
  IpNetwork network = *this;
  for (size_t bit = static_cast<size_t>(bits_); bit < 8 * network.address_.bytes_.size(); ++bit) {
    network.address_.bytes_[bit / 8] &= static_cast<uint8_t>(~(0x80U >> (bit % 8)));
  }
  return network;
}

bool IpNetwork::Contains(const IpAddress& address) const {
  if (address.is_v4() != address_.is_v4()) return false;
  const auto whole = static_cast<size_t>(bits_ / 8);
  if (!std::equal(address_.bytes_.begin(), address_.bytes_.begin() + whole,
                  address.bytes_.begin())) {
    return false;
  }
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((address_.bytes_[whole] ^ address.bytes_[whole]) & mask) == 0;
}

std::string IpNetwork::ToString() const { return absl::StrCat(address_.ToString(), "/", bits_); }

}  // namespace onhook
