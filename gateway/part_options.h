#ifndef ONHOOK_GATEWAY_PART_OPTIONS_H_
#define ONHOOK_GATEWAY_PART_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/ip_network.h"
#include "gateway/config/delivery_options.h"
#include "gateway/config/http_options.h"
#include "gateway/config/settings.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/store/store_limits.h"

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

// What each part is made with, and told anew when settings are read again.
StoreLimits StoreLimitsOf(const Settings& settings);
ReceiptDeskOptions ReceiptDeskOptionsOf(const Settings& settings);
HttpOptions HttpOptionsOf(const Settings& settings);
DeliveryOptions DeliveryOptionsOf(const Settings& settings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_PART_OPTIONS_H_
