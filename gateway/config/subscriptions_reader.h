#ifndef ONHOOK_GATEWAY_CONFIG_SUBSCRIPTIONS_READER_H_
#define ONHOOK_GATEWAY_CONFIG_SUBSCRIPTIONS_READER_H_

#include <yaml-cpp/yaml.h>

#include <vector>

#include "gateway/config/node_reader.h"
#include "gateway/config/settings.h"

namespace onhook {

// Reads `subscriptions`, a sequence of mappings. Those with a fault, and those named like one
// before, are left out. Threads, blocking and errors: as NodeReader.
std::vector<Settings::Subscription> ReadSubscriptions(const YAML::Node& node, NodeReader& reader);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SUBSCRIPTIONS_READER_H_
