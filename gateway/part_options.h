#ifndef ONHOOK_GATEWAY_PART_OPTIONS_H_
#define ONHOOK_GATEWAY_PART_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/ip_network.h"
#include "gateway/config/settings.h"
#include "gateway/store/embedded/embedded_store.h"

namespace onhook {

// What the settings, taken together, mean for the parts of the gateway. Pure. Threads: any.

// What all connections that the settings allow may take of descriptors, and the store's files
// beside them.
int64_t MostDescriptors(const Settings& settings);

// Every subscription that some source waits for.
std::vector<std::string> NamedSubscriptions(const Settings& settings);

// Peers that speak for many.
std::vector<IpNetwork> TrustedProxies(const Settings& settings);

// Callbacks that may wait for a forward at once. The rest of the connections goes on taking
// callbacks whose events need not wait.
int MaxWaitingCallbacks(const Settings& settings);

RetentionOptions RetentionOf(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_PART_OPTIONS_H_
