// Whom a request comes from: whatever a stranger writes to the left of what a trusted proxy wrote,
// the answer stays.
//
// An input is lines: the peer, then a network that is trusted for each line up to an empty one,
// then values of X-Forwarded-For.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/base/ip_network.h"
#include "gateway/ingress/client_address.h"
#include "tests/fuzz/fuzz_target.h"

namespace onhook {
namespace {

struct Input {
  std::string peer;
  std::vector<IpNetwork> trusted;
  std::vector<std::string> forwarded;
};

Input ReadInput(absl::string_view bytes) {
  Input input;
  std::vector<std::string> lines = absl::StrSplit(bytes, '\n');
  input.peer = lines[0];
  size_t at = 1;
  for (; at < lines.size() && !lines[at].empty(); ++at) {
    const absl::StatusOr<IpNetwork> network = IpNetwork::Parse(lines[at]);
    if (network.ok()) input.trusted.push_back(*network);
  }
  for (++at; at < lines.size(); ++at) input.forwarded.push_back(lines[at]);
  return input;
}

absl::optional<IpAddress> Ask(const Input& input, const std::vector<std::string>& forwarded) {
  std::vector<HttpHeader> headers = {{"Host", "h"}};
  for (const std::string& value : forwarded) {
    headers.push_back({"x-forwarded-FOR", value});
    headers.push_back({"X-Forwarded-Host", "192.0.2.99"});
  }
  HttpRequest request;
  request.peer = input.peer;
  request.headers = headers;
  return ClientAddress(request, input.trusted);
}

bool IsTrusted(const Input& input, const IpAddress& address) {
  return std::any_of(input.trusted.begin(), input.trusted.end(),
                     [&](const IpNetwork& network) { return network.Contains(address); });
}

// An address and a network, once written, are read as the same.
void CheckAddress(absl::string_view text) {
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (address.ok()) {
    const absl::StatusOr<IpAddress> again = IpAddress::Parse(address->ToString());
    FUZZ_CHECK(again.ok() && *again == *address);
    FUZZ_CHECK(again->ToString() == address->ToString());
    const absl::StatusOr<IpNetwork> alone = IpNetwork::Parse(text);
    FUZZ_CHECK(alone.ok() && alone->Contains(*address));
  }
  const absl::StatusOr<IpNetwork> network = IpNetwork::Parse(text);
  if (!network.ok()) return;
  const absl::StatusOr<IpNetwork> again = IpNetwork::Parse(network->ToString());
  FUZZ_CHECK(again.ok() && again->ToString() == network->ToString());
}

void RunOne(absl::string_view bytes) {
  for (const absl::string_view line : absl::StrSplit(bytes, '\n')) CheckAddress(line);

  const Input input = ReadInput(bytes);
  const absl::optional<IpAddress> client = Ask(input, input.forwarded);
  const absl::StatusOr<IpAddress> peer = IpAddress::Parse(input.peer);
  FUZZ_CHECK(client.has_value() == peer.ok());
  if (!peer.ok()) return;
  if (!IsTrusted(input, *peer)) FUZZ_CHECK(*client == *peer);

  // All headers of the name are one list.
  FUZZ_CHECK(*Ask(input, {absl::StrJoin(input.forwarded, " ,\t")}) == *client ||
             input.forwarded.empty());
  const std::vector<std::string> each =
      absl::StrSplit(absl::StrJoin(input.forwarded, ","), ',', absl::AllowEmpty());
  FUZZ_CHECK(*Ask(input, each) == *client || input.forwarded.empty());

  // What a stranger sends stands left of all that proxies append.
  for (const char* spoofed : {"203.0.113.99", "::1", "127.0.0.1", "nonsense", ",", ""}) {
    std::vector<std::string> more = input.forwarded;
    more.insert(more.begin(), spoofed);
    const absl::optional<IpAddress> answer = Ask(input, more);
    if (!IsTrusted(input, *client)) FUZZ_CHECK(*answer == *client);
  }
  // What the last proxy appends is believed, and only of a trusted one.
  std::vector<std::string> appended = input.forwarded;
  appended.emplace_back("[2001:db8:ffff::1]:443");
  const IpAddress named = *IpAddress::Parse("2001:db8:ffff::1");
  if (IsTrusted(input, *peer) && !IsTrusted(input, named)) {
    FUZZ_CHECK(*Ask(input, appended) == named);
  }
}

}  // namespace

// Bodies hold no addresses: they are only there for the mutations.
std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      "192.0.2.1\n192.0.2.0/24\n\n198.51.100.7, 192.0.2.9\n192.0.2.8:443",
      "::ffff:10.0.0.1\n10.0.0.0/8\n2001:db8::/32\n\n[2001:db8::1]:80,203.0.113.5",
      "2001:db8::1\n2001:db8::1\n\nunknown, 2001:db8::2",
      "10.0.0.1\n10.0.0.1/31\n::/0\n0.0.0.0/0\n\n1.2.3.4,_x,010.0.0.1,[1.2.3.4],1:2"};
  if (!bodies.empty()) seeds.push_back(absl::StrCat("127.0.0.1\n127.0.0.0/8\n\n", bodies[0]));
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
