#ifndef ONHOOK_GATEWAY_CONFIG_CONFIG_TEXT_H_
#define ONHOOK_GATEWAY_CONFIG_CONFIG_TEXT_H_

#include <map>
#include <string>

#include "absl/types/span.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_table.h"

namespace onhook {

// A setting's value as it holds, and where it comes from: "default", "flag --http-listen",
// "variable ONHOOK_HTTP_LISTEN" or "file FILE:LINE:COLUMN".
struct EffectiveSetting {
  const Setting* setting = nullptr;
  std::string value;
  std::string origin;
};

// Where the members of sources, subscriptions and identities stand: "sources[0].path" to
// "FILE:LINE:COLUMN".
using MemberPlaces = std::map<std::string, std::string>;

// What --print-config prints: `values`, in the order of the table, and the sources and
// subscriptions of `settings`, as a file of settings that gives the same settings again. A comment
// behind each line says where its value comes from. Of secrets it has the names of their files.
//
// Pure. Blocking: never. Errors: none.
std::string ConfigText(absl::Span<const EffectiveSetting> values, const Settings& settings,
                       const MemberPlaces& places);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_CONFIG_TEXT_H_
