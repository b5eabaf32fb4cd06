#ifndef ONHOOK_GATEWAY_BASE_DESCRIPTOR_LIMIT_H_
#define ONHOOK_GATEWAY_BASE_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace onhook {

// Lets this process open as many descriptors as it is allowed to without being root. What a shell
// or a service manager gives by default, 1,024, is less than the connections that the gateway
// takes. To be called before there are threads. If it cannot be done, everything stays as it is.
void RaiseDescriptorLimit();

// How many descriptors this process may have open. Threads: any.
int64_t DescriptorLimit();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_DESCRIPTOR_LIMIT_H_
