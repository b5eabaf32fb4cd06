#ifndef ONHOOK_GATEWAY_CONFIG_SOURCES_READER_H_
#define ONHOOK_GATEWAY_CONFIG_SOURCES_READER_H_

#include <yaml-cpp/yaml.h>

#include <vector>

#include "gateway/config/declared_source.h"
#include "gateway/config/node_reader.h"

namespace onhook {

// Reads `sources`, a sequence of mappings that is not empty. Those with a fault, and those that
// conflict with one before, are left out. Threads, blocking and errors: as NodeReader.
std::vector<DeclaredSource> ReadSources(const YAML::Node& node, NodeReader& reader);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SOURCES_READER_H_
