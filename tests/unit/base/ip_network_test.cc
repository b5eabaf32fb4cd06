#include "gateway/base/ip_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

using ::testing::HasSubstr;

IpAddress Address(absl::string_view text) {
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address.ok()) << text << ": " << address.status();
  return address.value_or(IpAddress());
}

IpNetwork Network(absl::string_view text) {
  const absl::StatusOr<IpNetwork> network = IpNetwork::Parse(text);
  EXPECT_TRUE(network.ok()) << text << ": " << network.status();
  return network.value_or(IpNetwork());
}

TEST(IpAddressTest, AnAddressHasOneForm) {
  const struct {
    const char* text;
    const char* written;
    bool is_v4;
  } kRows[] = {
      {"192.0.2.7", "192.0.2.7", true},
      {"0.0.0.0", "0.0.0.0", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"2001:db8::1", "2001:db8::1", false},
      {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1", false},
      {"::", "::", false},
      {"::ffff:192.0.2.7", "192.0.2.7", true},
      {"::ffff:c000:207", "192.0.2.7", true},
      {"::192.0.2.7", "::192.0.2.7", false},  // an old form that no socket shows
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Address(row.text).ToString(), row.written);
    EXPECT_EQ(Address(row.text).is_v4(), row.is_v4) << row.text;
    EXPECT_TRUE(Address(row.text) == Address(row.written)) << row.text;
  }
  EXPECT_FALSE(Address("192.0.2.7") == Address("192.0.2.8"));
  EXPECT_FALSE(Address("192.0.2.7") == Address("c000:207::")) << "the same bytes of another family";
}

TEST(IpAddressTest, AnythingElseIsRefused) {
  const struct {
    std::string text;
    const char* why;
  } kRows[] = {
      {"", "nothing"},
      {"192.0.2", "too few parts"},
      {"192.0.2.7.1", "too many parts"},
      {"192.0.2.256", "a part over 255"},
      {"192.0.2.07", "a leading zero, which some read as octal"},
      {"0xc0.0.2.7", "hexadecimal"},
      {"3221225991", "one number"},
      {" 192.0.2.7", "a space before"},
      {"192.0.2.7 ", "a space behind"},
      {"192.0.2.7\n", "a newline behind"},
      {"192.0.2.7:80", "a port"},
      {std::string("192.0.2.7\0", 10), "a zero byte behind"},
      {std::string("192.0.2.7\0.evil", 15), "more behind a zero byte"},
      {std::string("::1\0", 4), "a zero byte behind IPv6"},
      {"[::1]", "brackets"},
      {"fe80::1%eth0", "a zone"},
      {"1::2::3", "two gaps"},
      {"1:2:3:4:5:6:7", "too few groups"},
      {"1:2:3:4:5:6:7:8:9", "too many groups"},
      {"example.org", "a name"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = IpAddress::Parse(row.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.why;
    EXPECT_EQ(status.message(), "must be an IPv4 or IPv6 address") << row.why;
  }
}

TEST(IpAddressTest, LoopbackIsToldInEveryForm) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Address(text).is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "0.0.0.0", "::", "::2", "7f00::1", "::127.0.0.1"}) {
    EXPECT_FALSE(Address(text).is_loopback()) << text;
  }
}

