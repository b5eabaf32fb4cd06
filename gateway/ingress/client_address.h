#ifndef ONHOOK_GATEWAY_INGRESS_CLIENT_ADDRESS_H_
#define ONHOOK_GATEWAY_INGRESS_CLIENT_ADDRESS_H_

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "gateway/base/ip_network.h"
#include "gateway/http/http_message.h"

namespace onhook {

// Whom a request comes from, for all that can be known: the other end of its socket or, if that is
// a proxy that is trusted, whom the proxy says it had it from, and so on.
//
// X-Forwarded-For is what each proxy appends to, so it is read from the right, all headers of that
// name as one list, for as long as the address that speaks is trusted. What stands left of the
// first that is not, anybody could have written. An element is an address, with or without a port:
// "192.0.2.7", "192.0.2.7:443", "2001:db8::1", "[2001:db8::1]:443". At one that is anything else,
// or at the list's end, the search ends with the proxy that spoke last: never with what it did not
// say.
// Nothing: the socket's other end has no address.
// Pure. Threads: any. Blocking: never.
absl::optional<IpAddress> ClientAddress(const HttpRequest& request,
                                        absl::Span<const IpNetwork> trusted_proxies);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CLIENT_ADDRESS_H_
