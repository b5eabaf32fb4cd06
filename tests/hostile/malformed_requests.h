#ifndef ONHOOK_TESTS_HOSTILE_MALFORMED_REQUESTS_H_
#define ONHOOK_TESTS_HOSTILE_MALFORMED_REQUESTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// What only an attacker or a broken program sends.
struct MalformedRequest {
  const char* name;
  int status;         // that it has to be answered with
  std::string bytes;  // with "MARKER" and "SMUGGLED" where the markers belong

  // With its own marker, and that of the request that it may hide.
  std::string WithMarkers(absl::string_view marker, absl::string_view smuggled) const;
};

// The corpus: request lines, headers, lengths, encodings and chunks that servers and proxies are
// known to read differently, and protocols that are none of this port's.
std::vector<MalformedRequest> MalformedRequests();

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_MALFORMED_REQUESTS_H_
