#ifndef ONHOOK_GATEWAY_BASE_IP_NETWORK_H_
#define ONHOOK_GATEWAY_BASE_IP_NETWORK_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook {

// An IPv4 or IPv6 address. IPv4 within IPv6 (::ffff:192.0.2.1) is the IPv4 address, so that an
// address has one form whatever the socket it was seen on.
//
// Pure values. Threads: any. Blocking: never.
class IpAddress {
 public:
  // "192.0.2.7" or "2001:db8::1", without brackets, port or zone; dotted decimal without leading
  // zeros. Errors: kInvalidArgument, completing "the value ...".
  static absl::StatusOr<IpAddress> Parse(absl::string_view text);

  bool is_v4() const { return is_v4_; }
  bool is_loopback() const;
  std::string ToString() const;

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.is_v4_ == b.is_v4_ && a.bytes_ == b.bytes_;
  }

 private:
  friend class IpNetwork;
  bool is_v4_ = true;
  std::array<uint8_t, 16> bytes_{};  // network order; IPv4 in the first four
};

// A range of addresses that share their first bits: "198.51.100.0/24".
class IpNetwork {
 public:
  // ADDRESS/BITS, or an address alone, which stands for itself. Bits set behind the prefix are an
  // error, which tells the network without them, if it is not everything: they are somebody's slip.
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24. Errors: as IpAddress::Parse.
  static absl::StatusOr<IpNetwork> Parse(absl::string_view text);

  // An IPv4 network holds no IPv6 address, and the other way round.
  bool Contains(const IpAddress& address) const;
  // Whether it holds every address of its kind.
  bool is_everything() const { return bits_ == 0; }
  std::string ToString() const;

 private:
  IpNetwork WithoutBitsBehindPrefix() const;

  IpAddress address_;
  int bits_ = 32;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_IP_NETWORK_H_
