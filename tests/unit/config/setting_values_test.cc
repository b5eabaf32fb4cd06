#include "gateway/config/setting_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

using ::std::string_literals::operator""s;
using ::testing::StartsWith;

struct AddressCase {
  const char* why;
  std::string text;
  std::string host;
  int port;
};

const AddressCase kAddresses[] = {
    {"an IPv4 address", "127.0.0.1:8080", "127.0.0.1", 8080},
    {"every IPv4 address", "0.0.0.0:80", "0.0.0.0", 80},
    {"port 0 lets the system choose", "127.0.0.1:0", "127.0.0.1", 0},
    {"the last port", "127.0.0.1:65535", "127.0.0.1", 65535},
    {"an IPv6 address in its brackets", "[::1]:8080", "::1", 8080},
    {"every IPv6 address", "[::]:8080", "::", 8080},
    {"an IPv4 address within IPv6", "[::ffff:192.0.2.7]:1", "::ffff:192.0.2.7", 1},
    {"a name", "localhost:50051", "localhost", 50051},
    {"a name of several parts", "hook-1.example.org:1", "hook-1.example.org", 1},
};

TEST(HostPortTest, AddressesAreReadAndWrittenAlike) {
  for (const AddressCase& row : kAddresses) {
    const absl::StatusOr<HostPort> address = ParseHostPort(row.text);
    ASSERT_TRUE(address.ok()) << row.why;
    EXPECT_EQ(address->host, row.host) << row.why;
    EXPECT_EQ(address->port, row.port) << row.why;
    EXPECT_EQ(FormatHostPort(*address), row.text) << row.why;
  }
}

struct BadText {
  const char* why;
  std::string text;
};

const BadText kNoAddresses[] = {
    {"nothing", ""},
    {"no port", "127.0.0.1"},
    {"an empty port", "127.0.0.1:"},
    {"no host: which one is meant is not guessed", ":8080"},
    {"a port alone", "8080"},
    {"a port beyond the last", "127.0.0.1:65536"},
    {"a port with a sign", "127.0.0.1:+80"},
    {"a port below 0", "127.0.0.1:-1"},
    {"a port with a space", "127.0.0.1: 80"},
    {"a port that would overflow", "127.0.0.1:99999999999"},
    {"a named port", "127.0.0.1:http"},
    {"an address with too few parts", "127.0.1:80"},
    {"an address with a part over 255", "256.0.0.1:80"},
    {"IPv6 without brackets", "::1:8080"},
    {"brackets left open", "[::1:8080"},
    {"brackets never opened", "::1]:8080"},
    {"a name in brackets", "[localhost]:8080"},
    {"nothing in brackets", "[]:8080"},
    {"a name with a space", "my host:80"},
    {"a name that begins with a dash", "-host:80"},
    {"a URL", "http://127.0.0.1:80"},
    {"a zero byte", "host\0:80"s},
    {"a name longer than the DNS allows", std::string(254, 'a') + ":80"},
};

