#ifndef ONHOOK_TESTS_CONTROLS_CONTROL_PROGRAM_H_
#define ONHOOK_TESTS_CONTROLS_CONTROL_PROGRAM_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {

// The path of a gateway that is wrong on purpose; CONTROLS.md tells their names. For
// OnhookdProcess::Options::program.
inline std::string ControlProgram(absl::string_view control) {
  return absl::StrCat(ONHOOK_CONTROLS_DIR, "/onhookd_", control);
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_CONTROLS_CONTROL_PROGRAM_H_
