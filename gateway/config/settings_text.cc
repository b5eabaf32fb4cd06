#include "gateway/config/settings_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

constexpr absl::string_view kHelpHead =
    R"(onhookd: takes a contact centre's hang-up callbacks, stores them, streams them to subscribers
over gRPC, and only then answers the contact centre.

Usage: onhookd [OPTION]... [SETTING]...

Without any argument it serves this machine only: callbacks at http://127.0.0.1:8080/release-events,
subscribers on 127.0.0.1:50051, probes on 127.0.0.1:8081, data in ./onhook-data.

Options:
  --config FILE       read settings and the lists below from a YAML file; also ONHOOK_CONFIG
  --check             say whether the settings are right, and leave without touching anything
  --print-config      print every setting as it holds and where it comes from, as such a file
  --print-reference   print all that can be set, with its bounds and the reason for its default
  --print-schema      print a JSON Schema of the file, by which editors complete and check it
  --verify DIRECTORY  check every event and row of a store that no gateway uses, and change nothing
  --accept-loss DIRECTORY
                      let a store of which files are missing go on with what is left of it
  --restore FILE      make a store in store.directory, which must hold none, out of a backup that
                      `onhook backup` made
  --help              print this text
  --version           print the version

Settings, each with its default. --http-listen=VALUE or --http-listen VALUE is the variable
ONHOOK_HTTP_LISTEN, and http: {listen: VALUE} in the file, and so for all. A flag goes before a
variable, a variable before the file. Who sends callbacks (sources), what must exist before the
first event (subscriptions) and who may come for events (access) stand in the file alone;
--print-reference tells their members.
)";

constexpr absl::string_view kHelpTail = R"(
A DURATION is a whole number with its unit: 500ms, 5s, 10m, 24h, 7d. BYTES likewise: 64KiB, 10MiB.

Signals: SIGTERM or SIGINT finishes what is under way and leaves with 0; a second one leaves at
once, which loses nothing that was acknowledged. SIGHUP reads the settings again and takes another
access list; the log names what takes a restart. Exit codes: 0 done, 1 failed, 2 wrong settings,
3 a bad store or backup, 4 the disk failed.
)";

}  // namespace

std::string HelpText() {
  const Settings defaults;
  std::string text(kHelpHead);
  for (const SettingGroup& group : SettingGroups()) {
    absl::StrAppend(&text, "\n", group.name, ": ", group.title, "\n");
    for (const Setting& setting : SettingsTable()) {
      if (GroupOf(setting) != group.name) continue;
      const std::string fallback = setting.write(defaults);
      absl::StrAppend(&text, "  ", setting.Flag(), "=", setting.form, "   (",
                      fallback.empty() ? "none" : fallback, ")\n      ", setting.description, "\n");
    }
  }
  absl::StrAppend(&text, kHelpTail);
  return text;
}

}  // namespace onhook