TEST(HostPortTest, AnythingElseIsRefusedWithTheForm) {
  for (const BadText& row : kNoAddresses) {
    const absl::Status status = ParseHostPort(row.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.why;
    EXPECT_THAT(std::string(status.message()), StartsWith("must be HOST:PORT")) << row.why;
  }
}

TEST(HostPortTest, LoopbackIsToldFromWhatOthersCanReach) {
  for (const char* host : {"127.0.0.1", "127.255.1.2", "::1", "localhost", "LOCALHOST"}) {
    EXPECT_TRUE(IsLoopback({host, 1})) << host;
  }
  for (const char* host :
       {"0.0.0.0", "128.0.0.1", "192.0.2.7", "::", "::2", "example.org", "localhost.example.org"}) {
    EXPECT_FALSE(IsLoopback({host, 1})) << host;
  }
}

struct DurationCase {
  std::string text;
  absl::Duration duration;
  std::string written;
};

const DurationCase kDurations[] = {
    {"0s", absl::ZeroDuration(), "0s"},
    {"0ms", absl::ZeroDuration(), "0s"},
    {"500ms", absl::Milliseconds(500), "500ms"},
    {"1500ms", absl::Milliseconds(1500), "1500ms"},
    {"1000ms", absl::Seconds(1), "1s"},
    {"5s", absl::Seconds(5), "5s"},
    {"90s", absl::Seconds(90), "90s"},
    {"15m", absl::Minutes(15), "15m"},
    {"24h", absl::Hours(24), "1d"},
    {"7d", absl::Hours(7 * 24), "7d"},
};

TEST(DurationValueTest, AWholeNumberHasItsUnit) {
  for (const DurationCase& row : kDurations) {
    const absl::StatusOr<absl::Duration> duration = ParseDurationValue(row.text);
    ASSERT_TRUE(duration.ok()) << row.text;
    EXPECT_EQ(*duration, row.duration) << row.text;
    EXPECT_EQ(FormatDurationValue(*duration), row.written) << row.text;
  }
}

TEST(DurationValueTest, AnythingElseIsRefused) {
  for (const char* text : {"", "5", "0", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "1h30m",
                           "5S", "5sec", "5us", "inf", "1234567890s"}) {
    EXPECT_EQ(ParseDurationValue(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

struct ByteCase {
  std::string text;
  size_t bytes;
  std::string written;
};

const ByteCase kByteCounts[] = {
    {"1B", 1, "1B"},
    {"1023B", 1023, "1023B"},
    {"1024B", 1024, "1KiB"},
    {"64KiB", 65536, "64KiB"},
    {"10MiB", 10 << 20, "10MiB"},
    {"10GiB", 10ULL << 30, "10GiB"},
    {"2TiB", 2ULL << 40, "2TiB"},
};

TEST(ByteCountTest, AWholeNumberHasItsUnit) {
  for (const ByteCase& row : kByteCounts) {
    const absl::StatusOr<size_t> bytes = ParseByteCount(row.text);
    ASSERT_TRUE(bytes.ok()) << row.text;
    EXPECT_EQ(*bytes, row.bytes) << row.text;
    EXPECT_EQ(FormatByteCount(*bytes), row.written) << row.text;
  }
}

TEST(ByteCountTest, AnythingElseIsRefused) {
  for (const char* text : {"", "64", "0B", "KiB", "64 KiB", "64kib", "64KB", "64K", "-1B", "1.5MiB",
                           "999999999TiB", "1234567890B"}) {
    EXPECT_EQ(ParseByteCount(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(WholeNumberTest, DigitsAloneAreTaken) {
  EXPECT_EQ(ParseWholeNumber("0").value(), 0);
  EXPECT_EQ(ParseWholeNumber("1024").value(), 1024);
  EXPECT_EQ(ParseWholeNumber("999999999").value(), 999999999);
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "1,000", "1k", "1234567890"}) {
    EXPECT_EQ(ParseWholeNumber(text).status().message(), "must be a whole number") << text;
  }
}

TEST(BooleanTest, OnlyTrueAndFalseAreTaken) {
  EXPECT_TRUE(ParseBoolean("true").value());
  EXPECT_FALSE(ParseBoolean("false").value());
  EXPECT_EQ(FormatBoolean(true), "true");
  EXPECT_EQ(FormatBoolean(false), "false");
  for (const char* text : {"", "1", "0", "yes", "no", "True", "on", "true "}) {
    EXPECT_EQ(ParseBoolean(text).status().message(), "must be true or false") << text;
  }
}

TEST(PathTest, EveryTextButAnEmptyOneIsAPath) {
  EXPECT_EQ(ParsePath("/var/lib/onhook").value(), "/var/lib/onhook");
  EXPECT_EQ(ParsePath("a b").value(), "a b");
  EXPECT_FALSE(ParsePath("").ok());
  EXPECT_FALSE(ParsePath("a\0b"s).ok());
}

}  // namespace
}  // namespace onhook