TEST(IpNetworkTest, ANetworkHoldsWhatSharesItsFirstBits) {
  const struct {
    const char* network;
    const char* address;
    bool holds;
  } kRows[] = {
      {"198.51.100.0/24", "198.51.100.0", true},
      {"198.51.100.0/24", "198.51.100.255", true},
      {"198.51.100.0/24", "198.51.101.0", false},
      {"198.51.100.0/24", "::ffff:198.51.100.9", true},  // as a socket of both families shows it
      {"198.51.100.128/25", "198.51.100.127", false},
      {"198.51.100.128/25", "198.51.100.128", true},
      {"198.51.100.4/31", "198.51.100.5", true},
      {"198.51.100.4/31", "198.51.100.6", false},
      {"198.51.100.7/32", "198.51.100.7", true},
      {"198.51.100.7/32", "198.51.100.6", false},
      {"198.51.100.7", "198.51.100.7", true},
      {"198.51.100.7", "198.51.100.8", false},
      {"128.0.0.0/1", "255.0.0.1", true},
      {"128.0.0.0/1", "127.0.0.1", false},
      {"0.0.0.0/0", "203.0.113.1", true},
      {"0.0.0.0/0", "2001:db8::1", false},  // of the other family
      {"::/0", "2001:db8::1", true},
      {"::/0", "203.0.113.1", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::1", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"::1/128", "::1", true},
      {"::1/128", "::2", false},
      {"::ffff:198.51.100.0/120", "198.51.100.9", true},
      {"::ffff:198.51.100.0/120", "198.51.101.9", false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Network(row.network).Contains(Address(row.address)), row.holds)
        << row.network << " and " << row.address;
  }
}

TEST(IpNetworkTest, ANetworkIsWrittenWithItsBits) {
  const struct {
    const char* text;
    const char* written;
  } kRows[] = {
      {"198.51.100.0/24", "198.51.100.0/24"},
      {"198.51.100.7", "198.51.100.7/32"},
      {"2001:DB8::/32", "2001:db8::/32"},
      {"::1", "::1/128"},
      {"::ffff:198.51.100.0/120", "198.51.100.0/24"},
      {"::ffff:198.51.100.7", "198.51.100.7/32"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Network(row.text).ToString(), row.written);
    EXPECT_EQ(Network(row.written).ToString(), row.written);
  }
}

TEST(IpNetworkTest, AnythingElseIsRefused) {
  const struct {
    std::string text;
    const char* expected;
    const char* why;
  } kRows[] = {
      {"", "ADDRESS/BITS", "nothing"},
      {"/24", "ADDRESS/BITS", "no address"},
      {"198.51.100.0/", "ADDRESS/BITS", "no bits"},
      {"198.51.100.0/33", "ADDRESS/BITS", "more bits than there are"},
      {"2001:db8::/129", "ADDRESS/BITS", "more bits than IPv6 has"},
      {"198.51.100.0/-1", "ADDRESS/BITS", "a sign"},
      {"198.51.100.0/+8", "ADDRESS/BITS", "another sign"},
      {"198.51.100.0/24 ", "ADDRESS/BITS", "a space"},
      {"198.51.100.0/2 4", "ADDRESS/BITS", "a space within"},
      {"198.51.100.0/24/24", "ADDRESS/BITS", "bits twice"},
      {"198.51.100.0/255.255.255.0", "ADDRESS/BITS", "a mask"},
      {"198.51.100.0/99999999999", "ADDRESS/BITS", "bits that would overflow"},
      {std::string("198.51.100.0\0/24", 16), "ADDRESS/BITS", "a zero byte"},
      {"example.org/24", "ADDRESS/BITS", "a name"},
      {"198.51.100.7/24", "bits set behind its prefix", "an address within the network"},
      {"10.1.2.3/8", "bits set behind its prefix; the network is 10.0.0.0/8",
       "it tells the network"},
      {"198.51.100.77/27", "prefix; the network is 198.51.100.64/27", "a prefix within a byte"},
      {"::ffff:192.0.2.1/120", "prefix; the network is 192.0.2.0/24", "one of IPv4 within IPv6"},
      {"2001:db8::1/33", "prefix; the network is 2001:db8::/33", "one of IPv6"},
      {"10.0.0.0/0", "bits set behind its prefix, which is none", "nobody is led to everybody"},
      {"198.51.100.1/31", "bits set behind its prefix", "one bit too many"},
      {"2001:db8::1/32", "bits set behind its prefix", "an address within a network of IPv6"},
      {"::ffff:198.51.100.0/24", "ADDRESS/BITS", "bits of IPv4 behind a form of IPv6"},
      {"::ffff:198.51.100.0/129", "ADDRESS/BITS", "more bits than a form of IPv6 has"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = IpNetwork::Parse(row.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.why;
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.expected)) << row.why;
  }
}

}  // namespace
}  // namespace onhook
