#ifndef ONHOOK_GATEWAY_CONFIG_ACCESS_READER_H_
#define ONHOOK_GATEWAY_CONFIG_ACCESS_READER_H_

#include <yaml-cpp/yaml.h>

#include <vector>

#include "gateway/config/node_reader.h"
#include "gateway/config/settings.h"

namespace onhook {

// Reads `access`, a sequence of mappings that is not empty: a list that is written down and names
// nobody would let everybody in. Those with a fault, and those that conflict with one before, are
// left out. Threads, blocking and errors: as NodeReader.
std::vector<Settings::Identity> ReadAccess(const YAML::Node& node, NodeReader& reader);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_ACCESS_READER_H_
