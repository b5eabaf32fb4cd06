#ifndef ONHOOK_CLIENTS_CLI_VENDOR_SAMPLES_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_SAMPLES_H_

#include "absl/strings/string_view.h"

namespace onhook::cli {

// The requests of tests/golden/vendor_sample_*, compiled in by CMake.
extern const absl::string_view kVendorSampleJavamap;
extern const absl::string_view kVendorSampleJson;

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_SAMPLES_H_
