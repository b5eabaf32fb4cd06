#ifndef ONHOOK_CLIENTS_CLI_VENDOR_PROFILE_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_PROFILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/vendor_body.h"

namespace onhook::cli {

// A shape that `onhook send` gives to its callbacks, so that a rule of the front door can be tried
// by hand.
struct VendorProfile {
  // What the bodies are made of.
  struct Input {
    BodyFields fields;
    std::string key;  // empty: nothing is signed
    // Gives the nonce: one for each callback.
    uint64_t serial = 0;
    absl::Time now;
  };

  absl::string_view name;
  // What it does, and what is answered under which settings; one or two lines of a table.
  absl::string_view help;
  bool needs_key;
  // Callbacks that belong together, posted one after the other. The last one's answer is the point.
  int posts;
  // So many bodies. Pure.
  std::vector<std::string> (*bodies)(Input input);
};

// All there are; the first is the default.
const std::vector<VendorProfile>& VendorProfiles();

// The one of this name, which must be one.
const VendorProfile& FindVendorProfile(absl::string_view name);

// A paragraph for each: its name and its help.
std::string VendorProfilesHelp();

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_PROFILE_H_
