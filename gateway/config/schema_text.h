#ifndef ONHOOK_GATEWAY_CONFIG_SCHEMA_TEXT_H_
#define ONHOOK_GATEWAY_CONFIG_SCHEMA_TEXT_H_

#include <string>

namespace onhook {

// What --print-schema prints, and onhook.schema.json holds: a JSON Schema (draft 7, which editors
// of YAML take) of the file of settings, of the same tables as the reference.
//
// Whatever a gateway takes as a file, the schema takes. What it cannot say (whether names are given
// once, or settings fit each other) --check does.
std::string SchemaText();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SCHEMA_TEXT_H_
