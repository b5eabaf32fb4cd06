#include "gateway/ingress/client_address.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr absl::string_view kProxy = "10.0.0.1";
constexpr absl::string_view kVendor = "198.51.100.7";

std::vector<IpNetwork> TrustedProxies() {
  std::vector<IpNetwork> networks;
  for (const char* text : {"10.0.0.0/24", "2001:db8:a::/48", "203.0.113.5"}) {
    networks.push_back(IpNetwork::Parse(text).value());
  }
  return networks;
}

// Who a request comes from that `peer` sent with these headers X-Forwarded-For.
std::string ClientOf(absl::string_view peer, const std::vector<std::string>& forwarded_for,
                     const std::vector<IpNetwork>& trusted = TrustedProxies()) {
  std::vector<HttpHeader> headers = {{"Host", "onhook.example"}};
  for (const std::string& value : forwarded_for) {
    headers.push_back({headers.size() % 2 == 0 ? "x-forwarded-for" : "X-Forwarded-For", value});
    headers.push_back({"X-Forwarded-Forward", "192.0.2.66"});
  }
  HttpRequest request;
  request.peer = peer;
  request.headers = headers;
  const absl::optional<IpAddress> address = ClientAddress(request, trusted);
  return address.has_value() ? address->ToString() : "nobody";
}

TEST(ClientAddressTest, IsWhomTheLastUntrustedAddressNames) {
  struct {
    absl::string_view peer;
    std::vector<std::string> forwarded_for;
    absl::string_view client;
    const char* why;
  } const rows[] = {
      {kVendor, {}, kVendor, "nothing in between"},
      {kVendor, {"192.0.2.1"}, kVendor, "spoofed: no proxy said so"},
      {kVendor, {"10.0.0.1"}, kVendor, "spoofed: names a proxy"},
      {kProxy, {"198.51.100.7"}, kVendor, "a proxy in between"},
      {kProxy, {"192.0.2.1, 198.51.100.7"}, kVendor, "spoofed through the proxy, which appends"},
      {kProxy, {"192.0.2.1,198.51.100.7"}, kVendor, "without space"},
      {kProxy, {"192.0.2.1", "198.51.100.7"}, kVendor, "spoofed in a header of its own"},
      {kProxy, {"junk, \xFF,,", "198.51.100.7"}, kVendor, "what is left of it is never read"},
      {kProxy, {"192.0.2.1, 10.0.0.9, 198.51.100.7"}, kVendor, "spoofed proxy left of the client"},
      {kProxy, {"198.51.100.7, 10.0.0.2"}, kVendor, "two proxies"},
      {kProxy, {"198.51.100.7", "10.0.0.2"}, kVendor, "two proxies, each with its header"},
      {kProxy, {"198.51.100.7,\t10.0.0.3 , 203.0.113.5"}, kVendor, "three, and white space"},
      {"203.0.113.5", {"198.51.100.7"}, kVendor, "a proxy by its address alone"},
      {"203.0.113.6", {"198.51.100.7"}, "203.0.113.6", "its neighbour is none"},
      {"2001:db8:a::1", {"2001:db8:b::2"}, "2001:db8:b::2", "IPv6"},
      {"2001:db8:b::1", {"2001:db8:c::2"}, "2001:db8:b::1", "IPv6, no proxy"},
      {kProxy, {}, kProxy, "the proxy itself asks"},
      {kProxy, {"10.0.0.2, 10.0.0.3"}, "10.0.0.2", "a proxy in front of others asks"},
      {kProxy, {"::ffff:198.51.100.7"}, kVendor, "IPv4 within IPv6 is IPv4"},
      {"::ffff:10.0.0.1", {"198.51.100.7"}, kVendor, "of a proxy as well"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(ClientOf(row.peer, row.forwarded_for), row.client) << row.why;
  }
}

TEST(ClientAddressTest, AnElementMayHaveAPort) {
  struct {
    const char* element;
    absl::string_view client;
  } const rows[] = {
      {"198.51.100.7:443", kVendor},
      {"198.51.100.7:0", kVendor},
      {"[2001:db8::7]:443", "2001:db8::7"},
      {"[2001:db8::7]", "2001:db8::7"},
      {"2001:db8::7", "2001:db8::7"},
      {"2001:DB8:0:0::7", "2001:db8::7"},
      {"[::ffff:198.51.100.7]:65535", kVendor},
      {"::1", "::1"},
  };
  for (const auto& row : rows) EXPECT_EQ(ClientOf(kProxy, {row.element}), row.client);
}

TEST(ClientAddressTest, AtWhatIsNoAddressTheSearchEndsWithTheProxyThatSaidIt) {
  for (const char* element : {"",
                              " ",
                              "unknown",
                              "_hidden",
                              "198.51.100",
                              "198.51.100.7.",
                              "198.51.100.07",
                              "198.51.100.256",
                              "198.51.100.7:",
                              "198.51.100.7:https",
                              "198.51.100.7:443000",
                              "198.51.100.7:-1",
                              "198.51.100.7:1:2",
                              ":443",
                              "[198.51.100.7]",
                              "[198.51.100.7]:443",
                              "[2001:db8::7",
                              "2001:db8::7]",
                              "[2001:db8::7]443",
                              "[2001:db8::7]:",
                              "[2001:db8::7]:x",
                              "[[2001:db8::7]]",
                              "[]",
                              "[]:443",
                              "[",
                              "2001:db8::7%eth0",
                              "[fe80::1%eth0]:443",
                              "\"198.51.100.7\"",
                              "for=198.51.100.7",
                              "198.51.100.7 192.0.2.1",
                              "198.51.100.7;192.0.2.1",
                              "0x7f000001",
                              "2130706433",
                              "198.51.100.0/24",
                              "localhost",
                              "2001:db8:::7"}) {
    EXPECT_EQ(ClientOf(kProxy, {element}), kProxy) << element;
    EXPECT_EQ(ClientOf(kProxy, {absl::StrCat("198.51.100.7, ", element)}), kProxy) << element;
    EXPECT_EQ(ClientOf(kProxy, {"198.51.100.7", absl::StrCat(element, ", 10.0.0.2")}), "10.0.0.2")
        << element;
  }
}

TEST(ClientAddressTest, WithoutTrustedProxiesTheHeaderMeansNothing) {
  EXPECT_EQ(ClientOf(kProxy, {"198.51.100.7"}, {}), kProxy);
  EXPECT_EQ(ClientOf("127.0.0.1", {"198.51.100.7"}, {}), "127.0.0.1");
}

TEST(ClientAddressTest, WhoHasNoAddressIsNobody) {
  for (const char* peer : {"", "unix", "fe80::1%eth0", "10.0.0.1:80"}) {
    EXPECT_EQ(ClientOf(peer, {"198.51.100.7"}), "nobody") << peer;
  }
}

TEST(ClientAddressTest, ALongListIsReadAsFarAsItIsTrusted) {
  std::string proxies;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&proxies, ", 10.0.0.", i % 250);
  EXPECT_EQ(ClientOf(kProxy, {absl::StrCat("192.0.2.1, 198.51.100.7", proxies)}), kVendor);
}

}  // namespace
}  // namespace onhook
